//! A time in the form for people.

use askama::Template;
use askama::filters::HtmlSafe;

/// A time in milliseconds since 1970. The page shows it in UTC, and the script adds how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Template)]
#[template(path = "parts/moment.html")]
pub struct Moment(pub i64);

// This template has escaped its values already.
impl HtmlSafe for Moment {}

impl Moment {
    /// Reads a day, or a time on a day, as forms send it, in UTC: `2026-11-28` or `2026-11-28T07:00`.
    pub fn read(text: &str) -> Option<Self> {
        let moment: jiff::civil::DateTime = text.trim_end_matches('Z').parse().ok()?;
        let moment = jiff::tz::TimeZone::UTC.to_timestamp(moment).ok()?;
        Some(Self(moment.as_millisecond()))
    }

    fn in_utc(self, format: &str) -> String {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        moment.strftime(format).to_string()
    }

    fn for_programs(self) -> String {
        self.in_utc("%Y-%m-%dT%H:%M:%SZ")
    }

    fn for_people(self) -> String {
        self.in_utc("%Y-%m-%d %H:%M")
    }

    fn whole(self) -> String {
        self.in_utc("%Y-%m-%d %H:%M:%S UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc() {
        assert_eq!(
            Moment(1_795_843_891_500).to_string().trim(),
            "<time datetime=\"2026-11-28T05:31:31Z\" title=\"2026-11-28 05:31:31 UTC\">2026-11-28 05:31</time>"
        );
        for (text, read) in [
            ("2026-11-28", Some(1_795_824_000_000)),
            ("2026-11-28T05:31", Some(1_795_843_860_000)),
            ("2026-11-28T05:31:31Z", Some(1_795_843_891_000)),
            ("2026-13-28", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(Moment::read(text), read.map(Moment), "{text}");
        }
        assert!(Moment(i64::MAX).to_string().contains("1970"));
    }
}
