//! What a run of the server leaves for the next: how far its own work has come, and by which terms.

use async_trait::async_trait;

use crate::Result;

/// A number that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The steady time that the next run goes on from.
    SteadyTime,
    /// The row of the blob that the scrub looked at last.
    ScrubPosition,
    /// When the scrub began its round, by the steady time.
    ScrubStarted,
    /// The grace period of garbage collection that the server was last started with, in milliseconds.
    GcGrace,
    /// The number that the folder of bytes has, too: so a database knows its own.
    ContentFolder,
    /// Set where the bytes are in a bucket. So nobody makes a folder for what is there, or takes it for lost.
    ContentBucket,
}

/// Keeps marks.
#[async_trait]
pub trait Progress: Send + Sync {
    /// A mark, if it was ever set.
    async fn mark(&self, mark: Mark) -> Result<Option<i64>>;
    /// Sets marks, all of them at once.
    async fn set_marks(&self, marks: Vec<(Mark, i64)>) -> Result<()>;
}
