//! The row of the cluster: facts on which all its processes agree.

use std::time::Duration;

use async_trait::async_trait;
use gangplank_core::{Origin, Time};

use super::{Postgres, Trouble};
use crate::Result;
use crate::metadata::access_keys::AccessKey;
use crate::metadata::engine::Terms;
use crate::metadata::rules::access_keys;
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Named, Query, Tx, values};

const BEGIN_TIME: &str = "UPDATE cluster SET steady_time = ?1 WHERE steady_time = 0";

const ADVANCE_TIME: &str = "UPDATE cluster SET steady_time = ?2 WHERE steady_time = ?1";

/// The facts on which the processes of a cluster agree.
#[async_trait]
pub trait Agreed: Send + Sync {
    /// The value that only the cluster's master key opens. `None` until the first server has started.
    async fn key_check(&self) -> Result<Option<Vec<u8>>>;
    /// Sets the value that only the cluster's master key opens, unless there is one.
    async fn set_key_check(&self, check: Vec<u8>) -> Result<()>;
    /// Sets the same value and makes the first access key, in one transaction, unless there is a value. Returns
    /// whether it made them. If several servers start at the same time, exactly one of them does it.
    async fn make_first_key(&self, by: &Origin, check: Vec<u8>, key: AccessKey) -> Result<bool>;
    /// Why this process should get no requests; `None` if it may get some.
    fn trouble(&self) -> Option<Trouble>;
    /// The database's time, whatever becomes of this machine's clock: as it was read last, and the time since then.
    fn time(&self) -> Time;
    /// How long ago the cluster's row was read last.
    fn age_of_reading(&self) -> Duration;
    /// The steady time of the cluster, as it was read within the last seconds. `None` before
    /// [`begin_steady_time`](Self::begin_steady_time).
    fn steady_time(&self) -> Option<Time>;
    /// Begins the steady time with `now`, unless it has begun. Returns it.
    async fn begin_steady_time(&self, now: Time) -> Result<Time>;
    /// Advances the steady time, if it still is `from`. Returns its present value. So a process that was paused
    /// does not count time that another process has counted.
    async fn advance_steady_time(&self, from: Time, by: Duration) -> Result<Time>;
}

#[async_trait]
impl Agreed for Postgres {
    async fn key_check(&self) -> Result<Option<Vec<u8>>> {
        let found: Option<Option<Vec<u8>>> =
            self.read_one(|tx| tx.find(&Query::column("SELECT key_check FROM cluster", values![]))).await?;
        Ok(found.flatten())
    }

    async fn set_key_check(&self, check: Vec<u8>) -> Result<()> {
        let terms = Terms::server().takes_nothing().repeatable();
        self.upkeep(terms, move |tx| set_check(tx, &check).map(drop)).await
    }

    async fn make_first_key(&self, by: &Origin, check: Vec<u8>, key: AccessKey) -> Result<bool> {
        let origin = by.clone();
        self.change(by, Terms::server(), move |tx| {
            tx.lock_named(Named::RootKeys)?;
            if set_check(tx, &check)? {
                access_keys::insert(tx, &origin, &key, u32::MAX)
            } else {
                Ok(Outcome::Unchanged(false))
            }
        })
        .await
    }

    fn trouble(&self) -> Option<Trouble> {
        self.engine.0.shared.trouble()
    }

    fn time(&self) -> Time {
        self.engine.0.shared.time()
    }

    fn age_of_reading(&self) -> Duration {
        self.engine.0.shared.age()
    }

    fn steady_time(&self) -> Option<Time> {
        self.engine.0.shared.steady()
    }

    async fn begin_steady_time(&self, now: Time) -> Result<Time> {
        let terms = Terms::server().takes_nothing().repeatable();
        self.upkeep(terms, move |tx| tx.run(BEGIN_TIME, values![now]).map(drop)).await?;
        self.read_steady_time().await
    }

    async fn advance_steady_time(&self, from: Time, by: Duration) -> Result<Time> {
        let terms = Terms::server().takes_nothing().visible();
        self.upkeep(terms, move |tx| tx.run(ADVANCE_TIME, values![from, from.plus(by)]).map(drop)).await?;
        self.read_steady_time().await
    }
}

impl Postgres {
    async fn read_steady_time(&self) -> Result<Time> {
        let time =
            self.read_one(|tx| tx.one(&Query::column("SELECT steady_time FROM cluster", values![]))).await?;
        self.engine.0.shared.note_steady(time);
        Ok(time)
    }
}

/// Whether there was no value before.
fn set_check(tx: &dyn Tx, check: &[u8]) -> Result<bool> {
    let changed = tx.run("UPDATE cluster SET key_check = ?1 WHERE key_check IS NULL", values![check])?;
    Ok(changed > 0)
}
