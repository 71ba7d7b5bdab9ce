//! Ranges of content: the part that an upload brings, and the part that a reader asks for.

use std::fmt;
use std::str::FromStr;

/// The bytes of a blob that a request's body has. Both ends are included, so a range is never empty.
///
/// The distribution specification writes `<first>-<last>` ("Pushing a blob in chunks"), and so do answers in `Range`.
/// Clients also send HTTP's own form (RFC 9110, section 14.4), which is accepted too: `bytes 0-99/200`, `bytes
/// 0-99/*`, `bytes=0-99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The offset of the first byte.
    pub first: u64,
    /// The offset of the last byte; not less than `first`, and less than `u64::MAX`.
    pub last: u64,
}

/// A text that is no [`ContentRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a content range is written `<first byte>-<last byte>`, both included")]
pub struct ContentRangeError;

impl ContentRange {
    /// Reads the value of a `Content-Range` header.
    pub fn parse(text: &str) -> Result<ContentRange, ContentRangeError> {
        Self::read(text.trim_matches([' ', '\t'])).ok_or(ContentRangeError)
    }

    fn read(text: &str) -> Option<ContentRange> {
        let (unit, range) = match text.split_at_checked(5) {
            Some((unit, range)) if unit.eq_ignore_ascii_case("bytes") => {
                (unit, range.strip_prefix([' ', '='])?)
            }
            _ => ("", text),
        };
        let (range, total) = match range.split_once('/') {
            Some((range, total)) if !unit.is_empty() => (range, Some(total)),
            Some(_) => return None,
            None => (range, None),
        };
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let within = match total {
            None | Some("*") => true,
            Some(total) => last < number(total)?,
        };
        (first <= last && last < u64::MAX && within).then_some(ContentRange { first, last })
    }

    /// The number of bytes in the range.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for ContentRange {
    type Err = ContentRangeError;

    fn from_str(text: &str) -> Result<ContentRange, ContentRangeError> {
        ContentRange::parse(text)
    }
}

/// The answer to a request with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeOutcome {
    /// 200 and the whole content, as without a range.
    Whole,
    /// 206: only these bytes of the content.
    Part {
        /// The offset of the first byte.
        first: u64,
        /// The offset of the last byte; not less than `first`, and less than the size.
        last: u64,
    },
    /// 416: the content has none of the requested bytes.
    Unsatisfiable,
}

/// Reads the value of a `Range` header against content of `size` bytes (RFC 9110, section 14.2).
///
/// One range is supported: `bytes=5-9`, `bytes=5-`, `bytes=-500`. Headers that the RFC allows a server to ignore are
/// ignored: several ranges, other units, nonsense.
pub fn byte_range(header: &str, size: u64) -> RangeOutcome {
    let Some(range) = single_range(header) else {
        return RangeOutcome::Whole;
    };
    match range {
        (None, Some(0)) => RangeOutcome::Unsatisfiable,
        // A 206 cannot express "the last bytes" of empty content.
        (None, Some(_)) if size == 0 => RangeOutcome::Whole,
        (None, Some(suffix)) => RangeOutcome::Part { first: size.saturating_sub(suffix), last: size - 1 },
        // The RFC allows sending everything. The specification's conformance suite expects a refusal.
        (Some(first), Some(last)) if first > last => RangeOutcome::Unsatisfiable,
        (Some(first), _) if first >= size => RangeOutcome::Unsatisfiable,
        (Some(first), last) => {
            RangeOutcome::Part { first, last: last.map_or(size - 1, |last| last.min(size - 1)) }
        }
        (None, None) => RangeOutcome::Whole,
    }
}

fn single_range(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim_matches([' ', '\t']).eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    let end = |text: &str| if text.is_empty() { Some(None) } else { number(text).map(Some) };
    Some((end(first)?, end(last)?))
}

/// Reads digits, at least one. A number too large for a `u64` becomes the largest one, which is beyond the end of any
/// content.
pub(crate) fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}
