//! A database of an older program becomes the same as a new one, and keeps what it has.

use rusqlite::Connection;

use super::super::{MIGRATIONS, Sqlite};
use super::scratch;
use super::world::{access_key, here, key_id};
use crate::metadata::AccessKeys as _;

/// Every table and index, as it is declared.
fn schema(path: &std::path::Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut select = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

#[tokio::test]
async fn a_database_of_any_older_schema_becomes_the_newest() {
    let (_directory, new) = scratch();
    let newest = schema(&new.path);
    for taken in 1..MIGRATIONS.len() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("metadata.sqlite");
        let old = Connection::open(&path).unwrap();
        for step in &MIGRATIONS[..taken] {
            old.execute_batch(step).unwrap();
        }
        old.pragma_update(None, "user_version", i64::try_from(taken).unwrap()).unwrap();
        let key = "INSERT INTO access_keys VALUES (?1, ?2, x'00', 0, 1, 1)";
        old.execute(key, [key_id(1).as_str(), here().account.as_str()]).unwrap();
        drop(old);
        let opened = Sqlite::open(&path).unwrap();
        assert_eq!(schema(&path), newest, "from schema {taken}");
        assert!(opened.access_key(&key_id(1)).await.unwrap().is_some());
        assert!(!opened.insert_access_key(access_key(&here(), 1)).await.unwrap());
    }
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let (_directory, database) = scratch();
    let path = database.path.clone();
    drop(database);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refusal = Sqlite::open(&path).err().unwrap().to_string();
    assert!(refusal.contains("use a newer gangplank"), "{refusal}");
}
