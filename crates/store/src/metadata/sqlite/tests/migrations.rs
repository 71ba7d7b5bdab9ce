//! A database of an older program becomes the same as a new one, and keeps what it has.

use gangplank_core::Time;
use rusqlite::Connection;

use super::super::{MIGRATIONS, Sqlite};
use super::scratch;
use super::world::{At, Document, NOW, access_key, create_service, here, key_id, register};
use crate::metadata::collection::Collected;
use crate::metadata::progress::Mark;
use crate::metadata::{AccessKeys as _, Collection as _, Progress as _};

/// Every table, index, view and trigger, as it is declared.
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

/// What was pushed and registered with the first schema is held and leased by the rules of today.
#[tokio::test]
async fn what_was_there_is_held_as_it_should_be() {
    let (directory, db) = scratch();
    create_service(&db, &here(), "web").await;
    let at = At::sr(&db);
    let image = at.image(&["config", "layer"], &[]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    at.store(&Document::about(&image, "application/note", &["config"]), &[]).await;
    register(&db, &here(), "web", &index).await;
    at.image(&["config", "of another"], &["latest"]).await;
    at.add("loose").await;
    drop(db);

    // The same rows in a database of the first schema.
    let path = directory.path().join("old.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(MIGRATIONS[0]).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let new = directory.path().join("metadata.sqlite");
    old.execute("ATTACH ?1 AS new", [new.to_str().unwrap()]).unwrap();
    for table in [
        "tenants",
        "services",
        "repositories",
        "blobs",
        "blob_links",
        "manifests",
        "manifest_blobs",
        "manifest_children",
        "tags",
        "container_images",
    ] {
        let columns: String = {
            let sql = format!("SELECT group_concat(name) FROM main.pragma_table_info('{table}')");
            old.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        old.execute(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"), [])
            .unwrap();
    }
    drop(old);

    let db = Sqlite::open(&path).unwrap();
    assert_eq!(db.mark(Mark::SteadyTime).await.unwrap(), Some(NOW.0));
    assert_eq!(
        db.collect(NOW.minus(std::time::Duration::from_millis(1)), NOW, 99).await.unwrap(),
        Collected::default()
    );
    let mut all = Collected::default();
    for _ in 0..3 {
        all.add(&db.collect(Time(NOW.0), NOW, 99).await.unwrap());
    }
    assert_eq!((all.manifests, all.blobs), (1, 2));
    assert!(At::sr(&db).holds("layer").await);
}
