//! First pulls, until they are written to the audit trail.
//!
//! A pull must not wait for the disk or fail with it. So it is only remembered here, and the job that writes
//! refusals writes it within a second. A crash may lose the last second. A pull is recorded again after a
//! restart, or once enough other pulls have displaced it here.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use gangplank_core::{EventKind, LoginId, Origin, Tenant};
use gangplank_oci::Digest;
use gangplank_store::metadata::audit::Tallied;

/// At least this many pulls are remembered, and at most twice as many.
const REMEMBERED: usize = 10_000;

/// The most pulls that wait to be written. While the disk is full, further ones are only recorded if they
/// happen again later.
const WAITING: usize = 10_000;

/// The logins and the manifests that they have pulled.
#[derive(Default)]
pub(crate) struct Pulls(Mutex<State>);

#[derive(Default)]
struct State {
    young: HashSet<(LoginId, Digest)>,
    /// The older pulls. When `young` is full, its pulls replace these.
    old: HashSet<(LoginId, Digest)>,
    waiting: Vec<Tallied>,
}

/// A manifest that was given to a client.
pub(crate) struct Pull<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) repository: &'a str,
    pub(crate) digest: Digest,
    /// The tag in the request. `None` if it had a digest.
    pub(crate) tag: Option<&'a str>,
}

impl Pulls {
    /// Records a pull if it is the login's first of this manifest. `origin` is only called then.
    pub(crate) fn note(&self, login: LoginId, pull: &Pull<'_>, origin: impl FnOnce() -> Origin) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (login, pull.digest);
        if state.young.contains(&key) || state.old.contains(&key) || state.waiting.len() >= WAITING {
            return;
        }
        if state.young.len() >= REMEMBERED {
            state.old = std::mem::take(&mut state.young);
        }
        state.young.insert(key);
        state.waiting.push(Tallied {
            kind: EventKind::ImagePulled,
            origin: origin(),
            tenant: Some(pull.tenant.clone()),
            repository: Some(pull.repository.to_owned()),
            digest: Some(pull.digest.to_string()),
            subject: pull.tag.map(str::to_owned),
            action: None,
            reason: None,
            count: 1,
        });
    }

    /// Puts back the pulls that could not be written, up to the most that may wait.
    pub(crate) fn put_back(&self, pulls: impl Iterator<Item = Tallied>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WAITING.saturating_sub(state.waiting.len());
        state.waiting.extend(pulls.take(room));
    }

    /// Takes the pulls that have not been written.
    pub(crate) fn take(&self) -> Vec<Tallied> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting)
    }
}

#[cfg(test)]
mod tests {
    use gangplank_core::{AccountId, Region, Time};

    use super::*;

    fn pull(pulls: &Pulls, login: i64, content: &str) {
        let tenant = Tenant { account: AccountId::root(), region: Region::default_region() };
        let digest = Digest::sha256(content.as_bytes());
        let pull = Pull { tenant: &tenant, repository: "web", digest, tag: Some("app.1") };
        pulls.note(LoginId(login), &pull, || Origin::local(Time(1)));
    }

    #[test]
    fn the_first_pull_of_a_manifest_by_a_login_is_noted() {
        let pulls = Pulls::default();
        for (login, content) in [(1, "a"), (1, "a"), (2, "a"), (1, "b"), (1, "a")] {
            pull(&pulls, login, content);
        }
        assert_eq!(pulls.take().len(), 3);
        pull(&pulls, 1, "a");
        assert!(pulls.take().is_empty(), "also after it was written");
        pull(&pulls, 3, "a");
        let unwritten = pulls.take();
        pulls.put_back(unwritten.into_iter());
        assert_eq!(pulls.take().len(), 1, "it could not be written");
    }

    #[test]
    fn memory_is_bounded_whoever_pulls() {
        let pulls = Pulls::default();
        for login in 0..i64::try_from(3 * REMEMBERED).unwrap() {
            pull(&pulls, login, "a");
        }
        let state = pulls.0.lock().unwrap();
        assert_eq!(state.waiting.len(), WAITING);
        assert!(state.young.len() <= REMEMBERED && state.old.len() <= REMEMBERED);
    }
}
