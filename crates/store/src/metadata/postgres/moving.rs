//! One end of a migration: a database whose rows come from a directory, or go to one.

use std::path::Path;

use gangplank_core::Time;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::connection::{Isolation, Open};
use super::pool::Pool;
use super::resolve;
use super::schema::{self, Tables};
use super::transaction::{Ended, Transaction};
use super::{Postgres, Target};
use crate::metadata::engine::Whose;
use crate::metadata::migration::{self, Changes, Move, Other, Rows};
use crate::metadata::sqlite::moving;
use crate::metadata::tx::{Cell, Cells as _, Query, Tx, Value};
use crate::{Result, StoreError};

/// The moment at which no server used a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// How many claims had been taken until then. Each server takes some.
    claims: i64,
}

impl Postgres {
    /// Opens an empty database as the target of a migration, or continues an interrupted one. No server starts
    /// on it until [`end_arrival`](Self::end_arrival).
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the database is not empty, or if it is the target of another migration.
    pub async fn arriving(target: Target, from: &Other) -> Result<Self> {
        let pool = Pool::of(target);
        let open = pool.extra().await?;
        if schema::make(&open, Some(&Move::Arriving(from.clone()))).await? == Tables::There {
            require_arriving(&open, from).await?;
        }
        Self::over(pool).await
    }

    /// Checks that a database can be the target of a migration. Makes nothing. Returns whether an earlier run has
    /// begun to fill it.
    ///
    /// # Errors
    /// As [`arriving`](Self::arriving).
    pub async fn can_arrive(target: Target, from: &Other) -> Result<bool> {
        let open = Pool::of(target).extra().await?;
        if schema::is_empty(&open).await? {
            return Ok(false);
        }
        require_arriving(&open, from).await.map(|()| true)
    }

    /// Opens a database, in whatever state it is, as the source of a migration.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if it is empty or of another version of the program.
    pub async fn leaving(target: Target) -> Result<Self> {
        let pool = Pool::of(target);
        schema::require_made(&pool).await?;
        Self::over(pool).await
    }

    /// The state of a migration; `None` if the database is not part of one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn moving(&self) -> Result<Option<Move>> {
        state(&self.engine.0.pool.extra().await?).await
    }

    /// Counts the rows that a migration copies.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn row_count(&self) -> Result<Rows> {
        let names = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
            WHERE table_schema = current_schema()
            AND table_name NOT IN ('cluster', 'claims', 'places', 'replicas', 'migration')";
        self.read_long(Whose::Server, move |tx| migration::count(tx, names)).await
    }

    /// Replaces all rows by those of a database file, in one transaction. From then on they have arrived.
    ///
    /// # Errors
    /// If a database fails, or if a row cannot be copied. Then the rows are as before.
    pub async fn take_rows(&self, from: &Path, other: &Other, changes: &Changes) -> Result<Rows> {
        let inner = &self.engine.0;
        let mut connection = inner.pool.take(None).await?;
        let copied = block_in_place(|| {
            let handle = Handle::current();
            let to = Transaction::begin(&mut connection, &handle, Isolation::Durable, None);
            let copied = match moving::reading(from, |from| replace(from, &to, other, changes)) {
                Ok(copied) => copied,
                Err(error) => {
                    to.roll_back();
                    return Err(error);
                }
            };
            committed(to).map(|()| copied)
        })?;
        // New tables have no statistics. Queries that join large ones would take the wrong order.
        let analyze = "BEGIN; SET LOCAL statement_timeout = 0; ANALYZE; COMMIT";
        if let Err(error) = inner.pool.extra().await?.order(analyze).await {
            tracing::warn!(%error, "cannot gather statistics of the new tables; PostgreSQL does that later");
        }
        Ok(copied)
    }

    /// Ends a migration to this database. A server may start on it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn end_arrival(&self) -> Result<()> {
        let open = self.engine.0.pool.extra().await?;
        open.execute("DELETE FROM migration WHERE state = 'arrived'", &[]).await.map(drop)
    }

    /// Checks that no server uses the database.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if one does.
    pub async fn require_idle(&self) -> Result<Idle> {
        self.read(idle).await
    }

    /// Copies all rows into a new database file. The file gets its name when it is complete and durable.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if a server uses the database, or has used it since the given moment. If a
    /// database fails, or if a row cannot be copied. Then there is no file.
    pub async fn give_rows(&self, to: &Path, changes: &Changes, since: Idle) -> Result<Rows> {
        let inner = &self.engine.0;
        let mut connection = inner.pool.take(None).await?;
        block_in_place(|| {
            let handle = Handle::current();
            let from = Transaction::begin(&mut connection, &handle, Isolation::Snapshot, None);
            require_idle_since(&from, since)?;
            let steady = (&from as &dyn Tx).one(&Query::column("SELECT steady_time FROM cluster", []))?;
            let steady = Some(steady).filter(|steady| *steady > Time(0));
            let rows = moving::making(to, |to| migration::copy(&from, to, steady, changes))?;
            from.end();
            Ok(rows)
        })
    }

    /// Records that the store has moved. From then on no server starts on it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if a server uses the database, or has used it since the given moment.
    pub async fn note_moved(&self, to: &Other, since: Idle) -> Result<()> {
        let inner = &self.engine.0;
        let mut connection = inner.pool.take(None).await?;
        block_in_place(|| {
            let handle = Handle::current();
            let tx = Transaction::begin(&mut connection, &handle, Isolation::Durable, None);
            require_idle_since(&tx, since)?;
            set_state_in(&tx, &Move::Moved(to.clone()))?;
            committed(tx)
        })
    }
}

/// Commits. If nobody knows whether that happened, the next run finds out.
fn committed(tx: Transaction<'_>) -> Result<()> {
    match tx.commit()? {
        Ended::Committed => Ok(()),
        Ended::Unknown(_) | Ended::WithoutCopy => Err(resolve::unknown()),
    }
}

/// Refuses tables that are not being filled from this source.
async fn require_arriving(open: &Open, from: &Other) -> Result<()> {
    match state(open).await? {
        Some(Move::Arriving(other) | Move::Arrived(other)) if other.number == from.number => Ok(()),
        Some(moving) => Err(refusal(&moving)),
        None => Err(StoreError::unusable(
            "the database is not empty, since a server has used it: name a new database",
        )),
    }
}

/// Replaces all rows of tables that are copied.
fn replace(from: &dyn Tx, to: &dyn Tx, other: &Other, changes: &Changes) -> Result<Rows> {
    // An earlier try may have committed.
    to.run(&format!("TRUNCATE {} RESTART IDENTITY", migration::tables(from, to)?), [])?;
    let rows = migration::copy(from, to, None, changes)?;
    let steady = migration::steady_time(to)?.unwrap_or(Time(0));
    to.run("UPDATE cluster SET steady_time = ?1, generation = generation + 1", [Value::from(steady)])?;
    set_state_in(to, &Move::Arrived(other.clone()))?;
    Ok(rows)
}

/// Refuses a database that a server uses.
fn idle(tx: &dyn Tx) -> Result<Idle> {
    // A server that starts has this lock, or waits for it and then finds the mark.
    let is_free: bool = tx.one(&Query::column(schema::TRY_LOCK, []))?;
    let claims: i64 =
        tx.one(&Query::column("SELECT count(*) FROM claims WHERE until > clock_timestamp()", []))?;
    if !is_free || claims > 0 {
        return Err(in_use());
    }
    let claims = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM epochs";
    Ok(Idle { claims: tx.one(&Query::column(claims, []))? })
}

fn require_idle_since(tx: &dyn Tx, since: Idle) -> Result<()> {
    if idle(tx)? == since { Ok(()) } else { Err(in_use()) }
}

fn in_use() -> StoreError {
    StoreError::unusable(
        "a server uses the database: stop all of them, and try again; after one was killed its claims last for half \
         a minute",
    )
}

/// The state of a migration.
pub(super) async fn state(open: &Open) -> Result<Option<Move>> {
    let rows = open.query("SELECT state, number, place FROM migration", &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (Cell::Text(word), Cell::Integer(number), Cell::Text(place)) =
        (row.cell(0)?, row.cell(1)?, row.cell(2)?)
    else {
        return Err(StoreError::damaged("the row of a migration"));
    };
    let state = Move::of(word, Other { number, place: place.to_owned() });
    state.map(Some).ok_or_else(|| StoreError::damaged(format!("a migration has no state {word}")))
}

/// Refuses a store that is moving, or has moved.
pub(super) async fn refuse(open: &Open) -> Result<()> {
    state(open).await?.map_or(Ok(()), |moving| Err(refusal(&moving)))
}

const SET_STATE: &str = "INSERT INTO migration (one, state, number, place) VALUES (1, ?1, ?2, ?3)
    ON CONFLICT (one) DO UPDATE SET state = excluded.state, number = excluded.number, place = excluded.place";

/// Records a state in the open transaction of a connection.
pub(super) async fn set_state(open: &Open, state: &Move) -> Result<()> {
    open.execute(SET_STATE, &values_of(state)).await.map(drop)
}

fn set_state_in(tx: &dyn Tx, state: &Move) -> Result<()> {
    tx.run(SET_STATE, values_of(state)).map(drop)
}

fn values_of(state: &Move) -> [Value<'_>; 3] {
    [Value::from(state.word()), Value::from(state.other().number), Value::from(&state.other().place)]
}

/// The error for a server that would start on this database.
fn refusal(state: &Move) -> StoreError {
    StoreError::unusable(match state {
        Move::Arriving(from) | Move::Arrived(from) => format!(
            "the migration from {} to this database is not finished: run the same `gangplank migrate` again, which goes \
             on where it stopped",
            from.place
        ),
        Move::Moved(to) => format!("what this database had has moved to {}: serve that", to.place),
    })
}
