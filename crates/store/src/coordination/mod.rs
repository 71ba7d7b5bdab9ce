//! Claims decide which process does some work: each has a holder, an epoch and a time limit.
//!
//! Work has one holder at a time. A claim ends when its holder releases it, or when its time is over and
//! another process takes the work. A process that was paused may not know that it has lost its claim. So every
//! later step of the work carries the epoch of the claim. The code that stores the result refuses an epoch that
//! is not the last one.

mod in_process;
pub mod places;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::ServiceId;

pub use in_process::InProcess;
pub use places::{Place, Places, Replica, Whereabouts};

use crate::Result;

/// Work that can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Writing to the upload session with this id.
    Upload(String),
    /// Running the job with this name.
    Job(&'static str),
    /// Collecting garbage, by a job or on request.
    Collection,
    /// Running the containers of this service.
    Service(ServiceId),
}

/// The number of a claim on some work. It is greater than the number of every earlier claim on the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub i64);

impl Epoch {
    /// Less than the epoch of every claim.
    pub const NONE: Self = Self(0);
}

/// A claim that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claimed work.
    pub work: Work,
    /// The unique name of the process that has it.
    pub holder: String,
    /// The epoch that every later step carries.
    pub epoch: Epoch,
}

/// Grants claims. They end by the coordinator's clock, not by the clock of a process.
#[async_trait]
pub trait Coordinator: Send + Sync {
    /// Whether other processes may claim the same work. If so, the holder of a claim whose time is over has to
    /// assume that the claim is lost.
    fn is_shared(&self) -> bool;
    /// Claims work for the time `lasts`. `None` if somebody, even the same holder, has a claim on it whose time
    /// is not over.
    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>>;
    /// Extends a claim to the time `lasts` from now. `false` if the claim was released or another one has
    /// followed. A claim whose time is over can be extended as long as nobody else has taken the work.
    async fn renew(&self, claim: &Claim, lasts: Duration) -> Result<bool>;
    /// Releases a claim. Nothing happens if it was lost already.
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
