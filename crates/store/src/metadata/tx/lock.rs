//! What a rule locks, and in which order. Which rule locks what, and why nothing is lost between two, is told in
//! [`rules`](crate::metadata::rules).
//!
//! A statement sees what was committed before it began. So a rule that counts, and writes what it has counted, takes
//! the lock that all who change the count take too, and counts in a statement of its own after that: either they have
//! committed, and it counts what they did, or they wait for its end. A condition beside the lock is no such count, since
//! a statement that has waited for a row looks at that row anew and at no other.

use gangplank_core::AccountId;

/// How a row is locked, until the end of the transaction. SQLite has one writer, so there a lock is a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Against changes: others may rely on it too.
    Share,
    /// Against everybody else who locks it.
    Update,
    /// The same, but a row that somebody else has locked is passed over. Whoever never waits may lock in any order.
    SkipLocked,
}

/// Kinds of rows. A transaction locks them in this order, and those of one kind by their key, so that two never wait for
/// each other. A statement that changes rows of a kind locks them too.
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(dead_code, reason = "the whole order is here; only the recording engine asks for all of it")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// What the whole server has once.
    Server,
    /// What an account has, by its name.
    Account,
    /// Access keys, roles, and their sessions.
    Principal,
    Tenant,
    /// Container services, with their domains and deployments.
    Service,
    /// Registry logins.
    Login,
    /// Upload sessions, with their keys. One ends before its blob makes anything: where it has ended already, nothing is
    /// made.
    Session,
    /// Repositories. Whoever changes what is in one, or relies on it, locks this row. Locked `Update`, it guards all that
    /// is in it: tags, manifests, and links.
    Repository,
    /// Manifests, with what they name, and who put them.
    Manifest,
    /// Contents, which are a tenant's and not a repository's.
    Blob,
    /// That a repository has a blob.
    Link,
    /// What is only added, or added up, at the end of a transaction: the audit trail, and the usage of accounts.
    Last,
}

/// Something to lock that has no row. Those of one level are locked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// The keys that administer the server: the last one stays.
    RootKeys,
    /// The room that the machines have for services.
    Room,
    /// Which domain names services have, whosever they are.
    DomainNames,
    /// How many keys, roles, sessions or services an account has, while they are counted.
    Account(&'a AccountId),
}

impl Named<'_> {
    /// Where it stands in the order.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn level(self) -> Level {
        match self {
            Self::RootKeys | Self::Room | Self::DomainNames => Level::Server,
            Self::Account(_) => Level::Account,
        }
    }

    /// Where it stands among those of its level.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn place(self) -> usize {
        match self {
            Self::RootKeys | Self::Account(_) => 0,
            Self::Room => 1,
            Self::DomainNames => 2,
        }
    }
}
