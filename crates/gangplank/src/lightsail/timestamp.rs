//! Timestamps: reads the forms that people write, and writes the form of `cli_timestamp_format`.

use gangplank_api::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::failure::Failure;

/// The timestamp in a sample. The AWS CLI holds it as a date and not as text, so its formats write it differently.
/// The character in front distinguishes it from any text of a server.
const SAMPLE: &str = "\u{10fffe}moment";

/// The form of timestamps in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `2020-10-23T05:50:03+00:00`.
    Iso8601,
    /// Timestamps in the form that the server sent.
    Wire,
}

impl Format {
    /// The form that the profile's `cli_timestamp_format` asks for.
    pub(crate) fn parse(setting: Option<&str>) -> Result<Self, Failure> {
        match setting {
            None | Some("iso8601") => Ok(Self::Iso8601),
            Some("wire") => Ok(Self::Wire),
            Some(other) => Err(Failure::Configuration(
                "Configuration",
                format!(
                    "Unknown cli_timestamp_format value: {other}, valid values are \"wire\" or \"iso8601\""
                ),
            )),
        }
    }
}

/// The timestamp for a sample.
pub(crate) fn sample() -> Value {
    SAMPLE.into()
}

/// The timestamp of a sample as text and YAML write it. `None` if `text` is any other text.
pub(crate) fn sample_as_text(text: &str) -> Option<&'static str> {
    (text == SAMPLE).then_some("1970-01-01 00:00:00")
}

/// The timestamp of a sample as JSON writes it. `None` if `text` is any other text.
pub(crate) fn sample_as_json(text: &str) -> Option<&'static str> {
    (text == SAMPLE).then_some("1970-01-01T00:00:00")
}

/// A timestamp of an answer, in the form to be printed. Any other value stays as it is.
pub(crate) fn shown(value: &Value, format: Format) -> Value {
    match (format, read(value)) {
        (Format::Iso8601, Some(microseconds)) => {
            iso8601(microseconds).map_or_else(|| value.clone(), Value::from)
        }
        _ => value.clone(),
    }
}

/// A timestamp for a request: whole seconds, as every AWS client sends them.
pub(crate) fn wire(value: &Value) -> Option<i64> {
    read(value).map(|microseconds| microseconds.div_euclid(1_000_000))
}

/// Writes a time in the machine's time zone, as the AWS CLI does.
fn iso8601(microseconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_microsecond(microseconds).ok()?.to_zoned_datetime(TimeZone::system());
    let format =
        if microseconds % 1_000_000 == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.6f%:z" };
    Some(time.strftime(format).to_string())
}

/// Reads a number of seconds or a text. Returns microseconds since 1970.
pub(crate) fn read(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => from_seconds(number.as_f64()?),
        Value::String(text) if sample_as_text(text).is_some() => Some(0),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(seconds) => from_seconds(seconds),
            Err(_) => from_text(text.trim()),
        },
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is checked to lie within the years 1 to 9999"
)]
fn from_seconds(seconds: f64) -> Option<i64> {
    let microseconds = (seconds * 1e6).round_ties_even();
    #[expect(clippy::cast_precision_loss, reason = "a bound of centuries")]
    let range = Timestamp::MIN.0 as f64 * 1e3..=Timestamp::MAX.0 as f64 * 1e3;
    range.contains(&microseconds).then_some(microseconds as i64)
}

/// Reads ISO 8601, with or without time and zone, or the form of mail and HTTP. Without a zone it is UTC.
fn from_text(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    if let Ok(time) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(time.as_microsecond());
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| {
        let spelt = ["%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%Y-%m", "%b %d %Y", "%d %b %Y", "%B %d, %Y"];
        spelt.iter().find_map(|format| {
            let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
            parsed.to_datetime().or_else(|_| Ok::<_, jiff::Error>(parsed.to_date()?.into())).ok()
        })
    })?;
    Some(civil.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_many_forms() {
        for text in [
            json!(1_603_432_203),
            json!(1_603_432_203.0),
            json!("1603432203"),
            json!("2020-10-23T05:50:03Z"),
            json!("2020-10-23T07:50:03+02:00"),
            json!("2020-10-23 05:50:03"),
            json!("20201023T055003Z"),
            json!("Fri, 23 Oct 2020 05:50:03 GMT"),
        ] {
            assert_eq!(wire(&text), Some(1_603_432_203), "{text}");
        }
        assert_eq!(wire(&json!("2020-10-23")), Some(1_603_411_200));
        assert_eq!(wire(&json!("1603432203.999")), Some(1_603_432_203));
        for text in [json!("soon"), json!(""), json!(null), json!(true), json!(1e300)] {
            assert_eq!(wire(&text), None, "{text}");
        }
    }
}
