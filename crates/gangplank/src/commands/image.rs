//! `gangplank image`: shows where images came from.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::gangplank::{GetImageOriginRequest, GetImageOriginResult, ImageOrigin};
use serde_json::json;

use crate::aws::connection::Connection;
use crate::terminal::listing::{Cell, Column, Form, Listing};
use crate::terminal::{foreign, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show who pushed an image and who registered it
    ///
    /// For a role, this is the session's name and the issuer's statements about the job: subject, repository, ref,
    /// commit, run. For an access key, it is the key and its description. It is kept as long as the image, also after
    /// the session, login and key are gone.
    Show {
        /// A registered image, :SERVICE.LABEL.NUMBER, or a digest
        image: String,
        /// How it is shown [default: table on a terminal, json elsewhere]
        #[arg(long, value_name = "FORM")]
        output: Option<Form>,
    },
}

/// A claim that the issuer made about the job.
fn claim(origin: &ImageOrigin, name: &str) -> Cell {
    Cell::maybe(origin.claims.as_ref().and_then(|claims| claims.get(name)).map(String::as_str))
}

const PUSHES: Listing<ImageOrigin> =
    Listing { name: "pushes", empty: "It is not known who pushed it.", columns: COLUMNS, sentence: None };

const REGISTRATIONS: Listing<ImageOrigin> =
    Listing { name: "registrations", empty: "It is not registered.", columns: COLUMNS, sentence: None };

const COLUMNS: &[Column<ImageOrigin>] = &[
    Column::new("AT", "at", |origin: &ImageOrigin| Cell::maybe_time(origin.at)),
    Column::new("TO", "repository", |origin| Cell::maybe(origin.repository.as_deref())),
    Column::new("AS", "image", |origin| Cell::maybe(origin.image.as_deref())),
    Column::new("BY", "principal", |origin| Cell::words(&origin.principal)),
    Column::new("SESSION", "sessionName", |origin| Cell::maybe(origin.session_name.as_deref())),
    Column::in_tables("REPOSITORY", |origin| claim(origin, "repository")),
    Column::in_tables("REF", |origin| claim(origin, "ref")),
    Column::in_tables("COMMIT", |origin| claim(origin, "sha")),
    Column::in_tables("RUN", |origin| claim(origin, "run_id")),
    Column::in_tables("SUBJECT", |origin| claim(origin, "sub")),
    Column::in_tables("ISSUER", |origin| claim(origin, "iss")),
    Column::new("DESCRIPTION", "description", |origin| Cell::maybe(origin.description.as_deref())),
    Column::not_in_tables("roleName", |origin| Cell::maybe(origin.role_name.as_deref())),
    Column::not_in_tables("accessKeyId", |origin| Cell::maybe(origin.access_key_id.as_deref())),
    Column::not_in_tables("claims", |origin| origin.claims.clone().map_or(Cell::Nothing, Cell::Named)),
];

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    let Command::Show { image, output } = args.command;
    let origin = client.call(&GetImageOriginRequest { image }).await?;
    show(&origin, Form::chosen(output, Form::Json))?;
    Ok(ExitCode::SUCCESS)
}

fn show(origin: &GetImageOriginResult, form: Form) -> Result<()> {
    let GetImageOriginResult { digest, pushes, registrations } = origin;
    match form {
        Form::Json => output::print(&json!({
            "digest": digest,
            "pushes": PUSHES.json(pushes),
            "registrations": REGISTRATIONS.json(registrations),
        })),
        Form::Text => {
            let each = |what: &str, lines: String| {
                let lines: Vec<String> = lines.lines().map(|line| format!("{what} {line}\n")).collect();
                lines.concat()
            };
            let (pushed, registered) = (PUSHES.lines(pushes), REGISTRATIONS.lines(registrations));
            let (pushed, registered) = (each("pushed", pushed), each("registered", registered));
            output::text(&format!("digest={}\n{pushed}{registered}", foreign::words(digest)))
        }
        Form::Table => output::text_in_colour(&format!(
            "{}\n\nPushed:\n{}\nRegistered:\n{}",
            foreign::words(digest),
            PUSHES.table(pushes),
            REGISTRATIONS.table(registrations)
        )),
    }
}
