//! Uploads that were finished in the last minutes.
//!
//! A client whose connection was cut before it read the 201 repeats its last request. The session is over by
//! then. While the upload is remembered here, the client gets the same answer again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::Time;
use gangplank_oci::Digest;
use gangplank_store::metadata::uploads::UploadOwner;

/// How long a finished upload is remembered.
const KEPT: Duration = Duration::from_mins(5);

/// How many uploads are remembered at most: about a MiB.
const MOST: usize = 4_096;

/// The uploads that were finished last.
#[derive(Default)]
pub(crate) struct FinishedUploads(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_session: HashMap<String, Finished>,
    /// The ids of the sessions, the oldest first.
    order: VecDeque<String>,
}

struct Finished {
    owner: UploadOwner,
    digest: Digest,
    at: Time,
}

impl FinishedUploads {
    /// Remembers an upload that finished at `at`, in steady time.
    pub(super) fn remember(&self, session: &str, owner: UploadOwner, digest: Digest, at: Time) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { by_session, order } = &mut *kept;
        while let Some(oldest) = order.front()
            && (order.len() >= MOST || by_session.get(oldest).is_none_or(|it| is_over(it, at)))
        {
            by_session.remove(oldest);
            order.pop_front();
        }
        if by_session.insert(session.to_owned(), Finished { owner, digest, at }).is_none() {
            order.push_back(session.to_owned());
        }
    }

    /// Whether this owner recently finished this session with this digest.
    pub(super) fn has(&self, session: &str, owner: &UploadOwner, digest: &Digest, now: Time) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.by_session.get(session);
        found.is_some_and(|it| it.owner == *owner && it.digest == *digest && !is_over(it, now))
    }
}

fn is_over(finished: &Finished, now: Time) -> bool {
    finished.at <= now.minus(KEPT)
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, Owner, Region, Tenant};
    use gangplank_oci::RepositoryName;

    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn owner(repository: &str) -> UploadOwner {
        UploadOwner {
            tenant: Tenant { account: AccountId::root(), region: Region::default_region() },
            repository: RepositoryName::parse(repository).unwrap(),
            owner: Owner::server(),
        }
    }

    #[test]
    fn one_is_remembered_for_its_owner_for_a_while() {
        let (finished, digest) = (FinishedUploads::default(), Digest::sha256(b"x"));
        finished.remember("a", owner("sr"), digest, NOW);
        assert!(finished.has("a", &owner("sr"), &digest, NOW));
        assert!(!finished.has("b", &owner("sr"), &digest, NOW));
        assert!(!finished.has("a", &owner("other"), &digest, NOW));
        assert!(!finished.has("a", &owner("sr"), &Digest::sha256(b"y"), NOW));
        assert!(!finished.has("a", &owner("sr"), &digest, NOW.plus(KEPT)));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let (finished, digest) = (FinishedUploads::default(), Digest::sha256(b"x"));
        for number in 0..=MOST {
            finished.remember(&number.to_string(), owner("sr"), digest, NOW);
        }
        assert!(!finished.has("0", &owner("sr"), &digest, NOW));
        assert!(finished.has("1", &owner("sr"), &digest, NOW));
        finished.remember("late", owner("sr"), digest, NOW.plus(KEPT));
        let kept = finished.0.lock().unwrap();
        assert_eq!((kept.order.len(), kept.by_session.len()), (1, 1));
    }
}
