//! Decides whether a database may remove bytes. Two databases with one bucket would remove each other's
//! content. A database that was set back to an earlier state would remove content that its later rows refer to.

use crate::blobs::{BlobStore, Owner};
use crate::identity::History;
use crate::metadata::Metadata;
use crate::{Result, StoreError};

/// Whether a standby that took over may lack commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failovers {
    /// The standby may have missed the last commits.
    #[default]
    MayLose,
    /// The standby had all commits, because replication is synchronous.
    LoseNothing,
}

/// Checks that the bytes are this database's own, and that the database was not set back. Everything is read
/// again, so that a running server notices a change of either.
///
/// # Errors
/// [`StoreError::Unusable`] if nothing may be removed now. Other errors if the answer cannot be found out.
pub async fn may_remove(metadata: &dyn Metadata, blobs: &dyn BlobStore, failovers: Failovers) -> Result<()> {
    let owner = match blobs.owner().await? {
        Owner::Certain => return Ok(()),
        Owner::Database(owner) => Some(owner),
        Owner::Nobody => None,
    };
    let ours = metadata.identity().await?;
    match (ours, owner) {
        (Some(ours), Some(owner)) if ours == owner => {}
        (Some(ours), Some(owner)) if ours.cluster == owner.cluster => {
            return Err(StoreError::unusable(format!(
                "nothing is removed: the bucket belongs to another incarnation of cluster {ours}, which took the place of \
                 this database; stop this server, or run `gangplank database restored` if this database is to go on"
            )));
        }
        (_, Some(owner)) => {
            return Err(StoreError::unusable(format!(
                "nothing is removed: the bucket belongs to cluster {owner} and not to this database; stop this server, and \
                 give it a prefix that nobody else uses"
            )));
        }
        (_, None) => {
            return Err(StoreError::unusable(
                "nothing is removed: the bucket has lost its gangplank.json, so it may be another one",
            ));
        }
    }
    let Some(now) = metadata.history().await? else { return Ok(()) };
    match metadata.noted_history().await? {
        Some(noted) if noted == now => Ok(()),
        None => metadata.note_history(now).await,
        Some(noted) if failovers == Failovers::LoseNothing && is_failover(noted, now) => {
            tracing::info!(timeline = now.timeline, "a standby of the database took over");
            metadata.note_history(now).await
        }
        Some(noted) => Err(StoreError::unusable(format!(
            "nothing is removed: the database {}, so it may have lost its last changes; run `gangplank database restored` \
             to go on",
            change(noted, now)
        ))),
    }
}

fn is_failover(noted: History, now: History) -> bool {
    History { timeline: now.timeline, ..noted } == now && now.timeline > noted.timeline
}

fn change(noted: History, now: History) -> &'static str {
    if noted.system != now.system {
        "is on another database server than before"
    } else if noted.table != now.table {
        "has other tables than before, as after a restore from a dump"
    } else {
        "is on another timeline than before, as after a failover or a restore to a point in time"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTED: History = History { system: 7, timeline: 2, table: 100 };

    #[test]
    fn only_a_later_timeline_is_a_failover() {
        for (now, expected) in [
            (History { timeline: 3, ..NOTED }, true),
            (History { timeline: 1, ..NOTED }, false),
            (History { timeline: 3, system: 8, ..NOTED }, false),
            (History { timeline: 3, table: 101, ..NOTED }, false),
        ] {
            assert_eq!(is_failover(NOTED, now), expected, "{now:?}");
        }
    }
}
