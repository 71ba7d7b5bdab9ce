//! The log. It goes to standard error, so that standard output has only answers.

mod lines;

use std::backtrace::BacktraceStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::{Result, bail};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use lines::Lines;

/// The form of a line of the log: text for people, or one JSON object a line for programs.
// The variants have no doc comments: with them clap would lay out the help differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// The log of a running program. Dropping it waits a moment for lines that are still to be written.
pub(crate) struct Logs {
    lines: Lines,
    filter: reload::Handle<Targets, Registry>,
}

/// Starts the log. `filter` says which lines it has, such as `info` or `gangplank_server=debug`.
pub(crate) fn start(filter: &str, format: Format) -> Result<Logs> {
    let (filter, handle) = reload::Layer::new(read_filter(filter)?);
    let lines = Lines::start()?;
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone());
    let logs = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => {
            logs.with(layer.with_ansi(crate::terminal::colour::on_error())).init();
        }
        Format::Json => logs.with(layer.json().flatten_event(true).with_span_list(false)).init(),
    }
    Ok(Logs { lines, filter: handle })
}

impl Logs {
    /// Replaces the filter.
    ///
    /// # Errors
    /// If the filter cannot be parsed. Then the old filter stays.
    pub(crate) fn change_filter(&self, filter: &str) -> Result<()> {
        Ok(self.filter.reload(read_filter(filter)?)?)
    }

    /// The number of lines that were dropped because they were written too slowly.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        self.lines.dropped()
    }

    /// Waits a moment for lines that are still to be written. For code that ends the program without dropping this
    /// value.
    pub(crate) fn flusher(&self) -> impl Fn() + Send + 'static {
        let lines = self.lines.clone();
        move || lines.flush()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.lines.flush();
    }
}

/// Writes panics to the log. Writing them directly to standard error could block.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(trace));
        tracing::error!(trace, "{panic}");
    }));
}

/// Parses a comma-separated filter. Each part is a level, `TARGET=LEVEL`, or a target of this program, which stands
/// for all lines of that target.
fn read_filter(text: &str) -> Result<Targets> {
    let mut filter = Targets::new();
    for part in text.split(',') {
        filter = match (level(part), part.split_once('=')) {
            (Some(level), _) => filter.with_default(level),
            (None, Some((target, level_of_target))) if is_target(target) => match level(level_of_target) {
                Some(level) => filter.with_target(target, level),
                None => bail!(not_understood(part)),
            },
            (None, None) if is_target(part) && part.starts_with("gangplank") => {
                filter.with_target(part, LevelFilter::TRACE)
            }
            _ => bail!(not_understood(part)),
        };
    }
    Ok(filter)
}

/// Parses the name of a level, in upper or lower case. `tracing` would also take a number, and an empty text for
/// `error`.
fn level(text: &str) -> Option<LevelFilter> {
    text.parse().ok().filter(|_| text.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Whether `text` can be the path of a module, or a name that a library chose instead.
fn is_target(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_:-.".contains(c))
}

fn not_understood(part: &str) -> String {
    format!(
        "{part:?} is no part of a log filter (--log); each part, comma-separated, is a level (off, error, warn, \
         info, debug or trace), TARGET=LEVEL, or a target that begins with gangplank, such as gangplank_server"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_targets_are_taken() {
        for text in [
            "off",
            "error",
            "WARN",
            "Info",
            "debug",
            "trace",
            "gangplank",
            "gangplank_server::http",
            "hyper=debug",
            "rustls::conn=OFF",
            "info,gangplank_server=debug,gangplank_store",
        ] {
            assert!(read_filter(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_taken_is_what_is_logged() {
        let filter = read_filter("warn,gangplank_server,hyper=off").unwrap();
        for (target, level, expected) in [
            ("other", tracing::Level::WARN, true),
            ("other", tracing::Level::INFO, false),
            ("gangplank_server::http", tracing::Level::TRACE, true),
            ("gangplank_store", tracing::Level::INFO, false),
            ("hyper", tracing::Level::ERROR, false),
        ] {
            assert_eq!(filter.would_enable(target, &level), expected, "{target} {level}");
        }
        assert!(!read_filter("hyper=debug").unwrap().would_enable("gangplank", &tracing::Level::ERROR));
    }

    #[test]
    fn a_part_that_is_not_understood_is_named() {
        for (text, part) in [
            ("", ""),
            ("nonsense", "nonsense"),
            ("inof", "inof"),
            ("hyper", "hyper"),
            ("Gangplank", "Gangplank"),
            ("3", "3"),
            ("info,", ""),
            (",info", ""),
            ("info,,debug", ""),
            ("info, debug", " debug"),
            ("gangplank=", "gangplank="),
            ("gangplank=3", "gangplank=3"),
            ("gangplank=loud", "gangplank=loud"),
            ("=info", "=info"),
            ("=", "="),
            ("a=b=c", "a=b=c"),
            ("gangplank server", "gangplank server"),
            ("gangplank[{peer}]=info", "gangplank[{peer}]=info"),
        ] {
            let refused = read_filter(text).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{part:?} is no part")), "{text}: {refused}");
            assert!(refused.contains("TARGET=LEVEL"), "{refused}");
        }
    }
}
