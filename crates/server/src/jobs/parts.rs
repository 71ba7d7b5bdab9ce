//! Work on one part of the store of bytes after the other. Rows say which part is next and when, so a restart
//! changes neither, and the processes that share the store take turns.

use std::time::Duration;

use gangplank_core::Time;
use gangplank_store::Result;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::progress::Mark;

/// The number of parts.
const PARTS: u32 = 256;

/// The longest pause between two looks at the rows. Another process may have changed them.
const LONGEST: Duration = Duration::from_secs(5);

/// The marks of some work, and its pace.
pub(super) struct Parts {
    /// The mark that stores the next part.
    pub(super) part: Mark,
    /// The mark that stores the steady time at which this part is due.
    pub(super) due: Mark,
    /// The time in which all parts are done once.
    pub(super) all: Duration,
}

impl Parts {
    /// The next part, if it is due; otherwise how long to wait. New work begins after one pause: a start removes
    /// nothing.
    pub(super) async fn next(
        &self,
        metadata: &dyn Metadata,
        now: Time,
    ) -> Result<std::result::Result<u8, Duration>> {
        let Some(due) = metadata.mark(self.due).await? else {
            metadata.set_marks(vec![(self.due, now.plus(self.pause()).0)]).await?;
            return Ok(Err(self.pause().min(LONGEST)));
        };
        if now.0 < due {
            return Ok(Err(Duration::from_millis(due.abs_diff(now.0)).min(LONGEST)));
        }
        let part = metadata.mark(self.part).await?.unwrap_or_default();
        Ok(Ok(u8::try_from(part).unwrap_or_default()))
    }

    /// Records that a part is done. Returns the pause before the next one.
    pub(super) async fn done(&self, part: u8, metadata: &dyn Metadata, now: Time) -> Result<Duration> {
        let next = i64::from(part.wrapping_add(1));
        metadata.set_marks(vec![(self.part, next), (self.due, now.plus(self.pause()).0)]).await?;
        Ok(self.pause().min(LONGEST))
    }

    fn pause(&self) -> Duration {
        self.all / PARTS
    }
}
