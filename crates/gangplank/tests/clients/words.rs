//! The message of a refusal reaches the user, whatever the tool does with it.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::Done;

/// A pull with a login that only pushes.
pub(crate) const ONLY_PUSHES: &[&str] = &["this login can only push"];

/// The texts of a tool after a push with a login that may not push.
pub(crate) struct Refusals {
    /// The login may only pull.
    pub(crate) only_pulls: &'static [&'static str],
    /// The login was revoked.
    pub(crate) revoked: &'static [&'static str],
}

/// The server's own message. It is the most helpful message, and most tools show it.
pub(crate) const IN_WORDS: Refusals = Refusals {
    only_pulls: &["this login can only pull"],
    revoked: &["the registry login is unknown or was revoked"],
};

impl Refusals {
    /// Tries such pushes. `push` takes a login, and pushes something new to `repository` under `tag`.
    pub(crate) fn try_pushes(
        &self,
        bench: &Bench,
        (repository, tag): (&str, &str),
        mut push: impl FnMut(&Login) -> Done,
    ) {
        let revoked = bench.push_login();
        bench.revoke_logins();
        push(&bench.pull_login()).refused(self.only_pulls);
        push(&revoked).refused(self.revoked);
        assert!(!bench.has(repository, tag));
        push(&bench.push_login()).ok();
        assert!(bench.has(repository, tag), "the same push by a login that may");
    }
}
