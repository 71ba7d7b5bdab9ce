//! Upgrades of database files that programs of earlier schemas wrote. The rows stay, and a copy of the earlier
//! file is kept.
//!
//! A new schema adds a file of the schema before it to `DATABASES`. `fixtures/schema-5.db` was written by a
//! server. It contains keys and roles, one of each deleted, their sessions and logins, services, one disabled
//! and one deleted, an image, an index and a note about it, registrations, deployments, metrics, an unfinished
//! upload, and the audit trail of all this. The program of schema 6 made its file from this file, and added a
//! console login and a console link.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use gangplank_core::Time;
use rusqlite::Connection;
use tempfile::TempDir;

use super::scratch;
use crate::durable_file::remove_if_there;
use crate::metadata::Inspection as _;
use crate::metadata::sqlite::new_file::beside;
use crate::metadata::sqlite::{Sqlite, schema};

/// Files of earlier schemas to which tables and columns were only added since.
const DATABASES: [(i64, &[u8]); 2] = [
    (5, include_bytes!("../../../../tests/fixtures/schema-5.db")),
    (6, include_bytes!("../../../../tests/fixtures/schema-6.db")),
];

/// A file of the schema whose tables have another meaning.
const THREE: &[u8] = include_bytes!("../../../../tests/fixtures/schema-3.db");

fn file_of(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("gangplank.db");
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut select = connection.prepare(sql).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn tables(connection: &Connection) -> Vec<String> {
    texts(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'sqlite_sequence'")
}

/// Every row of every table, in those columns of `shape` that still exist.
fn rows(path: &Path, shape: &Connection) -> BTreeMap<String, BTreeSet<String>> {
    let connection = Connection::open(path).unwrap();
    let of = |table: String| {
        let mut columns = texts(shape, &format!("SELECT name FROM pragma_table_info('{table}')"));
        columns.retain(|column| (table.as_str(), column.as_str()) != ("uploads", "run"));
        let quoted = columns.join(") || ', ' || quote(");
        let found = texts(&connection, &format!("SELECT quote({quoted}) FROM {table}"));
        (table, found.into_iter().collect())
    };
    tables(shape).into_iter().map(of).collect()
}

fn schema_of(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    texts(&connection, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
}

fn kept_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("gangplank.db.before-{}", schema::VERSION))
}

#[tokio::test]
async fn a_database_of_every_schema_keeps_its_rows() {
    let (_new_directory, new) = scratch();
    for (version, bytes) in DATABASES {
        let (_shape_directory, shape) = file_of(bytes);
        let shape = Connection::open(&shape).unwrap();
        assert_eq!(schema::of(&shape).unwrap(), version);
        let (_directory, path) = file_of(bytes);
        let before = rows(&path, &shape);
        let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).map(|(name, _)| name).collect();
        assert!(empty.is_empty(), "a table that nothing is copied from shows nothing: {empty:?}");
        let db = Sqlite::open(&path).unwrap();
        assert_eq!(rows(&path, &shape), before, "schema {version}");
        assert_eq!(schema_of(&path), schema_of(&new.engine.path), "schema {version}");
        assert_eq!(db.contradictions(Time(i64::MAX - 1_000_000_000)).await.unwrap(), [], "schema {version}");
        drop(db);
        assert_eq!(kept_beside(&path).exists(), version < schema::VERSION);
    }
}

#[test]
fn the_database_before_is_kept_and_can_take_its_place_again() {
    let (_used_directory, used) = file_of(THREE);
    let shape = Connection::open(&used).unwrap();
    shape.pragma_update(None, "journal_mode", "wal").unwrap();
    shape.execute("UPDATE services SET scale = 7 WHERE name = 'web'", []).unwrap();
    let before = rows(&used, &shape);
    // The files as after a crash: some rows are only in the log.
    let (_directory, path) = file_of(&fs::read(&used).unwrap());
    fs::copy(beside(&used, "-wal"), beside(&path, "-wal")).unwrap();
    drop(shape);
    drop(Sqlite::open(&path).unwrap());
    let kept = kept_beside(&path);
    assert_eq!(rows(&kept, &Connection::open(&kept).unwrap()), before);
    assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);

    // The older file is put back. A second upgrade replaces the file that the first one kept.
    fs::copy(&kept, &path).unwrap();
    for ending in ["-wal", "-shm"] {
        remove_if_there(&beside(&path, ending)).unwrap();
    }
    Connection::open(&path).unwrap().execute("UPDATE services SET scale = 8 WHERE name = 'web'", []).unwrap();
    drop(Sqlite::open(&path).unwrap());
    let scale = |path: &Path| {
        texts(
            &Connection::open(path).unwrap(),
            "SELECT DISTINCT quote(scale) FROM services WHERE name = 'web'",
        )
    };
    assert_eq!((scale(&kept), scale(&path)), (vec!["8".to_owned()], vec!["8".to_owned()]));
}

#[test]
fn a_crash_between_the_two_names_is_made_good_by_the_next_start() {
    let (directory, path) = file_of(THREE);
    let kept = kept_beside(&path);
    fs::hard_link(&path, &kept).unwrap();
    fs::hard_link(&path, directory.path().join(format!("{}.new", kept.display()))).unwrap();
    fs::write(path.with_file_name("gangplank.db.new"), "half a database").unwrap();
    drop(Sqlite::open(&path).unwrap());
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    // The log files may still exist, because another thread closes the database.
    names.retain(|name| {
        !name.to_string_lossy().ends_with("-wal") && !name.to_string_lossy().ends_with("-shm")
    });
    assert_eq!(names, [path.file_name().unwrap(), kept.file_name().unwrap()]);
    assert_eq!(schema::of(&Connection::open(&kept).unwrap()).unwrap(), 3);
    assert_eq!(schema::of(&Connection::open(&path).unwrap()).unwrap(), schema::VERSION);
}

#[test]
fn those_who_are_no_server_upgrade_nothing() {
    let (directory, path) = file_of(THREE);
    for refusal in [Sqlite::open_at_this_schema(&path).err(), Sqlite::open_to_read(&path).err()] {
        let refusal = refusal.unwrap().to_string();
        for word in ["schema 3", &format!("schema {}", schema::VERSION), "start the server once"] {
            assert!(refusal.contains(word), "{refusal}");
        }
    }
    assert_eq!(fs::read(&path).unwrap(), THREE);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
