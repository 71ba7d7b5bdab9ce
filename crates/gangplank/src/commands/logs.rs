//! `gangplank logs`: shows the output of a service's containers.

mod follow;
mod lines;

use std::collections::VecDeque;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use gangplank_api::Timestamp;

use self::lines::Style;
use crate::aws::api_client::ApiClient;
use crate::aws::connection::Connection;
use crate::cli::words;
use crate::services::by_name;
use crate::services::container_log::{ContainerLog, Line, keep_newest};
use crate::terminal::listing::Form;
use crate::terminal::output::is_enough;
use crate::values::{timestamp, whole_number};

/// The number of lines that are shown by default.
const TAIL: usize = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The container service
    service: String,
    /// The container [default: in the newest deployment, the one of the public endpoint, or the only one]
    container: Option<String>,
    /// Keep showing new lines, also of later deployments, until the command is stopped or its output is closed
    #[arg(long, short)]
    follow: bool,
    /// The number of lines to show, the newest ones [default: 100, with --since all]
    #[arg(long, short = 'n', value_name = "N", value_parser = whole_number::read::<usize>, allow_hyphen_values = true)]
    tail: Option<usize>,
    /// Only lines from this time on: 2026-11-25, 2026-11-25T09:00:00Z, 30m, 1h or 7d for that long ago, today,
    /// yesterday; days are those of UTC
    #[arg(long, value_name = "MOMENT", value_parser = timestamp::read, allow_hyphen_values = true)]
    since: Option<Timestamp>,
    /// Only lines with all of these words; a word after - must be missing, and of the words after ? at least one must
    /// be there
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Begin each line with its time
    #[arg(long, short)]
    timestamps: bool,
    /// How lines are shown; a JSON object for each with --follow [default: text]
    #[arg(long, value_name = "FORM", value_parser = Form::json_or_text())]
    output: Option<Form>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let container = match &args.container {
        Some(container) => container.clone(),
        None => main_container(&client, &args.service).await?,
    };
    let log = ContainerLog { service: args.service, container, filter: args.filter };
    let style = Style { form: args.output.unwrap_or(Form::Text), timestamps: args.timestamps };
    let tail = args.tail.or_else(|| args.since.is_none().then_some(TAIL));
    let shown = if args.follow {
        let changes = args.container.is_none();
        follow::run(&client, log, tail, args.since, style, changes).await
    } else {
        match (tail, args.since, style.form) {
            (None, Some(since), Form::Text | Form::Table) => {
                log.from(&client, since, |lines| style.stream(&not_before(lines, since))).await
            }
            _ => style.show(&wanted(&client, &log, tail, args.since).await?),
        }
    };
    match shown {
        Err(error) if is_enough(&error) => {}
        shown => shown?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines that exist now: the newest `tail` lines since a time.
async fn wanted(
    client: &ApiClient,
    log: &ContainerLog,
    tail: Option<usize>,
    since: Option<Timestamp>,
) -> Result<Vec<Line>> {
    let most = tail.unwrap_or(usize::MAX);
    let Some(since) = since else { return log.newest(client, most).await };
    let mut kept = VecDeque::new();
    log.from(client, since, |lines| {
        keep_newest(&mut kept, not_before(lines, since), most);
        Ok(())
    })
    .await?;
    Ok(kept.into())
}

/// Removes lines before a time. The server compares whole seconds only.
fn not_before(mut lines: Vec<Line>, since: Timestamp) -> Vec<Line> {
    lines.retain(|line| line.at.0 >= since.0);
    lines
}

/// The container that is shown if none is named: the container of the newest deployment, whether it is active
/// or failed.
async fn main_container(client: &ApiClient, service: &str) -> Result<String> {
    by_name::existing(client, service).await?;
    let deployments = by_name::deployments(client, service).await?;
    let newest = deployments.first().with_context(|| {
        format!(
            "nothing was deployed to the container service {service:?} yet; `gangplank deploy {} --image IMAGE` does it",
            words::quoted(service)
        )
    })?;
    by_name::main_container(newest)
}
