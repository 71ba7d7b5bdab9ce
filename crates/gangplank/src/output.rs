//! What commands print: JSON in the AWS CLI's style, and moments as it writes them.

use anyhow::Result;
use gangplank_api::Timestamp;
use serde_json::Value;

/// Prints an answer on standard output.
#[expect(clippy::print_stdout, reason = "the one place that answers go to standard output")]
pub(crate) fn print(value: &Value) -> Result<()> {
    let mut text = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut text, indented))?;
    println!("{}", String::from_utf8_lossy(&text));
    Ok(())
}

/// Prints text as it is.
#[expect(clippy::print_stdout, reason = "as above")]
pub(crate) fn text(text: &str) {
    print!("{text}");
}

/// A moment as `2026-11-23T20:40:00+00:00`, with milliseconds if it has any.
pub(crate) fn moment(timestamp: Timestamp) -> String {
    let format = if timestamp.0 % 1000 == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.3f000" };
    match jiff::Timestamp::from_millisecond(timestamp.0) {
        Ok(moment) => format!("{}+00:00", moment.strftime(format)),
        Err(_) => timestamp.0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_look_like_the_aws_clis() {
        assert_eq!(moment(Timestamp(1_603_432_203_000)), "2020-10-23T05:50:03+00:00");
        assert_eq!(moment(Timestamp(1_603_432_203_123)), "2020-10-23T05:50:03.123000+00:00");
    }
}
