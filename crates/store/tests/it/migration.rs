//! Rows that move from SQLite to PostgreSQL and back are the same rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gangplank_core::ServiceId;
use gangplank_store::StoreError;
use gangplank_store::blobs::ContentKey;
use gangplank_store::coordination::Work;
use gangplank_store::metadata::access_keys::NewState;
use gangplank_store::metadata::blobs::NewBlob;
use gangplank_store::metadata::container_services::{ServiceChange, ServiceUpdate};
use gangplank_store::metadata::deployments::ImageSource;
use gangplank_store::metadata::inspection::KeptContent;
use gangplank_store::metadata::metric_points::Sample;
use gangplank_store::metadata::migration::{Bytes, Changes, Move, Other};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::registry_logins::LoginLookup;
use gangplank_store::metadata::{
    Inspection as _, Metadata, Postgres, Progress as _, RegistryLogins as _, Sqlite, Target,
};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::backends::{Scratch, empty_postgres};
use crate::metadata::console_logins::{new_console_login, new_link};
use crate::world::{
    At, Document, NOW, PLENTY, access_key, activate, blob, by, by_key, by_session, change_key, create_login,
    create_role, create_service, create_session, delete_service, deploy, here, key_id, new_role, password,
    push_login, register, registered, service_id, session_login, tenant,
};

/// The other place, as both places record it.
fn other() -> Other {
    Other { number: 7, place: "the other place".to_owned() }
}

fn changes(bytes: Bytes) -> Changes {
    Changes { bytes, damaged: Vec::new() }
}

fn target(url: &str) -> Target {
    Target::parse(url).unwrap()
}

/// Moves a database file into an empty database.
async fn there(path: &Path, url: &str) -> Postgres {
    let store = Postgres::arriving(target(url), &other()).await.unwrap();
    store.take_rows(path, &other(), &changes(Bytes::Bucket)).await.unwrap();
    store.end_arrival().await.unwrap();
    drop(store);
    Postgres::connect(target(url)).await.unwrap()
}

/// Moves a database into a new file.
async fn back(url: &str, path: &Path) {
    let store = Postgres::leaving(target(url)).await.unwrap();
    let idle = store.require_idle().await.unwrap();
    store.give_rows(path, &changes(Bytes::Folder), idle).await.unwrap();
    store.note_moved(&other(), idle).await.unwrap();
}

/// A store that moves to the other kind of database each time it is opened again.
pub(crate) struct Wandering {
    directory: TempDir,
    count: u32,
    store: Option<Box<dyn Metadata>>,
    url: Option<String>,
    /// The databases that were used, to remove them at the end.
    used: Vec<(&'static gangplank_testkit::Postgres, String)>,
}

impl Wandering {
    /// `None` if PostgreSQL is not installed.
    pub(crate) fn new() -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let used = vec![empty_postgres()?];
        let mut wandering = Self { directory, count: 0, store: None, url: None, used };
        wandering.store = Some(Box::new(Sqlite::open(&wandering.path()).unwrap()));
        Some(wandering)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(format!("{}.sqlite", self.count))
    }
}

impl Scratch for Wandering {
    fn metadata(&self) -> &dyn Metadata {
        self.store.as_deref().unwrap()
    }

    fn reopen(&mut self) {
        drop(self.store.take());
        if let Some(url) = self.url.take() {
            self.count += 1;
            let path = self.path();
            block_in_place(|| Handle::current().block_on(back(&url, &path)));
            self.store = Some(Box::new(Sqlite::open(&path).unwrap()));
            return;
        }
        let (server, name) = empty_postgres().unwrap();
        let url = server.url(&name);
        self.used.push((server, name));
        let path = self.path();
        let moved = block_in_place(|| Handle::current().block_on(there(&path, &url)));
        self.store = Some(Box::new(moved));
        self.url = Some(url);
    }
}

impl Drop for Wandering {
    fn drop(&mut self) {
        drop(self.store.take());
        for (server, name) in &self.used {
            server.remove(name);
        }
    }
}

/// Fills every table that is copied.
async fn fill(db: &dyn Metadata) {
    let tenant_one = here();
    for number in [1, 2, 7] {
        db.insert_access_key(&by(), access_key(&tenant_one, number), PLENTY).await.unwrap();
    }
    change_key(db, None, &key_id(2), NewState::Deleted).await;
    let role = create_role(db, &tenant_one, "push").await;
    create_session(db, &role, 9).await;
    db.insert_role(&by_key(7), new_role(&tenant_one, "gone"), PLENTY).await.unwrap();
    db.delete_role(&by(), &tenant_one.account, &crate::world::role_name("gone")).await.unwrap();
    let login = create_login(db, push_login(&tenant_one, 1)).await;
    create_login(db, session_login(&tenant_one, &role, 9)).await;
    for name in ["web", "gone"] {
        create_service(db, &tenant_one, name).await;
    }
    create_service(db, &tenant("123456789012", "eu-central-1"), "web").await;
    let web = service_id(db, &tenant_one, "web").await;
    let names = Some([("cert".to_owned(), vec!["A.example".to_owned()])].into());
    let change = ServiceUpdate { public_domain_names: names, ..ServiceUpdate::default() };
    db.change_service(&by(), &tenant_one, web, ServiceChange::Update(change), PLENTY).await.unwrap();
    delete_service(db, &tenant_one, "gone", NOW).await;
    let at = At::sr(db).with(login);
    let image = at.image(&["config", "layer"], &["v1"]).await;
    let small = NewBlob { put_by: Some(login), ..blob("own", ContentKey::unused()) };
    db.add_blob(&tenant_one, &at.repository, small, NOW).await.unwrap();
    let index = Document::index(&[&image]);
    at.store(&index, &["v2"]).await;
    at.store(&Document::about(&image, "application/note", &["config"]), &[]).await;
    let at = At { by: by_session(&role, 9), ..At::sr(db) };
    at.image(&["config", "other layer"], &["job"]).await;
    register(db, &tenant_one, "web", &index).await;
    register(db, &tenant_one, "web", &image).await;
    deploy(db, &tenant_one, "web", &[registered(None), ImageSource::Public]).await;
    activate(db, &tenant_one, "web").await;
    let next = deploy(db, &tenant_one, "web", &[registered(Some(1))]).await;
    let (version, rollout) = (next.next.unwrap().version, next.rollout.unwrap());
    db.note_step(web, version, rollout).await.unwrap();
    db.add_samples(NOW, vec![Sample { service: web, processor: 12.5, memory: 0.1 }]).await.unwrap();
    db.insert_console_link(&by(), new_link(1)).await.unwrap();
    db.insert_console_login(&by(), new_console_login(1, 1)).await.unwrap();
    db.set_marks(vec![(Mark::SteadyTime, NOW.0), (Mark::GcGrace, 5), (Mark::ContentFolder, 7)])
        .await
        .unwrap();
}

/// All rows of a database file, by table.
fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let texts = |sql: &str, table: &str| -> Vec<String> {
        let mut select = connection.prepare(sql).unwrap();
        let with: &[&str] = if sql.contains("?1") { &[table] } else { &[] };
        let rows = select.query_map(rusqlite::params_from_iter(with), |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let tables = texts("SELECT name FROM sqlite_schema WHERE type = 'table'", "");
    let of = |table: String| {
        let mut columns = texts("SELECT name FROM pragma_table_info(?1)", &table);
        for column in &mut columns {
            *column = format!("quote({column})");
        }
        let mut rows = texts(&format!("SELECT {} FROM {table}", columns.join(" || ', ' || ")), "");
        rows.sort();
        (table, rows)
    };
    tables.into_iter().map(of).collect()
}

/// The tables whose rows stay behind.
const STAY: [&str; 3] = ["discarded", "upload_keys", "uploads"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_moves_there_and_back() {
    let Some((server, name)) = empty_postgres() else { return };
    let url = server.url(&name);
    let directory = TempDir::new().unwrap();
    let (first, second) = (directory.path().join("first.db"), directory.path().join("second.db"));
    let db = Sqlite::open(&first).unwrap();
    fill(&db).await;
    drop(db);
    let mut before = rows(&first);
    before.retain(|table, _| !STAY.contains(&table.as_str()));
    let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
    assert_eq!(empty, Vec::<&String>::new(), "a table that nothing is copied from shows nothing");

    let store = there(&first, &url).await;
    assert_eq!(store.contradictions(NOW).await.unwrap(), []);
    assert_eq!(store.mark(Mark::ContentBucket).await.unwrap(), Some(1));
    assert_eq!(server.query(&name, "SELECT steady_time FROM cluster").unwrap(), NOW.0.to_string());
    let LoginLookup::Live(_) = store.login(&password(1).hash()).await.unwrap() else { panic!("refused") };
    drop(store);

    back(&url, &second).await;
    let mut after = rows(&second);
    for table in STAY {
        assert_eq!(after.remove(table), Some(Vec::new()), "{table}");
    }
    assert_eq!(after, before);
    assert_eq!(Sqlite::open(&second).unwrap().contradictions(NOW).await.unwrap(), []);
    server.remove(&name);
}

/// The newest row of a table may have been deleted. Its number is not used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_in_both_directions() {
    let Some((server, name)) = empty_postgres() else { return };
    let url = server.url(&name);
    let directory = TempDir::new().unwrap();
    let (first, second) = (directory.path().join("first.db"), directory.path().join("second.db"));
    let db = Sqlite::open(&first).unwrap();
    for name in ["one", "two"] {
        create_service(&db, &here(), name).await;
    }
    delete_service(&db, &here(), "two", NOW).await;
    drop(db);
    let store = there(&first, &url).await;
    for name in ["three", "four"] {
        create_service(&store, &here(), name).await;
    }
    assert_eq!(service_id(&store, &here(), "three").await, ServiceId(3));
    delete_service(&store, &here(), "four", NOW).await;
    drop(store);
    back(&url, &second).await;
    let db = Sqlite::open(&second).unwrap();
    create_service(&db, &here(), "five").await;
    assert_eq!(service_id(&db, &here(), "five").await, ServiceId(5));
    create_service(&db, &tenant("123456789012", "eu-central-1"), "six").await;
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    server.remove(&name);
}

fn refused(opened: Result<Postgres, StoreError>) -> String {
    opened.map(drop).unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_serves_what_has_half_come_or_has_gone() {
    let Some((server, name)) = empty_postgres() else { return };
    let url = server.url(&name);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("first.db");
    let db = Sqlite::open(&path).unwrap();
    fill(&db).await;
    drop(db);
    let store = Postgres::arriving(target(&url), &other()).await.unwrap();
    let said = refused(Postgres::connect(target(&url)).await);
    assert!(said.contains("from the other place to this database is not finished"), "{said}");
    let stranger = Other { number: 8, place: "a stranger".to_owned() };
    let said = refused(Postgres::arriving(target(&url), &stranger).await);
    assert!(said.contains("from the other place"), "{said}");
    // A second try begins with the rows of the first.
    for _ in 0..2 {
        let store = Postgres::arriving(target(&url), &other()).await.unwrap();
        let damaged = store.contents(0, 1).await.unwrap().into_iter().map(|content: KeptContent| content.key);
        let damaged: Vec<ContentKey> = damaged.collect();
        let is_second = !damaged.is_empty();
        let changes = Changes { damaged: damaged.clone(), ..changes(Bytes::Bucket) };
        store.take_rows(&path, &other(), &changes).await.unwrap();
        assert_eq!(store.moving().await.unwrap(), Some(Move::Arrived(other())));
        if is_second {
            let first = store.contents(0, 1).await.unwrap().remove(0);
            assert!(first.damaged && damaged.contains(&first.key));
        }
    }
    assert!(refused(Postgres::connect(target(&url)).await).contains("not finished"));
    store.end_arrival().await.unwrap();
    drop(store);
    let used = Postgres::connect(target(&url)).await.unwrap();
    let said = refused(Postgres::arriving(target(&url), &other()).await);
    assert!(said.contains("not empty"), "{said}");

    let claim = used.coordinator();
    let held = claim.claim(&Work::Collection, "a server", Duration::from_secs(30)).await.unwrap();
    let store = Postgres::leaving(target(&url)).await.unwrap();
    let said = store.require_idle().await.unwrap_err().to_string();
    assert!(said.contains("a server uses the database"), "{said}");
    claim.release(held.as_ref().unwrap()).await.unwrap();
    let before = store.require_idle().await.unwrap();
    let held = claim.claim(&Work::Collection, "a server", Duration::from_secs(30)).await.unwrap();
    claim.release(held.as_ref().unwrap()).await.unwrap();
    let file = directory.path().join("second.db");
    let said = store.give_rows(&file, &changes(Bytes::Folder), before).await.unwrap_err().to_string();
    assert!(said.contains("a server") && !file.exists(), "a server was here meanwhile: {said}");
    assert!(store.note_moved(&other(), before).await.is_err());
    let idle = store.require_idle().await.unwrap();
    store.give_rows(&file, &changes(Bytes::Folder), idle).await.unwrap();
    store.note_moved(&other(), idle).await.unwrap();
    let said = refused(Postgres::connect(target(&url)).await);
    assert!(said.contains("has moved to the other place"), "{said}");
    server.remove(&name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_copied_leaves_nothing() {
    let Some((server, name)) = empty_postgres() else { return };
    let url = server.url(&name);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("first.db");
    let db = Sqlite::open(&path).unwrap();
    fill(&db).await;
    drop(db);
    let broken = "UPDATE blobs SET digest = 'sha256:none' WHERE id = 2";
    Connection::open(&path).unwrap().execute(broken, []).unwrap();
    let store = Postgres::arriving(target(&url), &other()).await.unwrap();
    let error = store.take_rows(&path, &other(), &changes(Bytes::Bucket)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged(_)) && error.to_string().contains("of blobs"), "{error}");
    assert_eq!(store.content_totals(0).await.unwrap().count, 0);
    assert_eq!(store.moving().await.unwrap(), Some(Move::Arriving(other())));
    server.remove(&name);
}

#[test]
fn the_place_of_a_database_is_told_without_its_password() {
    let target =
        target("postgres://someone:secret@one.example:6000,two.example/rows?prepared-statements=false");
    assert_eq!(target.to_string(), "postgres://one.example:6000,two.example/rows");
    assert!(!format!("{target:?}").contains("secret"));
    assert_eq!(self::target("postgres://someone@127.0.0.1").to_string(), "postgres://127.0.0.1/someone");
}
