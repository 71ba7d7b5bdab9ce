//! Who does what, where several could: claims, each with a holder, an epoch and a time limit.
//!
//! Work has one holder at a time. A claim ends when its holder lets go of it, or when its time is over and another takes
//! the work. Whoever was paused for longer than that does not know it, so every later step of the work carries the
//! epoch of its claim, and whatever keeps the result refuses a step whose epoch is not the last.

mod in_process;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;

pub use in_process::InProcess;

use crate::Result;

/// What can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// To write to the upload session of this id.
    Upload(String),
    /// The rounds of the job of this name.
    Job(&'static str),
    /// To collect garbage, whoever asks for it.
    Collection,
    /// To run what this service is to run.
    Service(ServiceId),
}

/// Numbers the claims on one piece of work: each is greater than all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub i64);

/// A claim that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub work: Work,
    /// Who has it: a process, by a name that no other has.
    pub holder: String,
    /// What each later step carries.
    pub epoch: Epoch,
}

/// Decides who does what. Time is the coordinator's own, and no wall clock's of a process.
#[async_trait]
pub trait Coordinator: Send + Sync {
    /// Claims work for so long; `None` while there is a claim on it whose time is not over, whoever its holder is.
    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>>;
    /// Lets a claim last for so long from now on; `false` if it was lost: let go of, or taken by another. One whose time
    /// is over and whose work nobody has taken since goes on.
    async fn renew(&self, claim: &Claim, lasts: Duration) -> Result<bool>;
    /// Lets go of a claim. One that was lost is no matter.
    async fn release(&self, claim: &Claim) -> Result<()>;
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(id) => write!(f, "upload {id}"),
            Self::Job(name) => write!(f, "job {name}"),
            Self::Collection => f.write_str("collection"),
            Self::Service(ServiceId(number)) => write!(f, "service {number}"),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
