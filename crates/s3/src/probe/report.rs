//! The results of a probe.

use serde::{Deserialize, Serialize};

use crate::calls::complete::{OnlyNew, WholeChecksum};

/// The optional abilities of S3 that can be relied on.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that a server has or has not")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Whether the server refuses wrong CRC-64/NVMEs of objects and parts, and computes the CRC of a joined
    /// object from the CRCs of its parts.
    pub crc64: bool,
    /// Whether a multipart upload can be completed on condition that the key is new.
    pub only_new: bool,
    /// Whether one call can delete many objects.
    pub delete_many: bool,
    /// Whether open multipart uploads can be listed by the prefix of their keys.
    pub lists_uploads: bool,
    /// Whether the entity tag of an object or a part is its MD5.
    pub md5_etags: bool,
}

impl Abilities {
    /// A server without any optional ability.
    pub const LEAST: Self =
        Self { crc64: false, only_new: false, delete_many: false, lists_uploads: false, md5_etags: false };

    /// The checksum for new multipart uploads.
    pub fn whole_checksum(self) -> WholeChecksum {
        if self.crc64 { WholeChecksum::Crc64 } else { WholeChecksum::None }
    }

    /// Whether a multipart upload is completed with the condition that the key is new.
    pub fn ask_only_new(self) -> OnlyNew {
        if self.only_new { OnlyNew::Asked } else { OnlyNew::NotAsked }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The ability works.
    Works,
    /// The ability does not work, and the store can do without it.
    Missing,
    /// The ability does not work, and the store needs it.
    Broken,
}

/// A check of the probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The ability, such as `read a range of an object`.
    pub what: &'static str,
    /// The outcome.
    pub verdict: Verdict,
    /// The consequence, or the server's message. May be empty.
    pub detail: String,
    /// Whether it may work later, because the server was out of reach or busy.
    pub may_pass: bool,
}

impl Check {
    /// Whether it works.
    pub fn is_fine(&self) -> bool {
        self.verdict == Verdict::Works
    }
}

/// All results of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// The abilities that can be relied on.
    pub abilities: Abilities,
    /// How many seconds the server's clock is ahead of this machine's, if it is known.
    pub clock_ahead: Option<i64>,
}

impl Report {
    /// The checks that failed and that the store needs.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Broken)
    }

    /// The checks that failed and that the store can do without.
    pub fn missing(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Missing)
    }

    /// Whether only the server is missing: each failed check that the store needs may succeed later.
    pub fn is_away(&self) -> bool {
        !self.is_usable() && self.broken().all(|check| check.may_pass)
    }

    /// Whether the bucket can hold a blob store.
    pub fn is_usable(&self) -> bool {
        self.broken().next().is_none()
    }
}
