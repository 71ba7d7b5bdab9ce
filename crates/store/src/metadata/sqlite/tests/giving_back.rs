//! The database file shrinks after a collection, in small steps.

use std::time::{Duration, Instant};

use gangplank_core::Time;
use rusqlite::Connection;

use super::scratch;
use super::world::NOW;
use crate::metadata::Collection as _;
use crate::metadata::collection::Collected;
use crate::metadata::sqlite::Sqlite;

const MIB: u64 = 1 << 20;

/// Inserts this many manifests, alternately one of 4 MiB that nothing holds and a small one that is held.
fn fill(db: &Sqlite, manifests: u32) {
    let connection = Connection::open(&db.engine.path).unwrap();
    let rows = format!(
        "PRAGMA synchronous = off;
         BEGIN;
         INSERT INTO tenants VALUES (1, '000000000000', 'us-east-1');
         INSERT INTO repositories VALUES (1, 1, 'sr');
         CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
         INSERT INTO number
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {manifests}) SELECT n FROM n;
         INSERT INTO manifests (id, repository, digest, media_type, is_hung, depth, created_at, leased_at, held,
                                size, body)
         SELECT n, 1, format('sha256:%064x', n), '', 0, 0, 0, 0, n % 2, iif(n % 2, 20000, 4 << 20),
                zeroblob(iif(n % 2, 20000, 4 << 20)) FROM number;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE)"
    );
    connection.execute_batch(&rows).unwrap();
}

fn length(db: &Sqlite, ending: &str) -> u64 {
    let mut path = db.engine.path.clone().into_os_string();
    path.push(ending);
    std::fs::metadata(path).unwrap().len()
}

#[tokio::test]
async fn what_was_collected_is_given_back_in_small_steps() {
    let (_directory, db) = scratch();
    fill(&db, 128);
    let before = length(&db, "");
    assert!(before > 256 * MIB, "{before}");
    let mut collected = Collected::default();
    loop {
        match db.collect(Time(i64::MAX), NOW, 500).await.unwrap() {
            step if step == Collected::default() => break,
            step => collected.add(&step),
        }
    }
    assert_eq!((collected.manifests, collected.bytes), (64, 256 * MIB));
    let (began, mut steps) = (Instant::now(), Vec::new());
    loop {
        let asked = Instant::now();
        let is_more = db.give_back().await.unwrap();
        if !is_more {
            break;
        }
        steps.push(asked.elapsed());
    }
    let took = began.elapsed();
    steps.sort();
    let median = steps[steps.len() / 2];
    println!("{} steps, {median:?}, longest {:?}, {took:?}", steps.len(), steps.last());
    assert!(length(&db, "") < 8 * MIB, "{}", length(&db, ""));
    assert_eq!(length(&db, "-wal"), 0);
    assert!(median < Duration::from_millis(20), "{median:?}");
}
