//! Points in time as people write them: a date, a full time, how long ago, `today`, `yesterday`.

use gangplank_api::Timestamp;

use super::duration::LengthOfTime;
use crate::lightsail;
use crate::terminal::output;

const DAY: i64 = 86_400_000;

/// Reads a point in time. Days begin at midnight UTC, because all times are shown in UTC.
pub(crate) fn read(text: &str) -> Result<Timestamp, String> {
    read_at(text, output::now())
}

/// Reads a point in time in the future: a length of time from now, or a date.
pub(crate) fn read_ahead(text: &str) -> Result<Timestamp, String> {
    read_ahead_of(text, output::now())
}

fn read_ahead_of(text: &str, now: i64) -> Result<Timestamp, String> {
    let text = text.trim();
    let is_length = text.ends_with(|last: char| last.is_ascii_alphabetic());
    let at = match text.parse().ok().filter(|_| is_length) {
        Some(LengthOfTime(length)) => now + i64::try_from(length.as_millis()).unwrap_or(i64::MAX - now),
        None => lightsail::timestamp::read(&text.into()).map(|micros| micros.div_euclid(1_000)).ok_or_else(|| {
            "this is no moment; write 12h or 90d for that long from now, 2027-01-31 or 2027-01-31T09:00:00Z"
                .to_owned()
        })?,
    };
    if at <= now { Err("that is past".to_owned()) } else { Ok(Timestamp(at)) }
}

fn read_at(text: &str, now: i64) -> Result<Timestamp, String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let today = now - now.rem_euclid(DAY);
    match lower.as_str() {
        "now" => return Ok(Timestamp(now)),
        "today" => return Ok(Timestamp(today)),
        "yesterday" => return Ok(Timestamp(today - DAY)),
        _ => {}
    }
    let ago = lower.strip_suffix("ago").unwrap_or(&lower).trim();
    // A bare number counts seconds since 1970.
    if ago.ends_with(|last: char| last.is_ascii_alphabetic())
        && let Ok(LengthOfTime(length)) = ago.parse()
    {
        return Ok(Timestamp(now - i64::try_from(length.as_millis()).unwrap_or(i64::MAX)));
    }
    let time = lightsail::timestamp::read(&text.into());
    time.map(|micros| Timestamp(micros.div_euclid(1_000))).ok_or_else(|| {
        "this is no moment; write 2026-11-25, 2026-11-25T09:00:00Z, 30m, 1h or 7d for that long ago, today or yesterday"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        // 2026-11-25T09:00:00Z.
        let now = 1_795_597_200_000;
        let read = |text: &str| read_at(text, now).map(|time| time.0);
        assert_eq!(read("2026-11-25T09:00:00Z"), Ok(now));
        for (text, before) in [
            ("now", 0),
            ("1h", 3_600_000),
            ("1h ago", 3_600_000),
            ("30m", 1_800_000),
            ("7d", 7 * DAY),
            ("1h30m", 5_400_000),
            ("today", 9 * 3_600_000),
            ("Yesterday", 33 * 3_600_000),
            ("2026-11-25", 9 * 3_600_000),
            ("2026-11-25T10:00:00+02:00", 3_600_000),
        ] {
            assert_eq!(read(text), Ok(now - before), "{text}");
        }
        for wrong in ["", "soon", "-1h", "1y", "tomorrow", "2026-13-01", "ago"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("0"), Ok(0));
    }

    #[test]
    fn times_to_come_are_read_too() {
        // 2026-11-25T09:00:00Z.
        let now = 1_795_597_200_000;
        let read = |text: &str| read_ahead_of(text, now).map(|time| time.0);
        assert_eq!((read("90d"), read("1h")), (Ok(now + 90 * DAY), Ok(now + 3_600_000)));
        assert_eq!(read("2026-11-26"), Ok(now + 15 * 3_600_000));
        for past in ["2026-11-25", "0", "0s"] {
            assert_eq!(read(past), Err("that is past".to_owned()), "{past}");
        }
        assert!(read("soon").unwrap_err().contains("90d"));
    }
}
