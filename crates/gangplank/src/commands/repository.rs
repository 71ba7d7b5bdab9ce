//! `gangplank repository`: shows repositories, their manifests, and the parts of a manifest.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gangplank_api::gangplank::{
    GetManifestRequest, ListManifestsRequest, ListRepositoriesRequest, ManifestSummary, RepositorySummary,
};
use serde_json::json;

use crate::aws::connection::Connection;
use crate::aws::pages;
use crate::terminal::listing::{Cell, Column, ListForm, Listing};
use crate::terminal::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the repositories of the account
    List {
        /// Only repositories whose names begin with this
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        #[command(flatten)]
        list_form: ListForm,
    },
    /// Show the manifests of a repository, the newest first
    ///
    /// A manifest that an index lists, or that refers to another manifest, belongs to that one. It is left out unless
    /// it has a tag.
    Manifests {
        repository: String,
        /// Only manifests with a tag that begins with this
        #[arg(long, value_name = "TEXT")]
        tag_prefix: Option<String>,
        /// Also show manifests that belong to others
        #[arg(long)]
        with_parts: bool,
        #[command(flatten)]
        list_form: ListForm,
    },
    /// Show a manifest as JSON: layers, configuration, platforms, referrers, and what keeps it from being collected
    Show {
        repository: String,
        /// A tag, or a digest
        reference: String,
    },
}

const REPOSITORIES: Listing<RepositorySummary> = Listing {
    name: "repositories",
    empty: "There are no repositories.",
    columns: &[
        Column::new("REPOSITORY", "repository", |found: &RepositorySummary| Cell::words(&found.repository))
            .bare(),
        Column::new("NEWEST", "newestAt", |found| Cell::maybe_time(found.newest_at)),
    ],
    sentence: None,
};

const MANIFESTS: Listing<ManifestSummary> = Listing {
    name: "manifests",
    empty: "There are no such manifests.",
    columns: &[
        Column::new("DIGEST", "digest", |found: &ManifestSummary| Cell::words(&found.digest)).bare(),
        Column::new("TAGS", "tags", |found| Cell::Several(found.tags.clone())),
        Column::new("CAME", "createdAt", |found| Cell::Time(found.created_at)),
        Column::new("LAYERS", "layersSize", |found| found.layers_size.map_or(Cell::Nothing, size)),
        Column::new("LISTS", "children", |found| {
            found.children.map_or(Cell::Nothing, |count| Cell::Number(count.try_into().unwrap_or_default()))
        }),
        Column::new("ARTIFACT", "artifactType", |found| Cell::maybe(found.artifact_type.as_deref())),
        Column::not_in_tables("mediaType", |found| Cell::words(&found.media_type)),
        Column::not_in_tables("subject", |found| Cell::maybe(found.subject.as_deref())),
    ],
    sentence: None,
};

/// A number of bytes. The API has it as a floating-point number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count, and no more than i64::MAX"
)]
fn size(bytes: f64) -> Cell {
    Cell::Size(bytes as u64)
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let client = args.connection.client()?;
    match args.command {
        Command::List { prefix, list_form } => {
            let request = ListRepositoriesRequest { prefix, ..Default::default() };
            list_form.show(&REPOSITORIES, &pages::all(&client, request).await?)?;
        }
        Command::Manifests { repository, tag_prefix, with_parts, list_form } => {
            let with_parts = Some(with_parts);
            let request = ListManifestsRequest { repository, tag_prefix, with_parts, ..Default::default() };
            list_form.show(&MANIFESTS, &pages::all(&client, request).await?)?;
        }
        Command::Show { repository, reference } => {
            let manifest = client.call(&GetManifestRequest { repository, reference }).await?.manifest;
            output::print(&json!({ "manifest": manifest }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
