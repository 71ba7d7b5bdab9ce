//! Timestamps as AWS JSON writes them: a number of seconds since 1970.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{Field, Kind, Shape};

/// A point in time, in milliseconds since 1970.
///
/// In JSON it is a number of seconds, with a fraction only if it is not 0: `1603389001`, `1603389001.123`. The years
/// 1 to 9999 are read, because clients can hold no others. Finer fractions are rounded to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first timestamp that is read: the start of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// The last timestamp that is read: the last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The timestamp for a number of seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The timestamp in ISO 8601, in whole seconds of UTC: `2026-11-27T02:35:51Z`. A year outside 1 to 9999 becomes
    /// the nearest one inside.
    pub fn iso_8601(self) -> String {
        let seconds = self.clamp(Self::MIN, Self::MAX).seconds();
        jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
    }

    /// Reads a JSON number. `None` if it is outside the years 1 to 9999.
    pub(crate) fn from_number(number: &serde_json::Number) -> Option<Self> {
        let moment = match number.as_i64() {
            Some(seconds) => Self(seconds.checked_mul(1000)?),
            None => Self::from_fraction(number.as_f64()?)?,
        };
        (Self::MIN..=Self::MAX).contains(&moment).then_some(moment)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the number is checked to lie within 48 bits")]
    fn from_fraction(seconds: f64) -> Option<Self> {
        let milliseconds = (seconds * 1000.0).round();
        (milliseconds.abs() < 2.8e14).then_some(Self(milliseconds as i64))
    }
}

impl Serialize for Timestamp {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 milliseconds, the year 287396")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seconds)
    }
}

impl Field for Timestamp {
    const SHAPE: &'static Shape = &Shape { name: "IsoDate", kind: Kind::Timestamp };
}

struct Seconds;

impl Seconds {
    fn read<E: Error>(number: Option<serde_json::Number>) -> Result<Timestamp, E> {
        let moment = number.and_then(|number| Timestamp::from_number(&number));
        moment.ok_or_else(|| E::custom("the moment lies outside of the years 1 to 9999"))
    }
}

impl Visitor<'_> for Seconds {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number of seconds since 1970")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        Self::read(Some(seconds.into()))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        Self::read(Some(seconds.into()))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Self::read(serde_json::Number::from_f64(seconds))
    }
}
