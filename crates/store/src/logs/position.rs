//! Positions from which reading continues.

use super::files::Part;

/// A position between two lines of a log, with the direction of reading. It stays valid while new lines are
/// added and old ones are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) way: Way,
    pub(super) part: Part,
    pub(super) offset: u64,
}

/// The direction of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From older lines to newer ones.
    Forward,
    /// From newer lines to older ones.
    Back,
}

impl Position {
    /// The position as a text.
    pub fn to_text(self) -> String {
        let way = if self.way == Way::Back { 'b' } else { 'f' };
        format!("{way}.{}.{}.{}", self.part.hour, self.part.number, self.offset)
    }

    /// Reads the text of [`to_text`](Self::to_text); `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('.');
        let way = match words.next()? {
            "f" => Way::Forward,
            "b" => Way::Back,
            _ => return None,
        };
        let part = Part { hour: words.next()?.parse().ok()?, number: words.next()?.parse().ok()? };
        let offset = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { way, part, offset })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_comes_back(is_back: bool, hour: i64, number: u32, offset: u64) {
            let way = if is_back { Way::Back } else { Way::Forward };
            let position = Position { way, part: Part { hour, number }, offset };
            prop_assert_eq!(Position::parse(&position.to_text()), Some(position));
        }

        #[test]
        fn any_text_is_a_position_or_none(text in "[fb]?[.0-9-]{0,20}") {
            Position::parse(&text);
        }
    }
}
