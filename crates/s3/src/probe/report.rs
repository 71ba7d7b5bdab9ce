//! What was found out.

use serde::{Deserialize, Serialize};

use crate::calls::complete::{OnlyNew, WholeChecksum};

/// What of S3's optional parts can be relied on.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that a server has or has not")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Whether wrong CRC-64/NVMEs are refused, of objects and of parts, and the whole object's is made.
    pub crc64: bool,
    /// Whether the end of a multipart upload may be asked for on condition that the key is new.
    pub only_new: bool,
    /// Whether many objects can be deleted at once.
    pub delete_many: bool,
    /// Whether an open multipart upload is found by the prefix of its key.
    pub lists_uploads: bool,
    /// Whether the entity tags of objects and parts are their MD5.
    pub md5_etags: bool,
}

impl Abilities {
    /// What every server can do: nothing but the least.
    pub const LEAST: Self =
        Self { crc64: false, only_new: false, delete_many: false, lists_uploads: false, md5_etags: false };

    /// Which checksum multipart uploads are begun with.
    pub fn whole_checksum(self) -> WholeChecksum {
        if self.crc64 { WholeChecksum::Crc64 } else { WholeChecksum::None }
    }

    /// Whether the end of a multipart upload carries the condition.
    pub fn ask_only_new(self) -> OnlyNew {
        if self.only_new { OnlyNew::Asked } else { OnlyNew::NotAsked }
    }
}

/// What came of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Works,
    /// It does not, and we do without.
    Missing,
    /// It does not, and nothing works without it.
    Broken,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is, such as `read a range of an object`.
    pub what: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// What follows from it, or what the server said. May be empty.
    pub detail: String,
}

impl Check {
    /// Whether it works.
    pub fn is_fine(&self) -> bool {
        self.verdict == Verdict::Works
    }
}

/// All that was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was tried, in order.
    pub checks: Vec<Check>,
    /// What can be relied on.
    pub abilities: Abilities,
    /// By how many seconds the server's clock is ahead of this machine's, if it was heard.
    pub clock_ahead: Option<i64>,
}

impl Report {
    /// What nothing works without, and does not work.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Broken)
    }

    /// What is done without.
    pub fn missing(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Missing)
    }

    /// Whether a blob store can be kept there.
    pub fn is_usable(&self) -> bool {
        self.broken().next().is_none()
    }
}
