//! Ends of uploads after which nobody knows whose the bytes are: they stay where a row may have them.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_oci::{Algorithm, Digest, Hasher};
use gangplank_server::{Config, Server};
use gangplank_store::blobs::{
    BlobIngester, BlobProvider, BlobStatter, BlobSweeper, BlobWriter, Capacity, Checkpoint, ContentKey,
    Memory, Reading, Space, Staged,
};
use gangplank_store::{Result, StoreError};
use gangplank_testkit::{Api, Registry};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::{KEY, SECRET};

/// What happens in the middle of an end, when the bytes are published.
type Then = Box<dyn Fn(&ContentKey) -> Result<()> + Send + Sync>;

/// A store in memory that notes what is discarded.
#[derive(Default)]
struct Watched {
    memory: Memory,
    discarded: Mutex<Vec<ContentKey>>,
    /// If it is not zero, the store pretends that other processes use it too.
    settles_after: Duration,
    /// How often somebody looked for what was left.
    sweeps: AtomicUsize,
    then: Arc<Mutex<Option<Then>>>,
}

struct Ending {
    writer: Box<dyn BlobWriter>,
    then: Arc<Mutex<Option<Then>>>,
}

#[async_trait]
impl BlobWriter for Ending {
    fn blocks(&self) -> bool {
        self.writer.blocks()
    }

    fn hasher(&self) -> &Hasher {
        self.writer.hasher()
    }

    async fn ready(&mut self) -> Result<()> {
        self.writer.ready().await
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write(bytes)
    }

    fn progress(&mut self) -> Option<Checkpoint> {
        self.writer.progress()
    }

    async fn suspend(self: Box<Self>) -> Result<Checkpoint> {
        self.writer.suspend().await
    }

    async fn commit(self: Box<Self>) -> Result<ContentKey> {
        let key = self.writer.commit().await?;
        self.then.lock().unwrap().as_ref().map_or(Ok(()), |then| then(&key))?;
        Ok(key)
    }
}

#[async_trait]
impl BlobStatter for Watched {
    async fn stat(&self, key: &ContentKey) -> Result<Option<u64>> {
        self.memory.stat(key).await
    }
}

#[async_trait]
impl BlobProvider for Watched {
    async fn read(&self, key: &ContentKey, range: Range<u64>) -> Result<Option<Reading>> {
        self.memory.read(key, range).await
    }
}

#[async_trait]
impl BlobIngester for Watched {
    fn writer(&self, key: &ContentKey, from: &Checkpoint) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Ending { writer: self.memory.writer(key, from)?, then: Arc::clone(&self.then) }))
    }

    async fn vouch(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<Option<Checkpoint>> {
        self.memory.vouch(key, checkpoint).await
    }

    async fn cancel(&self, key: &ContentKey, checkpoint: &Checkpoint) -> Result<()> {
        self.discarded.lock().unwrap().extend(checkpoint.keys.iter().cloned());
        self.memory.cancel(key, checkpoint).await
    }

    fn keeps_checkpoints(&self) -> bool {
        self.memory.keeps_checkpoints()
    }

    async fn cancel_beyond(&self, key: &ContentKey, checkpoint: &Checkpoint, row: &Checkpoint) -> Result<()> {
        self.memory.cancel_beyond(key, checkpoint, row).await
    }
}

#[async_trait]
impl BlobSweeper for Watched {
    fn settles_after(&self) -> Duration {
        self.settles_after
    }

    async fn published(&self, part: u8, older_than: Duration) -> Result<Vec<ContentKey>> {
        self.memory.published(part, older_than).await
    }

    async fn inventory(&self, part: u8) -> Result<Vec<gangplank_store::blobs::Published>> {
        self.memory.inventory(part).await
    }

    async fn staged(&self, older_than: Duration) -> Result<Vec<Staged>> {
        self.sweeps.fetch_add(1, Ordering::Relaxed);
        self.memory.staged(older_than).await
    }

    async fn remove(&self, keys: &[ContentKey]) -> Vec<Result<()>> {
        self.memory.remove(keys).await
    }
}

#[async_trait]
impl Capacity for Watched {
    async fn require(&self, bytes: u64) -> Result<()> {
        self.memory.require(bytes).await
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.memory.space().await
    }
}

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

    /// Uploads ten bytes, and finishes the upload with `last`.
    fn push(&self, last: &[u8]) -> u16 {
        let location = self.registry.start_upload("sr");
        let fed = self.registry.request("PATCH", &location).body(vec![7; 10]).send().unwrap();
        assert_eq!(fed.status(), 202);
        let digest = Digest::of(Algorithm::Sha256, &[&[7; 10], last].concat());
        self.registry.put_blob(&format!("{location}?digest={digest}"), last)
    }
}

/// The commit may have been done, and only its answer be lost. What would be the blob's bytes goes with a row or not at all.
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
    assert!(matches!(world.push(b""), 500 | 503));
    let published = published.lock().unwrap().clone().unwrap();
    assert!(!world.store.discarded.lock().unwrap().contains(&published));
    // The transaction did not happen. So the session's row still names the content, which is removed with the row.
    let end = Instant::now() + Duration::from_secs(10);
    while world.runtime.block_on(world.store.stat(&published)).unwrap().is_some() {
        assert!(Instant::now() < end, "{published} stays");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Another process has ended the session with a blob while this one was not told what became of its bytes.
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
    assert_eq!(world.push(b"last"), 404);
    let key: String = Connection::open(world.rows())
        .unwrap()
        .query_row("SELECT key FROM blobs WHERE digest = 'x'", [], |row| row.get(0))
        .unwrap();
    let key = ContentKey::parse(&key).unwrap();
    assert_eq!(world.runtime.block_on(world.store.stat(&key)).unwrap(), Some(14));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_others_use_too_is_swept_every_day() {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(Watched { settles_after: Duration::from_secs(1), ..Watched::default() });
    let server = Server::start_over(config(&home), Arc::clone(&store) as _).await.unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while store.sweeps.load(Ordering::Relaxed) < 3 {
        tokio::time::advance(Duration::from_hours(1)).await;
        // The test's clock stands still meanwhile.
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(20))).await.unwrap();
        assert!(Instant::now() < end, "{} sweeps", store.sweeps.load(Ordering::Relaxed));
    }
    server.stop().await;
}
