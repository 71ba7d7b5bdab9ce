//! A database of an earlier schema gets the same schema as a new one, and keeps its rows.
//!
//! `fixtures/schema-3.db` was written by a server of that schema. It contains services with domains and tags,
//! one of them deleted; logins, images, an index, an artifact about an image, an index that holds its own
//! subject, an unfinished upload, and the audit trail of all this. `fixtures/schema-4.sql` made the databases
//! of schema 4; their rows are copied from a database of today.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gangplank_core::{AccountId, EventKind, Owner, ServiceId, Time};
use gangplank_oci::Digest;
use rusqlite::Connection;
use tempfile::TempDir;

use super::scratch;
use super::world::{
    At, Document, NOW, PLENTY, access_key, by, create_login, create_service, delete_service, deploy, here,
    key_id, password, push_login, register, repository, service, service_id, tagged, tenant,
};
use crate::metadata::audit::AuditFilter;
use crate::metadata::container_services::{ServiceChange, ServiceOutcome, ServiceUpdate};
use crate::metadata::deployments::ImageSource;
use crate::metadata::progress::Mark;
use crate::metadata::provenance::Source;
use crate::metadata::registry_logins::LoginLookup;
use crate::metadata::sqlite::Sqlite;
use crate::metadata::{
    AccessKeys as _, AuditTrail as _, ContainerImages as _, ContainerServices as _, Inspection as _,
    Manifests as _, Progress as _, Provenance as _, RegistryLogins as _,
};

const FOUR: &str = include_str!("../../../../tests/fixtures/schema-4.sql");

const BEFORE: &[u8] = include_bytes!("../../../../tests/fixtures/schema-3.db");

fn earlier() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("metadata.sqlite");
    std::fs::write(&path, BEFORE).unwrap();
    (directory, path)
}

/// The SQL of every table and index.
fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut select = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

/// A database of schema 4 with rows in most tables.
async fn four() -> (TempDir, PathBuf) {
    let (_directory, db) = scratch();
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    let login = create_login(&db, push_login(&here(), 1)).await;
    for name in ["web", "gone", "api"] {
        create_service(&db, &here(), name).await;
    }
    let change = ServiceUpdate {
        public_domain_names: Some([("cert".to_owned(), vec!["A.example".to_owned()])].into()),
        is_disabled: Some(true),
        ..ServiceUpdate::default()
    };
    let (by, web) = (by(), service_id(&db, &here(), "web").await);
    db.change_service(&by, &here(), web, ServiceChange::Update(change), PLENTY).await.unwrap();
    delete_service(&db, &here(), "gone", NOW).await;
    let at = At::sr(&db).with(login);
    let image = at.image(&["config", "layer"], &["v1"]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &["v2"]).await;
    at.store(&Document::about(&image, "application/note", &["config"]), &[]).await;
    register(&db, &here(), "web", &index).await;
    register(&db, &here(), "web", &image).await;

    let directory = TempDir::new().unwrap();
    let path = directory.path().join("metadata.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(FOUR).unwrap();
    old.execute("ATTACH ?1 AS today", [db.engine.path.to_str().unwrap()]).unwrap();
    old.execute_batch("DELETE FROM sqlite_sequence; BEGIN").unwrap();
    for table in tables(&old) {
        let columns = columns(&old, &table);
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}");
        old.execute(&copy, []).unwrap();
    }
    old.execute_batch("COMMIT").unwrap();
    old.pragma_update(None, "user_version", 4).unwrap();
    (directory, path)
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY rowid";
    let mut select = connection.prepare(sql).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn columns(connection: &Connection, table: &str) -> String {
    let mut select = connection.prepare("SELECT name FROM pragma_table_info(?1, 'main')").unwrap();
    let names = select.query_map([table], |row| row.get(0)).unwrap();
    let mut names = names.collect::<rusqlite::Result<Vec<String>>>().unwrap();
    // The column `run` of uploads was replaced by others.
    names.retain(|name| name != "run");
    names.join(", ")
}

/// Every row of every table of schema 4, in its columns of that schema.
fn rows(path: &Path, four: &Connection) -> BTreeMap<String, BTreeSet<String>> {
    let connection = Connection::open(path).unwrap();
    let rows = |table: String| {
        let quoted = columns(four, &table).replace(", ", ") || ', ' || quote(");
        let mut select = connection.prepare(&format!("SELECT quote({quoted}) FROM {table}")).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        (table, rows.collect::<rusqlite::Result<_>>().unwrap())
    };
    tables(four).into_iter().map(rows).collect()
}

#[tokio::test]
async fn every_row_of_schema_4_is_carried_over() {
    let (_directory, path) = four().await;
    let shape = Connection::open_in_memory().unwrap();
    shape.execute_batch(FOUR).unwrap();
    let before = rows(&path, &shape);
    let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
    let not_filled = ["blob_puts", "deleted_access_keys", "discarded", "progress", "uploads"];
    assert_eq!(empty, not_filled, "a table that nothing is copied from shows nothing");
    let db = Sqlite::open(&path).unwrap();
    assert_eq!(rows(&path, &shape), before);
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    let key = db.access_key(&key_id(1)).await.unwrap().unwrap();
    assert!(!key.is_limited() && key.description.is_empty() && key.made_by.is_none());
    let LoginLookup::Live(grant) = db.login(&password(1).hash()).await.unwrap() else { panic!("refused") };
    assert!(grant.reach.is_none() && grant.session.is_none());
    let web = db.service(&here(), "web").await.unwrap().unwrap();
    let told = db.image_sources(&here(), web.id, "app", 1).await.unwrap().unwrap();
    let unknown = Source { owner: Owner::server(), session: None, description: None };
    assert_eq!((told.registered, told.puts), (None, vec![unknown]), "who put it was known, and nothing else");
    assert!(web.is_disabled && web.last_version == 0 && !web.is_updating);
    assert_eq!((web.current_version, web.next_version), (None, None));
    // Numbers of deleted rows are not used again.
    create_service(&db, &here(), "new").await;
    assert_eq!(service_id(&db, &here(), "new").await, ServiceId(4));
    let made = deploy(&db, &here(), "new", &[ImageSource::Public]).await;
    assert_eq!(made.next.unwrap().version, 1);
}

#[tokio::test]
async fn a_database_of_schema_4_gets_the_schema_of_a_new_one() {
    let (_new_directory, new) = scratch();
    let (_directory, path) = four().await;
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(schema(&path), schema(&new.engine.path));
    let connection = Connection::open(&path).unwrap();
    assert_eq!(connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 7);
}

#[test]
fn a_database_of_schema_3_gets_the_schema_of_a_new_one() {
    let (_new_directory, new) = scratch();
    let (directory, path) = earlier();
    std::fs::write(directory.path().join("metadata.sqlite.new"), "what a crash left").unwrap();
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(schema(&path), schema(&new.engine.path));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!directory.path().join("metadata.sqlite.new").exists());
    for path in [&path, &new.engine.path] {
        let ask = |pragma: &str| {
            let connection = Connection::open(path).unwrap();
            connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!((ask("auto_vacuum"), ask("user_version")), (2, 7), "2 is incremental");
    }
}

#[tokio::test]
async fn what_was_there_is_there_still() {
    let (_directory, path) = earlier();
    let db = Sqlite::open(&path).unwrap();
    assert_eq!(db.contradictions(Time(i64::MAX - 1_000_000_000)).await.unwrap(), []);

    let services = db.services(&here()).await.unwrap();
    let [api, web] = &services[..] else { panic!("{services:?}") };
    assert_eq!((api.name.as_str(), web.name.as_str()), ("api", "web"));
    assert_eq!(web.tags, [("team".to_owned(), Some("a".to_owned())), ("bare".to_owned(), None)]);
    let domains: Vec<_> = web.public_domain_names.values().flatten().map(String::as_str).collect();
    assert_eq!(domains, ["B.example", "a.example", "c.example"]);
    assert_eq!(db.services(&tenant("000000000000", "eu-central-1")).await.unwrap().len(), 1);

    let keys = db.access_keys(None, None, 1_000).await.unwrap().keys;
    assert_eq!(keys.iter().map(|key| key.is_root).collect::<Vec<_>>(), [false, true]);
    assert!(keys.iter().all(|key| !key.is_limited()));
    let logins = db.logins(&here(), Time(0), None, 1_000).await.unwrap().logins;
    assert_eq!(logins.len(), 3);
    let last_push = logins[2].last_push.unwrap();
    assert_eq!(last_push.address.to_string(), "127.0.0.1");
    assert_eq!(db.open_uploads().await.unwrap()[0].1.received, 14);
    assert!(db.mark(Mark::SteadyTime).await.unwrap().is_some());

    let images = db.images(&here(), web.id).await.unwrap().unwrap();
    assert_eq!(images.iter().map(|it| it.name.to_string()).collect::<Vec<_>>(), [":web.app.2", ":web.app.1"]);
    let at = At::sr(&db);
    assert_eq!(at.tags().await.unwrap(), ["app", "multi", "other"]);
    let child = at.get(&tagged("app")).await.unwrap();
    let digest = Digest::parse(&child.digest).unwrap();
    let by_digest = db.image_manifest_by_digest(&here(), web.id, &digest).await.unwrap();
    assert_eq!(by_digest, Some(child), "it is a part of the index that is registered");
    for (content, is_registered) in
        [("layer one", true), ("shared", true), ("a note", false), ("loose", false)]
    {
        let found = db.image_blob(&here(), web.id, &Digest::sha256(content.as_bytes())).await.unwrap();
        assert_eq!(found.is_some(), is_registered, "{content}");
    }
    let referrers = db.referrers(&here(), &repository("sr"), &digest, None, None, 0).await.unwrap();
    assert_eq!(referrers.page[0].annotations, r#"{"of":"the fixture"}"#);

    let filter = AuditFilter { account: Some(AccountId::root()), ..AuditFilter::default() };
    let events = db.audit_events(&filter, None, 100).await.unwrap().events;
    assert!(events.iter().any(|event| event.kind == EventKind::ServiceDeleted));
    let pushed = events.iter().find(|event| event.kind == EventKind::ManifestPushed).unwrap();
    assert_eq!(pushed.owner.as_ref().map(gangplank_core::Owner::as_str), Some("GPAKFIXTURE000000001"));
    let put_by = Some(pushed.login.unwrap());
    let found = |reference| {
        let db = &db;
        async move { db.manifest(&here(), &repository("sr"), &reference, put_by, None).await.unwrap().is_some() }
    };
    assert!(found(digest.into()).await);
    assert!(!found(tagged("app")).await, "who set a tag was not kept");
    let config = "SELECT count(*), count(DISTINCT manifest) FROM manifest_blobs WHERE is_config = 1";
    let counts = Connection::open(&path)
        .unwrap()
        .query_row(config, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .unwrap();
    assert!(counts.0 > 0 && counts.0 == counts.1, "{counts:?}");
}

#[tokio::test]
async fn numbers_that_were_given_out_are_not_given_out_again() {
    let (_directory, path) = earlier();
    let db = Sqlite::open(&path).unwrap();
    let ServiceOutcome::Done(made) =
        db.create_service(&by(), &here(), service("new"), None, 100).await.unwrap()
    else {
        panic!("refused")
    };
    assert_eq!(made.service.id, ServiceId(5), "four were made before, and one of them was deleted");
}

#[test]
fn a_database_of_another_schema_is_refused_with_what_to_do() {
    for (version, advice) in [(1_000, "use a newer gangplank"), (2, "start the server once")] {
        let (_directory, database) = scratch();
        let path = database.engine.path.clone();
        drop(database);
        Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
        for refusal in [Sqlite::open(&path).err(), Sqlite::open_to_read(&path).err()] {
            let refusal = refusal.unwrap().to_string();
            assert!(refusal.contains(advice) && !refusal.contains("storage failed"), "{refusal}");
        }
    }
}

/// Rows that earlier programs or a fault may have left.
#[tokio::test]
async fn odd_rows_are_carried_over_as_well() {
    let (_directory, path) = earlier();
    let old = Connection::open(&path).unwrap();
    let twice =
        r#"UPDATE services SET public_domain_names = '{"one":["A.example","a.example"]}' WHERE name = 'api'"#;
    old.execute(twice, []).unwrap();
    // The triggers of that schema would repair the fault.
    for (name,) in [("manifest_ended",), ("child_let_go",)] {
        old.execute(&format!("DROP TRIGGER {name}"), []).unwrap();
    }
    assert_eq!(old.execute("UPDATE manifests SET held = 0 WHERE held = 1", []).unwrap(), 5);
    drop(old);
    let db = Sqlite::open(&path).unwrap();
    let api = db.service(&here(), "api").await.unwrap().unwrap();
    // Another service had the name before.
    assert_eq!(api.public_domain_names.values().flatten().count(), 0);
    assert_eq!(db.contradictions(Time(i64::MAX - 1_000_000_000)).await.unwrap(), []);
}
