//! Logs: on standard error, so that standard output stays for answers.

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

/// How a line of the log looks: text for people, or one JSON object a line for machines.
// The values have no words of their own, or clap would lay out the help in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// The log of a running program. Lines that are on their way when it is dropped are waited for a moment.
pub(crate) struct Logs {
    lines: Lines,
    filter: reload::Handle<Targets, Registry>,
}

/// Starts logging what `filter` lets through, such as `info` or `gangplank_server=debug`.
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
    /// From now on lets through what another filter does.
    ///
    /// # Errors
    /// If the filter cannot be read; then the one before stays.
    pub(crate) fn change_filter(&self, filter: &str) -> Result<()> {
        Ok(self.filter.reload(read_filter(filter)?)?)
    }

    /// How many lines were dropped because nobody read them fast enough.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        self.lines.dropped()
    }

    /// Waits a moment for lines that are on their way, for whoever ends the program without dropping this.
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

/// Tells of panics in the log too. Writing them to standard error would wait for whoever reads it.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(trace));
        tracing::error!(trace, "{panic}");
    }));
}

/// Reads a comma-separated filter. Each part is a level, `TARGET=LEVEL`, or a target of this program, which lets
/// all of that target through.
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

/// A level by its name, in any case. `tracing` would also take a number, and an empty text for `error`.
fn level(text: &str) -> Option<LevelFilter> {
    text.parse().ok().filter(|_| text.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Whether `text` can be a module's path, or a name that a library chose instead.
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
