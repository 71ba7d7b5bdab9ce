//! Logs: on standard error, so that standard output stays for answers.

use anyhow::{Context as _, Result};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging what `filter` lets through, such as `info` or `gangplank_server=debug`.
pub(crate) fn start(filter: &str, format: Format) -> Result<()> {
    let filter: Targets = filter.parse().with_context(|| {
        format!("{filter:?} is no log filter; try info, debug, or gangplank_server=debug")
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => {
            logs.with(lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))).init();
        }
        Format::Json => logs.with(lines.json().flatten_event(true)).init(),
    }
    Ok(())
}
