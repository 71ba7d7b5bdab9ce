//! Output of commands: JSON in the AWS CLI's style, and one way to write each of sizes, times and counts. Invisible
//! characters are always escaped, because any output may have text from outside.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use gangplank_api::Timestamp;
use serde_json::Value;

use super::{colour, foreign};

/// Prints an answer on standard output.
///
/// # Errors
/// If the answer cannot be written. It may hold a secret that is shown only once, so nobody must believe that it was
/// printed.
pub(crate) fn print(value: &Value) -> Result<()> {
    let mut shown = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut shown, indented))?;
    shown.push(b'\n');
    text(&foreign::json(&String::from_utf8_lossy(&shown)))
}

/// Prints a message on standard output. A closed output is no error.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{}", foreign::visible(&text.to_string()));
}

/// Prints a message with our own colours in it. Text from outside has to pass through [`foreign`] first.
pub(crate) fn say_in_colour(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The beginning of every message of the program on standard error.
pub(crate) const NAME: &str = "gangplank:";

/// Prints a success message on standard error, if standard output has no answer.
pub(crate) fn done(text: impl Display) {
    complain(format_args!("{NAME} {text}"));
}

/// Prints a warning on standard error. A closed output is no error.
pub(crate) fn warn(text: impl Display) {
    let begin = coloured("33", &format!("{NAME} warning:"));
    let _ = writeln!(std::io::stderr(), "{begin} {}", foreign::message(&text.to_string()));
}

/// Prints an error on standard error.
pub(crate) fn error(text: impl Display) {
    let begin = coloured("31", NAME);
    let _ = writeln!(std::io::stderr(), "{begin} {}", foreign::message(&text.to_string()));
}

/// Makes text bold and coloured, if standard error is coloured.
fn coloured(colour: &str, text: &str) -> String {
    if colour::on_error() { format!("\x1b[1;{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Prints a message on standard error. A closed output is no error.
pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{}", foreign::message(&text.to_string()));
}

/// Prints text.
pub(crate) fn text(text: &str) -> Result<()> {
    text_in_colour(&foreign::visible(text))
}

/// Prints text with our own colours in it. Text from outside has to pass through [`foreign`] first.
pub(crate) fn text_in_colour(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Whether printing failed because the reader, such as `head`, has read enough.
pub(crate) fn is_enough(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// A time as `2026-11-23T20:40:00+00:00` (RFC 3339), with milliseconds if they are not 0.
pub(crate) fn timestamp(timestamp: Timestamp) -> String {
    let format = if timestamp.0 % 1000 == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
    match jiff::Timestamp::from_millisecond(timestamp.0) {
        Ok(time) => format!("{}+00:00", time.strftime(format)),
        Err(_) => timestamp.0.to_string(),
    }
}

/// A size in bytes, written in the unit that people would use.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut unit, mut left) = ("bytes", bytes);
    let mut rest = 0;
    for larger in UNITS {
        if left < 1024 {
            break;
        }
        (unit, rest, left) = (larger, left % 1024, left / 1024);
    }
    if unit == "bytes" { counted(left, "byte") } else { format!("{left}.{} {unit}", rest * 10 / 1024) }
}

/// A bar's style with `{done}` and `{all}` as sizes in the form of [`size`].
pub(crate) fn sized(style: indicatif::ProgressStyle) -> indicatif::ProgressStyle {
    use indicatif::ProgressState;
    type Writer<'a> = &'a mut dyn std::fmt::Write;
    let style = style.with_key("done", |state: &ProgressState, to: Writer<'_>| {
        let _ = to.write_str(&size(state.pos()));
    });
    style.with_key("all", |state: &ProgressState, to: Writer<'_>| {
        let _ = to.write_str(&size(state.len().unwrap_or_default()));
    })
}

/// A number with its noun, in the singular or plural.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// A number of bytes, and the rate at which they were sent.
pub(crate) fn sent(bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let whole = took.as_millis().max(1);
    let speed = u128::from(bytes) * 1000 / whole;
    let speed = u64::try_from(speed).unwrap_or(u64::MAX);
    format!("{} sent in {seconds:.1} s ({}/s)", size(bytes), size(speed))
}

/// The current time, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_people_would_use() {
        let shown = [0, 1, 1_023, 1_536, 20 << 20, (5 << 40) - 1].map(size);
        assert_eq!(shown, ["0 bytes", "1 byte", "1023 bytes", "1.5 KiB", "20.0 MiB", "4.9 TiB"]);
    }

    #[test]
    fn what_was_sent_has_units() {
        let shown = sent(10 << 20, Duration::from_millis(2_500));
        assert_eq!(shown, "10.0 MiB sent in 2.5 s (4.0 MiB/s)");
        assert_eq!(sent(0, Duration::ZERO), "0 bytes sent in 0.0 s (0 bytes/s)");
    }

    #[test]
    fn timestamps_look_like_the_aws_clis() {
        assert_eq!(timestamp(Timestamp(1_603_432_203_000)), "2020-10-23T05:50:03+00:00");
        assert_eq!(timestamp(Timestamp(1_603_432_203_123)), "2020-10-23T05:50:03.123+00:00");
    }
}
