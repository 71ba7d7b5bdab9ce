//! What keeps the rows: a database, and how it runs the rules of the store.

use std::future::Future;

use gangplank_core::{AccountId, Tenant};

use super::cache::Caches;
use super::tx::Tx;
use crate::Result;

/// On whose behalf work is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// The server's own, or of somebody who administers it.
    Server,
    /// An account's, whichever of its regions it is in.
    Account(AccountId),
}

impl Whose {
    /// Of what a tenant asks for.
    pub(crate) fn of(tenant: &Tenant) -> Self {
        Self::Account(tenant.account.clone())
    }
}

/// What a rule may take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Rights, which others may have in memory: logins, access keys, roles and their sessions, services.
    Rights,
    /// Nothing that anybody has in memory.
    Nothing,
}

impl Takes {
    /// What two take together.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Rights { self } else { other }
    }
}

/// What the answer to a rule says of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// That they survive a power cut.
    Durable,
    /// That others see them. If they are lost, so is all that was committed after them.
    Visible,
}

/// How it is found out whether a write was made whose commit got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// By its event in the audit trail.
    ByEvent,
    /// It is run again: if it was made, it answers the same, and changes nothing more.
    ByRepeating,
    /// By nothing that the store knows. An engine may know.
    Not,
}

/// How a rule is run that writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) whose: Whose,
    pub(crate) takes: Takes,
    pub(crate) promise: Promise,
    pub(crate) settled: Settled,
}

impl Terms {
    /// Durable, and taken to take rights away: a rule that does not says so.
    pub(crate) fn of(whose: Whose) -> Self {
        Self { whose, takes: Takes::Rights, promise: Promise::Durable, settled: Settled::Not }
    }

    /// For a tenant.
    pub(crate) fn tenant(tenant: &Tenant) -> Self {
        Self::of(Whose::of(tenant))
    }

    /// For the server itself.
    pub(crate) fn server() -> Self {
        Self::of(Whose::Server)
    }

    /// The rule takes no rights away.
    pub(crate) fn takes_nothing(self) -> Self {
        Self { takes: Takes::Nothing, ..self }
    }

    /// Its answer does not wait for the disk.
    pub(crate) fn visible(self) -> Self {
        Self { promise: Promise::Visible, ..self }
    }

    /// The rule can be run again after it was committed: it then answers the same, and changes nothing more.
    pub(crate) fn repeatable(self) -> Self {
        Self { settled: Settled::ByRepeating, ..self }
    }
}

/// A database. Rules are run as often as the database asks for it; only the last run counts.
pub(crate) trait Engine: Clone + Send + Sync + 'static {
    /// Whether writes are taken.
    fn is_healthy(&self) -> bool;

    /// Whether this process alone writes the database, so that it may remember what it has read.
    fn is_exclusive(&self) -> bool;

    /// What is remembered, if it may be used now. An engine closes it before a rule that takes rights away is
    /// committed.
    fn caches(&self) -> Option<&Caches>;

    /// Runs a single query.
    fn read_one<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs several queries, all of which see the database as it was at the first.
    fn read<T: Send>(
        &self,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;

    /// The same where it may take longer than a few milliseconds: one at a time on anybody's behalf.
    fn read_long<T: Send + 'static>(
        &self,
        whose: Whose,
        query: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs a rule in a transaction, and returns when what [`Terms`] promise is true. If it fails, nothing of it stays.
    fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        rule: impl Fn(&dyn Tx) -> Result<T> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Gives back to the file system some of the space that nothing takes any more; `false` if there is no more worth it.
    /// A server that other programs look after does that itself.
    fn give_back(&self) -> impl Future<Output = Result<bool>> + Send {
        async { Ok(false) }
    }
}
