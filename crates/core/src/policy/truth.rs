//! True, false, or undecided.
//!
//! A condition may compare values that cannot be compared: a claim that is a list with one text, a header with a
//! number. Then neither "true" nor "false" is right, and a negated operator does not change that. Then an
//! `Allow` does not apply, and a `Deny` does.

use std::ops::Not;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// The condition holds.
    Yes,
    /// The condition does not hold.
    No,
    /// The found value cannot be compared with the wanted one.
    Undecided,
}

impl Truth {
    /// The truth of a condition that holds if all of these hold.
    pub(super) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for truth in truths {
            match truth {
                Self::Yes => {}
                Self::No => return Self::No,
                Self::Undecided => all = Self::Undecided,
            }
        }
        all
    }

    /// Whether at least one is true.
    pub(super) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(truths.into_iter().map(Not::not))
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Undecided => Self::Undecided,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, No, Undecided, Yes};

    #[test]
    fn what_is_not_decided_changes_only_what_it_could() {
        for (given, all, any) in [
            (&[] as &[Truth], Yes, No),
            (&[Yes, Undecided], Undecided, Yes),
            (&[Undecided, No], No, Undecided),
            (&[Undecided], Undecided, Undecided),
            (&[Yes, No, Undecided], No, Yes),
        ] {
            assert_eq!(Truth::all(given.iter().copied()), all, "{given:?}");
            assert_eq!(Truth::any(given.iter().copied()), any, "{given:?}");
        }
    }
}
