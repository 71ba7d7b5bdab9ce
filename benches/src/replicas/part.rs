//! The parts of the measurement.

use super::work::Kind;

/// The accounts that work is spread over: more than there are clients, so that operations rarely wait for the
/// locks of an account.
pub(super) const ACCOUNTS: usize = 30;

/// Each kind by itself, and then all kinds in turn.
pub(super) const KINDS: [Option<Kind>; 6] =
    [Some(Kind::Login), Some(Kind::Register), Some(Kind::Manifest), Some(Kind::Blob), Some(Kind::Head), None];

/// The part of the measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Processor time for the same operations.
    Cost,
    /// Throughput with late answers.
    Late,
    /// Processor time with all work in one account, where all operations wait for the same locks.
    LateInOneAccount,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Cost, Self::Late, Self::LateInOneAccount];

    /// The name in results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Late => "late",
            Self::LateInOneAccount => "late, one account",
        }
    }

    /// The name of a database, and of a prefix.
    pub(super) fn database(self, replicas: usize, run: usize) -> String {
        let part = match self {
            Self::Cost => "cost",
            Self::Late => "late",
            Self::LateInOneAccount => "one",
        };
        format!("{part}{replicas}run{run}")
    }

    pub(super) fn accounts(self) -> usize {
        if self == Self::LateInOneAccount { 1 } else { ACCOUNTS }
    }

    pub(super) fn kinds(self) -> &'static [Option<Kind>] {
        match self {
            Self::Cost => &KINDS[..KINDS.len() - 1],
            Self::Late => &KINDS,
            Self::LateInOneAccount => &[None],
        }
    }
}
