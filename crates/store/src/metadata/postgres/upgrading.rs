//! Changes the tables of a database for a later program, while servers use them.
//!
//! One process at a time changes tables. A change of a table waits for all transactions that use the table, and
//! later transactions wait behind the change. So a change gives up soon and tries again.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::error::SqlState;

use super::connection::Open;
use super::errors::explain;
use super::schema::{self, Found, LOCK};
use super::steps::{Act, FIRST, STEPS, Step};
use super::{Postgres, Target, jitter};
use crate::{Result, StoreError};

/// How long a change waits for transactions that use the same table.
const PATIENCE: &str = "3s";

/// How often a change is tried while other transactions are in its way. There is a pause after each try.
const TRIES: u32 = 60;

/// The longest pause between two tries.
const PAUSE: Duration = Duration::from_secs(4);

/// How long servers of programs that the next step excludes get requests after they have been excluded. They read that
/// once a second, and a load balancer asks them about as often.
const NOTICED: Duration = Duration::from_secs(5);

/// How often a process asks whether another one still changes the tables.
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// The limits of the session that changes tables. The last limit of a name counts.
const LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", PATIENCE), ("idle_in_transaction_session_timeout", "0")];

/// The result of a change of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The schema that the tables had.
    pub from: i64,
    /// The schema that the tables have.
    pub to: i64,
    /// The oldest schema of programs that may use them.
    pub oldest: i64,
}

impl Postgres {
    /// Changes the tables of a database to those of this program, if they are of an earlier program. Servers of
    /// that program may continue meanwhile. Waits for another process that does the same. `None` if there are
    /// no tables.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the database has tables of a program that is too early or too late;
    /// [`StoreError::Contended`] if others are in the way for too long. Another run continues where this one
    /// has stopped.
    pub async fn upgrade(target: &Target) -> Result<Option<Upgraded>> {
        Changes { target, first: FIRST, steps: STEPS }.make(|_| {}).await
    }
}

/// Changes to make.
pub(super) struct Changes<'a> {
    pub(super) target: &'a Target,
    /// The schema from which the first step leads.
    pub(super) first: i64,
    pub(super) steps: &'a [Step],
}

impl Changes<'_> {
    /// Makes the changes. `begins` is called for each act.
    pub(super) async fn make(&self, mut begins: impl FnMut(&Act) + Send) -> Result<Option<Upgraded>> {
        let target = self.target.with_limits(&LIMITS);
        // The lock has its own connection, because not all acts can be in a transaction.
        let (lock, open) = (Open::to(&target).await?, Open::to(&target).await?);
        alone(&lock).await?;
        let Some(found) = schema::tables(&open).await? else { return Ok(None) };
        let Found { schema: from, mut oldest } = found;
        let mut schema = from;
        for step in self.ahead(found)? {
            tracing::info!(schema = schema + 1, "changing the tables: {}", step.what);
            if step.oldest > oldest {
                oldest = step.oldest;
                exclude(&open, oldest).await?;
            }
            for act in step.acts {
                if lock.is_lost() {
                    return Err(StoreError::unavailable("the connection with the lock was lost"));
                }
                begins(act);
                do_act(&open, act).await?;
            }
            arrive(&open, schema).await?;
            schema += 1;
        }
        Ok(Some(Upgraded { from, to: schema, oldest }))
    }

    /// The steps that follow a schema.
    fn ahead(&self, found: Found) -> Result<&[Step]> {
        let last = self.first + i64::try_from(self.steps.len()).unwrap_or(i64::MAX);
        if found.schema >= last {
            schema::require_at(found, last)?;
            return Ok(&[]);
        }
        let done = usize::try_from(found.schema - self.first).ok();
        done.and_then(|done| self.steps.get(done..)).ok_or_else(|| {
            StoreError::unusable(format!(
                "the database has schema {}, and this program can change the tables from schema {} on; use an earlier \
                 release first",
                found.schema, self.first
            ))
        })
    }
}

/// Begins a transaction that has the lock. It tries again and again for a short time. A statement that waits
/// has a snapshot, and the making of an index would wait for the end of this snapshot.
async fn alone(lock: &Open) -> Result<()> {
    // Not sent by `query`, which keeps a snapshot until the next statement.
    let begin = format!("BEGIN; SET LOCAL lock_timeout = '100ms'; {LOCK}");
    loop {
        match lock.order(&begin).await {
            Ok(()) => return Ok(()),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {}
            Err(error) => return Err(explain(&error)),
        }
        lock.order("ROLLBACK").await.map_err(|error| explain(&error))?;
        sleep(ASKED_EVERY).await;
    }
}

/// Excludes servers of earlier programs, and waits until they get no more requests.
async fn exclude(open: &Open, oldest: i64) -> Result<()> {
    patiently(open, &format!("UPDATE cluster SET oldest = {oldest} WHERE oldest < {oldest}")).await?;
    sleep(NOTICED).await;
    Ok(())
}

async fn do_act(open: &Open, act: &Act) -> Result<()> {
    match act {
        Act::Together(statements) => patiently(open, statements).await,
        Act::Index { name, make } => {
            let valid = format!(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('{name}') AND indisvalid AND indisready"
            );
            if !open.query(&valid, &[]).await?.is_empty() {
                return Ok(());
            }
            // An index that an interrupted try has left is never used.
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
            retried(open, &[&drop, make]).await
        }
        Act::Batches(statement) => {
            while open.execute(statement, &[]).await? > 0 {}
            Ok(())
        }
    }
}

/// Records that the tables have the schema after `before`.
async fn arrive(open: &Open, before: i64) -> Result<()> {
    let arrive = format!("UPDATE cluster SET schema = {before} + 1 WHERE schema = {before}");
    match open.execute(&arrive, &[]).await? {
        1 => Ok(()),
        _ => Err(StoreError::unusable("another process has changed the tables meanwhile; try again")),
    }
}

/// Runs statements in one transaction.
async fn patiently(open: &Open, statements: &str) -> Result<()> {
    let limits = format!("SET LOCAL lock_timeout = '{PATIENCE}'; SET LOCAL statement_timeout = 0");
    retried(open, &[&format!("BEGIN; {limits}; {statements}; COMMIT")]).await
}

/// Runs texts one after the other, and all of them again if other transactions are in the way.
async fn retried(open: &Open, texts: &[&str]) -> Result<()> {
    let mut tried = 0;
    loop {
        tried += 1;
        let Err(error) = in_turn(open, texts).await else { return Ok(()) };
        if texts.iter().any(|text| text.starts_with("BEGIN")) && !open.is_lost() {
            open.order("ROLLBACK").await.map_err(|error| explain(&error))?;
        }
        let is_in_use = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED]
            .iter()
            .any(|code| error.code() == Some(code));
        if !is_in_use || tried >= TRIES {
            return Err(explain(&error));
        }
        tracing::info!(%error, "the table is in use; a change of it is tried again");
        sleep(PAUSE.mul_f64(jitter())).await;
    }
}

async fn in_turn(open: &Open, texts: &[&str]) -> std::result::Result<(), tokio_postgres::Error> {
    for text in texts {
        open.order(text).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::postgres::schema::VERSION;

    #[test]
    fn the_steps_lead_to_the_schema_of_this_program() {
        assert_eq!(FIRST + i64::try_from(STEPS.len()).unwrap(), VERSION);
        assert!(
            STEPS.iter().zip(FIRST + 1..).all(|(step, to)| step.oldest < to),
            "the release before goes on"
        );
    }
}
