//! Lengths of time as people write them: `90s`, `15m`, `24h`, `7d`, or a number of seconds.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A length of time, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct LengthOfTime(pub(crate) Duration);

/// The longest that is taken: what counts it in milliseconds must not overflow.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

impl FromStr for LengthOfTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no length of time; write 90s, 15m, 24h or 7d");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let length = Duration::from_secs(number.saturating_mul(seconds));
        if length > LONGEST {
            Err(format!("{text} is longer than a hundred years"))
        } else {
            Ok(Self(length))
        }
    }
}

/// As it may stand in a TOML file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(u64),
    Text(String),
}

impl TryFrom<Written> for LengthOfTime {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Seconds(seconds) => seconds.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        let seconds = |text: &str| text.parse::<LengthOfTime>().map(|length| length.0.as_secs());
        for (text, expected) in
            [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(seconds(text), Ok(expected));
        }
        for wrong in ["", "h", "-1", "1w", "1.5h", "1 h", "999999999999999999d", "99999999999999999999"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
