mod agreement;
mod faults;
mod interleavings;
pub(super) mod texts;
mod upgrading;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gangplank_testkit::{postgres, skip};
use tokio::sync::Barrier;
use tokio::task::block_in_place;

use super::*;
use crate::metadata::progress::{Mark, Progress as _};
use crate::metadata::tx::{Level, Lock, Query, values};

/// A server with a store on it. `None` if PostgreSQL is not installed; then the test is reported as skipped.
async fn scratch() -> Option<(gangplank_testkit::Postgres, Postgres)> {
    let Some(programs) = postgres::programs(15) else {
        skip("PostgreSQL 15 is not installed");
        return None;
    };
    let server = block_in_place(|| gangplank_testkit::Postgres::start(&programs));
    let url = server.create("scratch");
    let store = Postgres::connect(Target::parse(&url).unwrap()).await.unwrap();
    Some((server, store))
}

/// The schema is written twice, once for each database. This compares the columns of every table.
#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables() {
    let Some((server, _store)) = scratch().await else { return };
    let columns =
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
                   FROM information_schema.columns
                   WHERE table_schema = 'public'
                     AND table_name NOT IN ('cluster', 'claims', 'places', 'replicas', 'migration') ORDER BY 1";
    let theirs: Vec<String> = server.query("scratch", columns).unwrap().lines().map(str::to_owned).collect();
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("gangplank.db");
    drop(crate::metadata::Sqlite::open(&path).unwrap());
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    let mut select = sqlite
        .prepare(
            "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" OR c.pk THEN ' not null' ELSE '' END
             FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let mut ours: Vec<String> =
        select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    let mut theirs = theirs;
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_there_for_every_process() {
    let Some((server, store)) = scratch().await else { return };
    store.set_marks(vec![(Mark::GcGrace, 7), (Mark::ScrubStarted, 9)]).await.unwrap();
    let other = Postgres::connect(Target::parse(&server.url("scratch")).unwrap()).await.unwrap();
    assert_eq!(other.mark(Mark::GcGrace).await.unwrap(), Some(7));
}

/// The error of the last statement is known only after the commit was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_statement_that_fails_leaves_nothing() {
    let Some((_server, store)) = scratch().await else { return };
    let refused: Result<()> = store
        .engine
        .write(Terms::server(), |tx| {
            // With the answer to this query, the number of the transaction is known.
            tx.one(&Query::<i64>::column("SELECT count(*) FROM progress", values![]))?;
            tx.post("INSERT INTO progress (name, value) VALUES (?1, ?2)", values!["gc-grace", 1])?;
            tx.post("SELECT CAST(?1 AS BIGINT)", values!["no number"])
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), None);
    store.set_marks(vec![(Mark::GcGrace, 2)]).await.unwrap();
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(2));
}

/// More queries are sent than the connection can buffer answers for.
#[tokio::test(flavor = "multi_thread")]
async fn large_answers_that_are_read_late_hold_nothing_up() {
    let Some((_server, store)) = scratch().await else { return };
    let text = "SELECT repeat('x', 100000) || ?1 FROM generate_series(1, 20)";
    let write = store.engine.write(Terms::server(), move |tx| {
        let asked: Vec<_> = (0..40)
            .map(|number| tx.begin(Query::<String>::column(text, values![number.to_string()])))
            .collect::<Result<_>>()?;
        tx.post("INSERT INTO progress (name, value) VALUES (?1, ?2)", values!["gc-grace", 1])?;
        asked.into_iter().rev().map(|asked| Ok(asked.all(tx)?.len())).sum::<Result<usize>>()
    });
    assert_eq!(write.await.unwrap(), 40 * 20);
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_fails_leaves_nothing() {
    let Some((_server, store)) = scratch().await else { return };
    let refused: Result<()> = store
        .engine
        .write(Terms::server(), |tx| {
            tx.run("INSERT INTO progress (name, value) VALUES (?1, ?2)", values!["gc-grace", 1])?;
            Err(StoreError::damaged("no"))
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))));
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), None);
}

/// Each of two transactions has locked a row and waits for the row of the other. PostgreSQL ends one of them,
/// and it runs again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadlock_is_run_again() {
    let Some((_server, store)) = scratch().await else { return };
    store.set_marks(vec![(Mark::GcGrace, 0), (Mark::ScrubStarted, 0)]).await.unwrap();
    let (meeting, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let write = |first: &'static str, second: &'static str| {
        let (meeting, runs) = (Arc::clone(&meeting), Arc::clone(&runs));
        let engine = store.engine.clone();
        tokio::spawn(async move {
            engine
                .write(Terms::server(), move |tx| {
                    let lock = |name| {
                        let find = Query::column("SELECT value FROM progress WHERE name = ?1", values![name]);
                        tx.lock_one::<i64>(Level::Server, Lock::Update, &find)
                    };
                    lock(first)?;
                    if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                        Handle::current().block_on(meeting.wait());
                    }
                    lock(second)?;
                    tx.run("UPDATE progress SET value = value + 1", values![])
                })
                .await
        })
    };
    let (one, other) = (write("gc-grace", "scrub-started"), write("scrub-started", "gc-grace"));
    assert_eq!((one.await.unwrap().unwrap(), other.await.unwrap().unwrap()), (2, 2));
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_started_again_serves_the_connections_of_before() {
    let Some((mut server, store)) = scratch().await else { return };
    store.set_marks(vec![(Mark::GcGrace, 7)]).await.unwrap();
    block_in_place(|| {
        server.kill();
        server.run();
    });
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(7));
    store.set_marks(vec![(Mark::GcGrace, 8)]).await.unwrap();
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(8));
}
