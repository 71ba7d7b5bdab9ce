//! Tests that need internals of the store: caches, races, snapshots, query plans.

mod caches;
mod closure;
mod cost;
mod deployment_holds;
mod giving_back;
mod long_reads;
pub(in crate::metadata) mod plans;
mod races;
mod schema;
mod sources;
mod turns;
mod upgrades;
#[path = "../../../../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests beside the crate use more of it")]
pub(in crate::metadata) mod world;

use super::Sqlite;

/// A database in a directory that is deleted after the test.
pub(in crate::metadata) fn scratch() -> (tempfile::TempDir, Sqlite) {
    let directory = tempfile::TempDir::new().unwrap();
    let database = Sqlite::open(&directory.path().join("metadata.sqlite")).unwrap();
    (directory, database)
}
