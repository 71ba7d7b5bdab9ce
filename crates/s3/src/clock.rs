//! The wall clock, for signatures and for the expiry of credentials.

use std::time::{SystemTime, UNIX_EPOCH};

/// The present time, in Unix seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Parses the time of a `Date` header, such as `Fri, 27 Nov 2026 08:00:00 GMT`, to Unix seconds.
pub(crate) fn of_date_header(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().as_second())
}

/// Parses a time of an XML or JSON answer, such as `2026-11-27T08:00:00.000Z`, to Unix seconds.
pub(crate) fn of_timestamp(text: &str) -> Option<i64> {
    text.trim().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(of_date_header("Fri, 27 Nov 2026 08:00:00 GMT"), Some(1_795_766_400));
        assert_eq!(of_timestamp("2026-11-27T08:00:00.000Z"), Some(1_795_766_400));
        assert_eq!(of_timestamp("2026-11-27T08:00:00Z"), Some(1_795_766_400));
        assert_eq!((of_date_header("today"), of_timestamp("")), (None, None));
    }
}
