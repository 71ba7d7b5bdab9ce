//! Numbers that one run of the server leaves for the next: the progress and the settings of its own jobs.

use async_trait::async_trait;

use crate::Result;

/// The name of a stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The steady time from which the next run continues.
    SteadyTime,
    /// The row of the blob that the scrub read last.
    ScrubPosition,
    /// When the present round of the scrub began, by the steady time.
    ScrubStarted,
    /// The grace period of garbage collection in the last run, in milliseconds.
    GcGrace,
    /// The restore window in the last run, in milliseconds: how long discarded content stays in a bucket.
    RestoreWindow,
    /// A number that the folder or the bucket of the bytes contains, too. So a database recognizes its own.
    ContentFolder,
    /// Set if the bytes are in a bucket. Then no program makes a folder for them or reports them as lost.
    ContentBucket,
    /// A number that changes when a restored database takes the place of the lost one. A bucket contains it, too.
    Incarnation,
    /// The number of the database server in the recorded [`History`](crate::identity::History).
    DatabaseServer,
    /// The timeline of the recorded history.
    Timeline,
    /// The number of a table in the recorded history.
    Table,
    /// The part of the bucket in which content without a row is searched next.
    SweptPart,
    /// When that search is due, by the steady time.
    SweepDue,
    /// The part of the bucket that is compared with the rows next.
    ComparedPart,
    /// When that comparison is due, by the steady time.
    ComparisonDue,
}

/// Stores marks.
#[async_trait]
pub trait Progress: Send + Sync {
    /// The value of a mark; `None` if it was never set.
    async fn mark(&self, mark: Mark) -> Result<Option<i64>>;
    /// Sets several marks at once.
    async fn set_marks(&self, marks: Vec<(Mark, i64)>) -> Result<()>;
}
