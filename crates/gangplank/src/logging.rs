//! Logs: on standard error, so that standard output stays for answers.

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

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
    let filter = EnvFilter::builder().parse(filter).with_context(|| {
        format!("{filter:?} is no log filter; try info, debug, or gangplank_server=debug")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        Format::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
