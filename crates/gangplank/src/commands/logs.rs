//! `gangplank logs`: what the containers of a service print.

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

/// How many lines are shown where nothing else is asked for.
const TAIL: usize = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The container service
    service: String,
    /// The container [default: the public endpoint's, or the only one, of the newest deployment]
    container: Option<String>,
    /// Show what is printed from now on too, also by later deployments, until it is stopped or nobody reads on
    #[arg(long, short)]
    follow: bool,
    /// How many lines to show at the most, the newest of them [default: 100, with --since all]
    #[arg(long, short = 'n', value_name = "N", value_parser = whole_number::read::<usize>, allow_hyphen_values = true)]
    tail: Option<usize>,
    /// Only lines of this moment and later: 2026-11-25, 2026-11-25T09:00:00Z, 30m, 1h or 7d for that long ago, today,
    /// yesterday; days are those of UTC
    #[arg(long, value_name = "MOMENT", value_parser = timestamp::read, allow_hyphen_values = true)]
    since: Option<Timestamp>,
    /// Only lines that have all of these words, none that follows a `-`, and one of those that follow a `?`
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Begin each line with the moment of it
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

/// The lines that are there: the newest `tail` of those since a moment.
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

/// The server knows whole seconds.
fn not_before(mut lines: Vec<Line>, since: Timestamp) -> Vec<Line> {
    lines.retain(|line| line.at.0 >= since.0);
    lines
}

/// The container that is meant where none is named: that of the newest deployment, whatever became of it.
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
