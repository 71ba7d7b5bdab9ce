//! Locks, and the order in which rules take them. [`rules`](crate::metadata::rules) says which rule locks what,
//! and why rules that run at the same time lose no change.
//!
//! A statement sees what was committed before it began. So a rule that stores a count first takes the lock that
//! every change of the count takes. Then it counts, in a separate statement. Earlier changes are committed, so
//! the count includes them. Later changes wait for the rule's end. The locking statement cannot count in its
//! own condition: after it has waited for a row, it reads only that row again.

use gangplank_core::AccountId;

/// How a row is locked until the end of the transaction. SQLite has a single writer, so locking a row only
/// reads it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Against changes. Others may share the lock.
    Share,
    /// Against every other lock.
    Update,
    /// Like `Update`, but rows that somebody else has locked are skipped. A rule that never waits may lock in
    /// any order.
    SkipLocked,
}

/// Kinds of rows. A transaction locks them in this order, and rows of one kind by their keys, so that two
/// transactions never wait for each other. A statement that changes rows locks them, too.
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(dead_code, reason = "the whole order is here; only the recording engine asks for all of it")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// Things that the server has once.
    Server,
    /// An account, by its name.
    Account,
    /// Access keys, roles, and their sessions.
    Principal,
    Tenant,
    /// Container services, with their domains and deployments.
    Service,
    /// Registry logins.
    Login,
    /// Upload sessions, with their keys. The rule that makes a blob ends the session first. If the session has
    /// ended already, it makes no blob.
    Session,
    /// Repositories. A rule that changes the content of one, or relies on it, locks this row. With `Update` the
    /// lock guards the repository's tags, manifests and links.
    Repository,
    /// Manifests, with what they reference and who put them.
    Manifest,
    /// Contents. They belong to a tenant, not to a repository.
    Blob,
    /// Links of repositories to blobs.
    Link,
    /// Rows that are only added or summed up at the end of a transaction: the audit trail, and the usage of
    /// accounts.
    Last,
}

/// Things to lock that have no row. Within a level, they are locked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// The root keys, so that the last one stays.
    RootKeys,
    /// The resources of the machines.
    Room,
    /// The domain names of all services.
    DomainNames,
    /// The keys, roles, sessions and services of an account, while they are counted.
    Account(&'a AccountId),
}

impl Named<'_> {
    /// Its level.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn level(self) -> Level {
        match self {
            Self::RootKeys | Self::Room | Self::DomainNames => Level::Server,
            Self::Account(_) => Level::Account,
        }
    }

    /// Its position among the locks of its level.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn place(self) -> usize {
        match self {
            Self::RootKeys | Self::Account(_) => 0,
            Self::Room => 1,
            Self::DomainNames => 2,
        }
    }
}
