//! Uploads that end without an answer from the database or the blob store: bytes that a row may name are kept.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_oci::{Algorithm, Digest};
use gangplank_server::{Config, Server};
use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStatter as _, ContentKey};
use gangplank_testkit::{Api, Registry};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::watched::Watched;
use crate::world::{KEY, SECRET};

struct World {
    home: TempDir,
    store: Arc<Watched>,
    runtime: Runtime,
    registry: Registry,
    _server: Server,
}

fn config(home: &TempDir) -> Config {
    let mut config = Config::new(PathBuf::from(home.path()).join("data"));
    config.listen = "127.0.0.1:0".parse().unwrap();
    config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
    config
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (home, store) = (tempfile::tempdir().unwrap(), Arc::new(Watched::default()));
    let server = runtime.block_on(Server::start_over(config(&home), Arc::clone(&store) as _)).unwrap();
    let login =
        Api::new(server.endpoint(), KEY, SECRET).registry_login(&json!({ "scope": ["push", "pull"] }));
    let registry = Registry::new(server.endpoint(), Some(login));
    World { home, store, runtime, registry, _server: server }
}

impl World {
    fn rows(&self) -> PathBuf {
        self.home.path().join("data/gangplank.db")
    }

    /// Uploads ten bytes.
    fn start(&self) -> String {
        let location = self.registry.start_upload("sr");
        let fed = self.registry.request("PATCH", &location).body(vec![7; 10]).send().unwrap();
        assert_eq!(fed.status(), 202);
        location
    }

    /// Ends the upload with these further bytes.
    fn end(&self, location: &str, last: &[u8]) -> u16 {
        let digest = Digest::of(Algorithm::Sha256, &[&[7; 10], last].concat());
        self.registry.put_blob(&format!("{location}?digest={digest}"), last)
    }
}

/// The answer to a commit may be lost although the commit was done. Bytes that the blob may have are only
/// discarded together with a row.
#[test]
fn what_may_be_a_blob_by_now_is_not_discarded() {
    let world = world();
    let rows = Connection::open(world.rows()).unwrap();
    let fails = "CREATE TRIGGER fails BEFORE INSERT ON blobs BEGIN SELECT RAISE(ABORT, 'of the test'); END";
    rows.execute_batch(fails).unwrap();
    let published = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&published);
    *world.store.then.lock().unwrap() = Some(Box::new(move |key| {
        *noted.lock().unwrap() = Some(key.clone());
        Ok(())
    }));
    let location = world.start();
    assert_eq!(world.end(&location, b""), 503);
    let published = published.lock().unwrap().clone().unwrap();
    assert!(!world.store.discarded.lock().unwrap().contains(&published));
    // Here the commit was not done, so the row of the session still has the bytes, and the session continues.
    assert!(world.runtime.block_on(world.store.stat(&published)).unwrap().is_some());
    rows.execute_batch("DROP TRIGGER fails").unwrap();
    assert_eq!(world.end(&location, b""), 201);
    assert!(world.runtime.block_on(world.store.stat(&published)).unwrap().is_some());
}

/// Another process ended the session and stored a blob, while this process got no answer about the bytes.
#[test]
fn what_another_process_has_made_a_blob_stays() {
    let world = world();
    let rows = world.rows();
    *world.store.then.lock().unwrap() = Some(Box::new(move |key| {
        let rows = Connection::open(&rows).unwrap();
        rows.busy_timeout(Duration::from_secs(5)).unwrap();
        let insert = "INSERT INTO blobs (tenant, digest, size, key) SELECT tenant, 'x', 14, ?1 FROM uploads";
        assert_eq!(rows.execute(insert, [key.as_str()]).unwrap(), 1);
        rows.execute_batch("DELETE FROM upload_keys; DELETE FROM uploads").unwrap();
        Err(StoreError::unavailable("nobody answers"))
    }));
    assert_eq!(world.end(&world.start(), b"last"), 404);
    let key: String = Connection::open(world.rows())
        .unwrap()
        .query_row("SELECT key FROM blobs WHERE digest = 'x'", [], |row| row.get(0))
        .unwrap();
    let key = ContentKey::parse(&key).unwrap();
    assert_eq!(world.runtime.block_on(world.store.stat(&key)).unwrap(), Some(14));
}
