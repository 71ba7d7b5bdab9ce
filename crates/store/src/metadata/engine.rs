//! The engine that stores the rows: a database, and the way in which it runs the rules of the store.

use std::future::Future;
use std::sync::Arc;

use gangplank_core::{AccountId, LoginId, Tenant};

use super::acting;
use super::cache::Caches;
use super::statistics::Statistics;
use super::tx::Tx;
use crate::Result;

/// On whose behalf something is done. Accounts take turns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// The server itself, or an administrator.
    Server,
    /// An account, in whichever region.
    Account(AccountId),
}

impl Whose {
    /// The account of a tenant.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self::Account(tenant.account.clone())
    }
}

/// The caller that causes a write. Accounts take turns, and within an account its logins do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    pub(crate) whose: Whose,
    /// `None` for access keys, and for work that nobody waits for.
    pub(crate) login: Option<LoginId>,
}

impl From<Whose> for Caller {
    fn from(whose: Whose) -> Self {
        Self { whose, login: None }
    }
}

/// How long a rule may keep a database with one writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The rule keeps the database for a fraction of a millisecond.
    Light,
    /// The rule keeps the database for milliseconds. The caller decides how long.
    Heavy,
}

impl Weight {
    /// A manifest with at least this many parts is heavy: storing it takes a millisecond. Every 4 KiB of its
    /// bytes count as one more part.
    const HEAVY: usize = 100;

    /// The weight of storing a manifest with so many bytes and references.
    pub(crate) fn of_manifest(bytes: usize, references: usize) -> Self {
        if bytes / 4096 + references < Self::HEAVY { Self::Light } else { Self::Heavy }
    }
}

/// Whether a rule can take rights away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Rights that a cache may hold: the rights of logins, access keys, roles, sessions and services.
    Rights,
    /// No rights that a cache may hold.
    Nothing,
}

impl Takes {
    /// The rights that two rules take together.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Rights { self } else { other }
    }
}

/// Whether a rule changes what runners of services have to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tells {
    /// It changes services, deployments or places.
    Runners,
    /// It changes none of these.
    Nobody,
}

/// How far the changes of a rule are safe when its caller gets the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// The changes survive a power cut.
    Durable,
    /// Others see the changes. A power cut may lose them, together with everything that was committed later.
    Visible,
}

/// How the store finds out what happened to a write whose commit got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The store looks for the write's event in the audit trail.
    ByEvent,
    /// The store runs the rule again. If the first run was committed, the second changes nothing and gives the
    /// same answer.
    ByRepeating,
    /// The rules of the store cannot find out whether the first run was committed. Some engines can.
    Not,
}

/// The conditions under which a rule writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) caller: Caller,
    pub(crate) weight: Weight,
    pub(crate) takes: Takes,
    pub(crate) tells: Tells,
    pub(crate) promise: Promise,
    pub(crate) settled: Settled,
}

impl Terms {
    /// A durable light write that may take rights away. Other rules say that they do not. The login is that of
    /// the present request.
    pub(crate) fn of(whose: Whose) -> Self {
        Self {
            caller: Caller { whose, login: acting::login() },
            weight: Weight::Light,
            takes: Takes::Rights,
            tells: Tells::Nobody,
            promise: Promise::Durable,
            settled: Settled::Not,
        }
    }

    /// A write for a tenant.
    pub(crate) fn tenant(tenant: &Tenant) -> Self {
        Self::of(Whose::of(tenant))
    }

    /// A write for the server itself.
    pub(crate) fn server() -> Self {
        Self::of(Whose::Server)
    }

    /// The rule takes no rights away.
    pub(crate) fn takes_nothing(self) -> Self {
        Self { takes: Takes::Nothing, ..self }
    }

    /// The rule may keep the database for long.
    pub(crate) fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// Runners of services in other processes hear of the change.
    pub(crate) fn tells_runners(self) -> Self {
        Self { tells: Tells::Runners, ..self }
    }

    /// The answer does not wait for the disk.
    pub(crate) fn visible(self) -> Self {
        Self { promise: Promise::Visible, ..self }
    }

    /// The rule may run again after it was committed. Then it changes nothing and gives the same answer.
    pub(crate) fn repeatable(self) -> Self {
        Self { settled: Settled::ByRepeating, ..self }
    }
}

/// A database. It may run a rule several times; only the last run counts.
pub(crate) trait Engine: Clone + Send + Sync + 'static {
    /// Whether it accepts writes.
    fn is_healthy(&self) -> bool;

    /// The figures that it measures about itself.
    fn statistics(&self) -> Arc<Statistics>;

    /// Whether only this process writes the database. Then caches and counts in memory stay true.
    fn is_exclusive(&self) -> bool;

    /// The caches, if they may be used now. The engine closes them before it commits a rule that takes rights
    /// away.
    fn caches(&self) -> Option<&Caches>;

    /// Runs a single query.
    fn read_one<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs several queries on one snapshot of the database.
    fn read<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs queries as [`read`](Self::read) does, if they may take more than a few milliseconds. Each account
    /// has only one such read at a time.
    fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs a rule in a transaction. Returns when the promise of its [`Terms`] holds. A rule that fails changes
    /// nothing.
    fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Returns some free space of the database file to the file system; `false` if another step is not worth
    /// while. A database server does that by itself.
    fn give_back(&self) -> impl Future<Output = Result<bool>> + Send {
        async { Ok(false) }
    }
}
