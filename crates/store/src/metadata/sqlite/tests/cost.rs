//! The cost of collection depends on the garbage, not on the size of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gangplank_core::Time;
use rusqlite::Connection;

use super::scratch;
use crate::metadata::collection::Collected;
use crate::metadata::rules::{collection, garbage};
use crate::metadata::sqlite::Transaction;

/// Fills a database with images of ten blobs each. All but the first `garbage` images are registered.
fn fill(connection: &Connection, images: u64, garbage: u64) {
    let blobs = images * 10;
    let rows = format!(
        "PRAGMA synchronous = off;
         BEGIN;
         INSERT INTO tenants VALUES (1, '000000000000', 'us-east-1');
         INSERT INTO services (id, tenant, name, uuid, power, scale, is_disabled, puller_role_active, tags, created_at)
         VALUES (1, 1, 'web', '', 'nano', 1, 0, 0, '[]', 0);
         INSERT INTO repositories VALUES (1, 1, 'sr');
         CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
         INSERT INTO number
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {blobs}) SELECT n FROM n;
         INSERT INTO blobs (id, tenant, digest, size, key)
         SELECT n, 1, format('sha256:%064x', n), 10, format('%032x', n) FROM number;
         INSERT INTO manifests (id, repository, digest, media_type, is_hung, depth, created_at, leased_at, held, size, body)
         SELECT n, 1, format('sha256:f%063x', n), '', 0, 0, 0, 0, n > {garbage}, 1, x'00' FROM number
         WHERE n <= {images};
         INSERT INTO manifest_blobs (repository, digest, manifest, is_config)
         SELECT 1, format('sha256:%064x', n), (n - 1) / 10 + 1, 0 FROM number;
         INSERT INTO container_images (service, number, label, manifest, digest, created_at)
         SELECT 1, n, 'app', n, format('sha256:f%063x', n), 0 FROM number WHERE n > {garbage} AND n <= {images};
         INSERT INTO blob_links (repository, blob, leased_at, held) SELECT 1, n, n, 1 FROM number;
         COMMIT;"
    );
    connection.execute_batch(&rows).unwrap();
}

/// How many steps of SQLite's virtual machine it takes to find the garbage, and to collect it.
fn steps(images: u64, garbage: u64) -> (u64, u64) {
    let (_directory, db) = scratch();
    let mut connection = Connection::open(&db.engine.path).unwrap();
    fill(&connection, images, garbage);
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let note = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(note)).unwrap();
    let announced = garbage::find(&Transaction(&connection), Time(i64::MAX)).unwrap().len() as u64;
    let to_find = count.swap(0, Ordering::Relaxed);
    let mut collected = Collected::default();
    loop {
        let step = collection::step(&Transaction(&connection), Time(i64::MAX), Time(0), 500).unwrap();
        if step == Collected::default() {
            break;
        }
        collected.add(&step);
    }
    assert_eq!((collected.manifests, collected.blobs), (garbage, garbage * 10));
    assert_eq!(announced, garbage * 11);
    (to_find, count.load(Ordering::Relaxed))
}

#[test]
fn a_cycle_reads_the_garbage_and_not_the_store() {
    let (small, large) = (steps(110, 100), steps(4_000, 100));
    for (name, small, large) in [("finding", small.0, large.0), ("collecting", small.1, large.1)] {
        assert!(large < small + small / 10, "{name}: {small} steps, and in a large store {large}");
    }
    let (to_find, to_collect) = steps(4_000, 0);
    assert!(to_find < 500 && to_collect < 500, "no garbage: {to_find} and {to_collect} steps");
}
