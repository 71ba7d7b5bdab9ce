//! Lengths of time as people write them: `90s`, `15m`, `24h`, `7d`, or a number of seconds.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A length of time, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct LengthOfTime(pub(crate) Duration);

/// A length of time. A number without a unit counts days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Days(pub(crate) Duration);

/// The longest length of time. Sums of such lengths in milliseconds cannot overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);
const DAY: u64 = 86_400;

impl FromStr for LengthOfTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text, 1).map(Self)
    }
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text, DAY).map(Self)
    }
}

/// Reads numbers with units, such as `90s` or `1h30m`. A number without a unit counts `bare` seconds.
fn read(text: &str, bare: u64) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time; write 90s, 15m, 24h or 7d");
    let mut rest = text.trim();
    if rest.starts_with('-') && rest[1..].starts_with(|first: char| first.is_ascii_digit()) {
        return Err("a length of time cannot be negative; write 90s, 15m, 24h or 7d".to_owned());
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0_u64;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let behind = behind.trim_start();
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let of_unit = match unit.to_ascii_lowercase().as_str() {
            "" if number == rest && smallest == u64::MAX => bare,
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => DAY,
            "w" | "week" | "weeks" => 7 * DAY,
            _ => return Err(wrong()),
        };
        // Units have to come in falling order, so that no text has two meanings.
        if of_unit >= smallest {
            return Err(wrong());
        }
        smallest = of_unit;
        let number: u64 = match number.parse() {
            Ok(number) => number,
            Err(_) if !number.is_empty() => u64::MAX,
            Err(_) => return Err(wrong()),
        };
        seconds = seconds.saturating_add(number.saturating_mul(of_unit));
        rest = behind.trim_start();
    }
    let length = Duration::from_secs(seconds);
    if length > LONGEST { Err(format!("{text} is longer than a hundred years")) } else { Ok(length) }
}

/// A number of seconds, written in the unit that people would use.
pub(crate) fn shown(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / DAY),
    }
}

/// The forms that TOML allows.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a length of time is written \"90s\", \"15m\", \"24h\" or \"7d\", or is a number"
)]
enum Written {
    Number(i64),
    Text(String),
}

impl Written {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

impl TryFrom<Written> for LengthOfTime {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.text().parse()
    }
}

impl TryFrom<Written> for Days {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.text().parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        let seconds = |text: &str| text.parse::<LengthOfTime>().map(|length| length.0.as_secs());
        for (text, expected) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("15 min", 900),
            ("24h", 86_400),
            ("7d", 604_800),
            ("1w", 604_800),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            (" 2 Hours ", 7_200),
        ] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for wrong in [
            "",
            "h",
            "1y",
            "1.5h",
            "1h30",
            "30m1h",
            "1m1m",
            "1 2",
            "999999999999999999d",
            "99999999999999999999",
        ] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        for negative in ["-1", "-1h", "-0s"] {
            assert!(seconds(negative).unwrap_err().contains("negative"), "{negative}");
        }
        let days = |text: &str| text.parse::<Days>().map(|length| length.0.as_secs() / DAY);
        assert_eq!([days("90"), days("90d"), days("48h"), days("2w")], [Ok(90), Ok(90), Ok(2), Ok(14)]);
    }

    #[test]
    fn lengths_are_shown_in_the_unit_that_people_would_use() {
        let shown = [0, 119, 180, 7_199, 86_400, 604_800].map(shown);
        assert_eq!(shown, ["0s", "119s", "3m", "119m", "24h", "7d"]);
    }
}
