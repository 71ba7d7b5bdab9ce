//! Ids of requests. A client can quote one. It is in each line of the log about the request, and in the audit
//! trail.

use std::sync::atomic::{AtomicU64, Ordering};

use gangplank_core::Time;
use uuid::{Builder, Uuid};

/// Makes ids in the order of time (UUID version 7). So the index of requests in the audit trail grows at its
/// end. Random bytes are read once at the start, because reading some takes longer than most requests.
pub(crate) struct RequestIds {
    /// Random bytes that differ in every run of a server.
    run: [u8; 5],
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that differ from those of every other run.
    pub(crate) fn new(run: [u8; 5]) -> Self {
        Self { run, next: AtomicU64::new(0) }
    }

    /// The id of a request that arrives now.
    pub(crate) fn next(&self, now: Time) -> Uuid {
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut rest = [0; 10];
        rest[..5].copy_from_slice(&self.run);
        rest[5..].copy_from_slice(&number[3..]);
        Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or_default(), &rest).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_alike_and_later_ones_sort_behind() {
        let (one, other) = (RequestIds::new([1; 5]), RequestIds::new([2; 5]));
        let ids: Vec<Uuid> = (0..70_000).map(|number| one.next(Time(1_000 + number / 1_000))).collect();
        assert!(ids.is_sorted());
        let mut all: HashSet<Uuid> = ids.into_iter().collect();
        all.extend((0..70_000).map(|number| other.next(Time(1_000 + number / 1_000))));
        assert_eq!(all.len(), 140_000);
        assert!(all.iter().all(|id| id.get_version_num() == 7));
    }
}
