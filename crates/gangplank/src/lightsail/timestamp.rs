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

/// Forms of times that ISO 8601 does not have, without their zone: the forms of `date` and of PowerShell, and dates
/// with the month as a word.
const SPELT: [&str; 20] = [
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %I:%M:%S %p %Y",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%b %d %Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%Y.%m.%d",
];

/// Reads a time in ISO 8601, with or without the time of day and a zone, in the form of mail and HTTP, or in one of
/// the forms of [`SPELT`]. A time without a zone is in UTC.
fn from_text(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    if let Ok(time) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(time.as_microsecond());
    }
    let (text, zone) = without_zone(text);
    let civil = text.parse::<DateTime>().ok().or_else(|| {
        SPELT.iter().find_map(|format| {
            let parsed = jiff::fmt::strtime::parse(format, &text).ok()?;
            parsed.to_datetime().or_else(|_| Ok::<_, jiff::Error>(parsed.to_date()?.into())).ok()
        })
    })?;
    Some(civil.to_zoned_datetime(zone).ok()?.timestamp().as_microsecond())
}

/// Takes the zone out of a time whose parts stand apart: `UTC`, `GMT` or `Z` anywhere, or an offset at the end.
fn without_zone(text: &str) -> (String, TimeZone) {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let offset = |word: &&str| {
        let parsed = ["%z", "%:z"].iter().find_map(|form| jiff::fmt::strtime::parse(form, word).ok());
        parsed.and_then(|parsed| parsed.offset())
    };
    let zone = words.last().filter(|_| words.len() > 1).and_then(offset);
    if zone.is_some() {
        words.pop();
    }
    words.retain(|word| !["UTC", "GMT", "Z"].contains(word));
    (words.join(" "), zone.map_or(TimeZone::UTC, TimeZone::fixed))
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
            json!("Fri Oct 23 05:50:03 UTC 2020"),
            json!("Fri Oct 23 05:50:03 AM UTC 2020"),
            json!("Fri Oct 23 05:50:03 2020"),
            json!("2020-10-23 05:50:03 UTC"),
            json!("2020-10-23 07:50:03 +0200"),
            json!("2020-10-23 00:50:03 -05:00"),
            json!("2020-10-23T05:50:03 Z"),
            json!("10/23/2020 5:50:03 AM"),
            json!("10/23/2020 05:50:03"),
            json!("2020/10/23 05:50:03"),
        ] {
            assert_eq!(wire(&text), Some(1_603_432_203), "{text}");
        }
        for text in
            ["2020-10-23", "10/23/2020", "2020/10/23", "Oct 23, 2020", "23 October 2020", "October 23, 2020"]
        {
            assert_eq!(wire(&json!(text)), Some(1_603_411_200), "{text}");
        }
        for text in ["2020-10-23 5:50 PM", "10/23/2020 5:50 PM", "2020/10/23 17:50"] {
            assert_eq!(wire(&json!(text)), Some(1_603_475_400), "{text}");
        }
        assert_eq!(wire(&json!("Thu Oct  1 00:00:00 UTC 2020")), Some(1_601_510_400));
        assert_eq!(wire(&json!("1603432203.999")), Some(1_603_432_203));
        for text in [json!("soon"), json!(""), json!(null), json!(true), json!(1e300)] {
            assert_eq!(wire(&text), None, "{text}");
        }
    }
}
