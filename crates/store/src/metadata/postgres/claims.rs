//! Claims as rows, for processes that share a database. They end by the clock of the database.

use std::time::Duration;

use async_trait::async_trait;

use super::Cluster;
use crate::Result;
use crate::coordination::{Claim, Coordinator, Epoch, Work};
use crate::metadata::tx::{Cell, Cells as _, Value, values};

/// Takes work that nobody claims or whose claim has ended. The epoch comes from a sequence. A released claim
/// leaves no row, and the next claim still gets a greater epoch.
const CLAIM: &str = "
    INSERT INTO claims (name, holder, epoch, until)
    VALUES (?1, ?2, nextval('epochs'), now() + ?3 * INTERVAL '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, until = excluded.until
    WHERE claims.until <= now()
    RETURNING epoch";

const RENEW: &str =
    "UPDATE claims SET until = now() + ?3 * INTERVAL '1 millisecond' WHERE name = ?1 AND epoch = ?2";

/// How long the database has for one of these statements. A claim that cannot be renewed soon ends.
const LIMIT: Duration = Duration::from_secs(5);

const RELEASE: &str = "DELETE FROM claims WHERE name = ?1 AND epoch = ?2";

impl Cluster {
    /// Runs one statement. If its connection had died while it was idle, runs it once more on a new one.
    async fn change_claims(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        let mut connection = self.0.pool.take(None).await?;
        let mut changed = connection.open.within(LIMIT, connection.open.execute(text, values)).await;
        if changed.is_err() && connection.is_lost() {
            drop(connection);
            self.0.pool.forget_idle();
            connection = self.0.pool.take(None).await?;
            changed = connection.open.within(LIMIT, connection.open.execute(text, values)).await;
        }
        connection.give_back();
        changed
    }
}

#[async_trait]
impl Coordinator for Cluster {
    fn is_shared(&self) -> bool {
        true
    }

    async fn claim(&self, work: &Work, holder: &str, lasts: Duration) -> Result<Option<Claim>> {
        let connection = self.0.pool.take(None).await?;
        // This call is not repeated: if its answer is lost, the claim may exist. It ends by itself.
        let values = values![work.to_string(), holder, milliseconds(lasts)];
        let found = connection.open.within(LIMIT, connection.open.query(CLAIM, &values)).await?;
        connection.give_back();
        let epoch = match found.first().map(|row| row.cell(0)).transpose()? {
            Some(Cell::Integer(epoch)) => Epoch(epoch),
            _ => return Ok(None),
        };
        Ok(Some(Claim { work: work.clone(), holder: holder.to_owned(), epoch }))
    }

    async fn renew(&self, claim: &Claim, lasts: Duration) -> Result<bool> {
        let values = values![claim.work.to_string(), claim.epoch.0, milliseconds(lasts)];
        Ok(self.change_claims(RENEW, &values).await? > 0)
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        self.change_claims(RELEASE, &values![claim.work.to_string(), claim.epoch.0]).await.map(drop)
    }
}

pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
