//! Changes of tables under servers that use them, with steps that only these tests have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::metadata::postgres::connection::Open;
use crate::metadata::postgres::schema::VERSION;
use crate::metadata::postgres::steps::{Act, Step};
use crate::metadata::postgres::upgrading::{Changes, Upgraded};

const EXTEND: Step = Step {
    what: "marks have a weight",
    oldest: VERSION,
    acts: &[
        Act::Together("ALTER TABLE progress ADD COLUMN IF NOT EXISTS weight BIGINT"),
        Act::Batches(
            "UPDATE progress SET weight = value
             WHERE name IN (SELECT name FROM progress WHERE weight IS NULL LIMIT 1)",
        ),
        Act::Index {
            name: "progress_by_weight",
            make: "CREATE UNIQUE INDEX CONCURRENTLY progress_by_weight ON progress (weight)",
        },
        Act::Together(
            "ALTER TABLE progress DROP CONSTRAINT IF EXISTS is_heavy,
                                  ADD CONSTRAINT is_heavy CHECK (weight > 0) NOT VALID",
        ),
        Act::Together("ALTER TABLE progress VALIDATE CONSTRAINT is_heavy"),
    ],
};

const REMOVE: Step = Step {
    what: "marks have no weight any more",
    oldest: VERSION + 1,
    acts: &[Act::Together("ALTER TABLE progress DROP COLUMN IF EXISTS weight")],
};

fn changes<'a>(target: &'a Target, steps: &'a [Step]) -> Changes<'a> {
    Changes { target, first: VERSION, steps }
}

async fn marks(store: &Postgres) {
    store.set_marks(vec![(Mark::GcGrace, 7), (Mark::ScrubStarted, 9)]).await.unwrap();
}

/// A server of the release before continues while the tables are extended. It gets no requests before something
/// that it uses is removed.
#[tokio::test(flavor = "multi_thread")]
async fn servers_of_the_release_before_go_on_until_something_is_removed() {
    let Some((server, store)) = scratch().await else { return };
    marks(&store).await;
    let target = Target::parse(&server.url("scratch")).unwrap();
    let extended = changes(&target, &[EXTEND]).make(|_| assert_eq!(store.trouble(), None)).await.unwrap();
    assert_eq!(extended, Some(Upgraded { from: VERSION, to: VERSION + 1, oldest: VERSION }));
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(7));
    store.set_marks(vec![(Mark::GcGrace, 8)]).await.unwrap();
    let weights = "SELECT string_agg(weight::text, ' ' ORDER BY weight) FROM progress";
    assert_eq!(server.query("scratch", weights).unwrap().trim(), "7 9");
    let again = changes(&target, &[EXTEND]).make(|act| panic!("{act:?}")).await.unwrap().unwrap();
    assert_eq!((again.from, again.to), (VERSION + 1, VERSION + 1));
    let late = Postgres::connect(target.clone()).await.unwrap();
    assert_eq!(late.trouble(), None, "a server that starts afterwards");

    let excluded = Some(Trouble::Schema(VERSION + 1));
    let removed = changes(&target, &[EXTEND, REMOVE]).make(|_| assert_eq!(store.trouble(), excluded)).await;
    let twice = Upgraded { from: VERSION + 1, to: VERSION + 2, oldest: VERSION + 1 };
    assert_eq!(removed.unwrap(), Some(twice));
    let refused = Postgres::connect(target.clone()).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("use a later program"), "{refused}");
    // This program does not change the tables of later programs either.
    let refused = Postgres::upgrade(&target).await.unwrap_err();
    assert!(refused.to_string().contains("use a later program"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_changes_the_tables() {
    let Some((server, store)) = scratch().await else { return };
    marks(&store).await;
    let target = Target::parse(&server.url("scratch")).unwrap();
    let made = Arc::new(AtomicUsize::new(0));
    let process = || {
        let (target, made) = (target.clone(), Arc::clone(&made));
        tokio::spawn(async move {
            let count = |act: &Act| {
                made.fetch_add(1, Ordering::Relaxed);
                if matches!(act, Act::Index { .. }) {
                    // The other process waits now. Its wait must not keep the index from being made.
                    std::thread::sleep(Duration::from_millis(500));
                }
            };
            changes(&target, &[EXTEND]).make(count).await.unwrap().unwrap()
        })
    };
    let (one, other) = (process(), process());
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!(made.load(Ordering::Relaxed), EXTEND.acts.len());
    assert_eq!((one.to, other.to), (VERSION + 1, VERSION + 1));
    assert_ne!(one.from, other.from, "the second finds the first one's work");
    // Servers that start meanwhile do not wait.
    let lock = Open::to(&target).await.unwrap();
    lock.order(&format!("BEGIN; {}", schema::LOCK)).await.unwrap();
    let begun = Instant::now();
    Postgres::connect(target.clone()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// A transaction uses the table for a long time. The others wait for the change only for a short time.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_use_is_changed_when_it_is_free() {
    let Some((server, store)) = scratch().await else { return };
    marks(&store).await;
    let target = Target::parse(&server.url("scratch")).unwrap();
    let user = Open::to(&target).await.unwrap();
    user.order("BEGIN; SELECT * FROM progress").await.unwrap();
    let changing = tokio::spawn({
        let target = target.clone();
        async move { changes(&target, &[EXTEND]).make(|_| {}).await }
    });
    let end = Instant::now() + Duration::from_secs(9);
    while Instant::now() < end {
        let begun = Instant::now();
        assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(7));
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        user.order("SELECT 1").await.unwrap();
        sleep(Duration::from_millis(200)).await;
    }
    assert!(!changing.is_finished());
    user.order("COMMIT").await.unwrap();
    assert_eq!(changing.await.unwrap().unwrap().unwrap().to, VERSION + 1);
}

/// A try that gave up leaves an index that is never valid.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_when_those_who_wrote_have_ended() {
    const INDEX: Step = Step {
        what: "marks are found by their value",
        oldest: VERSION,
        acts: &[Act::Index {
            name: "progress_by_value",
            make: "CREATE INDEX CONCURRENTLY progress_by_value ON progress (value)",
        }],
    };
    let Some((server, store)) = scratch().await else { return };
    marks(&store).await;
    let target = Target::parse(&server.url("scratch")).unwrap();
    let writer = Open::to(&target).await.unwrap();
    writer.order("BEGIN; UPDATE progress SET value = value").await.unwrap();
    let changing = tokio::spawn({
        let target = target.clone();
        async move { changes(&target, &[INDEX]).make(|_| {}).await }
    });
    sleep(Duration::from_secs(6)).await;
    assert!(!changing.is_finished());
    writer.order("COMMIT").await.unwrap();
    assert_eq!(changing.await.unwrap().unwrap().unwrap().to, VERSION + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on() {
    let Some((server, store)) = scratch().await else { return };
    store.set_marks(vec![(Mark::GcGrace, 7), (Mark::ScrubStarted, 7)]).await.unwrap();
    let target = Target::parse(&server.url("scratch")).unwrap();
    let failed = changes(&target, &[EXTEND]).make(|_| {}).await.unwrap_err();
    assert!(matches!(&failed, StoreError::Contended(_)), "two marks have one weight: {failed:?}");
    let schema = server.query("scratch", "SELECT schema FROM cluster").unwrap();
    assert_eq!(schema.trim(), VERSION.to_string());
    let broken = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(server.query("scratch", broken).unwrap().trim(), "1");
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(7), "the server goes on");
    store.set_marks(vec![(Mark::ScrubStarted, 9)]).await.unwrap();
    server.query("scratch", "UPDATE progress SET weight = value").unwrap();
    assert_eq!(changes(&target, &[EXTEND]).make(|_| {}).await.unwrap().unwrap().to, VERSION + 1);
    assert_eq!(server.query("scratch", broken).unwrap().trim(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_databases_are_left_as_they_are() {
    let Some((server, store)) = scratch().await else { return };
    let target = Target::parse(&server.url("scratch")).unwrap();
    let later = Changes { target: &target, first: VERSION + 1, steps: &[EXTEND] };
    let refused = later.make(|act| panic!("{act:?}")).await.unwrap_err();
    assert!(refused.to_string().contains("use an earlier release first"), "{refused}");
    assert_eq!(store.trouble(), None);
    let empty = Target::parse(&server.create("empty")).unwrap();
    assert_eq!(Postgres::upgrade(&empty).await.unwrap(), None, "it has no tables");
}

/// Each transaction has another session there, and there are no named statements.
#[tokio::test(flavor = "multi_thread")]
async fn tables_are_changed_through_a_pooler() {
    let Some((server, store)) = scratch().await else { return };
    if postgres::pgbouncer().is_none() {
        return skip("pgbouncer is not installed");
    }
    marks(&store).await;
    let pooler = block_in_place(|| postgres::Bouncer::before(&server, 3));
    let target = Target::parse(&pooler.url("scratch")).unwrap();
    assert_eq!(changes(&target, &[EXTEND]).make(|_| {}).await.unwrap().unwrap().to, VERSION + 1);
    assert_eq!(store.mark(Mark::GcGrace).await.unwrap(), Some(7));
}
