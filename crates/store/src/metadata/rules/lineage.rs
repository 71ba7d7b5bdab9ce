use async_trait::async_trait;

use super::progress;
use crate::Result;
use crate::identity::{History, Identity};
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::lineage::{IMAGE_NUMBERS_LEFT_OUT, Lineage};
use crate::metadata::progress::{Mark, Progress as _};
use crate::metadata::store::Store;
use crate::metadata::tx::{Dialect, Level, Lock, Query, Row, Tx, values};

/// How many keys of rows, epochs and generations are left out after a restore.
const KEYS_LEFT_OUT: i64 = 1_000_000;

#[async_trait]
impl<E: Engine> Lineage for Store<E> {
    async fn identity(&self) -> Result<Option<Identity>> {
        self.read(identity).await
    }

    async fn identify(&self, new: Identity) -> Result<Identity> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            // Another process may do the same at the same time. The first one decides.
            tx.run(
                "INSERT INTO progress (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                values![progress::name(Mark::ContentFolder), new.cluster],
            )?;
            Ok(identity(tx)?.unwrap_or(new))
        })
        .await
    }

    async fn history(&self) -> Result<Option<History>> {
        match self.read_one(history).await {
            Ok(history) => Ok(history),
            // Some PostgreSQL services do not let their users ask for the timeline.
            Err(error) if self.mark(Mark::Timeline).await.is_ok() => {
                tracing::warn!(
                    %error,
                    "the database server does not tell its history, so a restored database is not noticed"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn noted_history(&self) -> Result<Option<History>> {
        self.read(noted_history).await
    }

    async fn note_history(&self, history: History) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            progress::set(tx, &marks(history))
        })
        .await
    }

    async fn restored(&self, incarnation: i64, history: Option<History>) -> Result<u64> {
        // This rule empties the caches of running processes, because their content is from the lost state.
        self.upkeep(Terms::server(), move |tx| {
            let mut set = vec![(Mark::Incarnation, incarnation)];
            set.extend(history.into_iter().flat_map(marks));
            progress::set(tx, &set)?;
            let all = Query::column("SELECT id FROM services ORDER BY id", values![]);
            tx.lock::<i64>(Level::Service, Lock::Update, &all)?;
            let services = tx.run(
                "UPDATE services SET last_image_number = last_image_number + ?1, last_version = last_version + ?1",
                values![IMAGE_NUMBERS_LEFT_OUT],
            )?;
            leave_keys_out(tx)?;
            Ok(services)
        })
        .await
    }
}

fn identity(tx: &dyn Tx) -> Result<Option<Identity>> {
    let Some(cluster) = progress::get(tx, Mark::ContentFolder)? else { return Ok(None) };
    let incarnation = progress::get(tx, Mark::Incarnation)?.unwrap_or_default();
    Ok(Some(Identity { cluster, incarnation }))
}

fn history(tx: &dyn Tx) -> Result<Option<History>> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => tx.find(&Query::new(
            "SELECT system_identifier,
                    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint,
                    'progress'::regclass::oid::bigint
             FROM pg_control_system()",
            values![],
            |row| Ok(History { system: row.get(0)?, timeline: row.get(1)?, table: row.get(2)? }),
        )),
    }
}

fn noted_history(tx: &dyn Tx) -> Result<Option<History>> {
    let noted = |mark| progress::get(tx, mark);
    Ok(match (noted(Mark::DatabaseServer)?, noted(Mark::Timeline)?, noted(Mark::Table)?) {
        (Some(system), Some(timeline), Some(table)) => Some(History { system, timeline, table }),
        _ => None,
    })
}

fn marks(History { system, timeline, table }: History) -> [(Mark, i64); 3] {
    [(Mark::DatabaseServer, system), (Mark::Timeline, timeline), (Mark::Table, table)]
}

/// Raises the next keys of all tables, and all other counters.
fn leave_keys_out(tx: &dyn Tx) -> Result<()> {
    match tx.dialect() {
        Dialect::Sqlite => tx.post("UPDATE sqlite_sequence SET seq = seq + ?1", values![KEYS_LEFT_OUT]),
        Dialect::Postgres => {
            let raise = "SELECT setval(s.oid::regclass, nextval(s.oid::regclass) + ?1)
                         FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
                         WHERE s.relkind = 'S' AND n.nspname = current_schema()";
            let read: fn(&Row<'_>) -> Result<i64> = |row| row.get(0);
            tx.all(&Query::new(raise, values![KEYS_LEFT_OUT], read))?;
            tx.post("UPDATE cluster SET generation = generation + ?1", values![KEYS_LEFT_OUT])
        }
    }
}
