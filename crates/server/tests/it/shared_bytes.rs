//! Orphans and damage in a store of bytes that several processes may use.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_oci::Algorithm;
use gangplank_server::{Config, Server};
use gangplank_store::blobs::{
    BlobIngester as _, BlobStatter as _, BlobSweeper as _, Checkpoint, ContentKey, Memory, Owner,
};
use gangplank_store::identity::Identity;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::{Mode, StoreConfig};
use gangplank_testkit::{Api, Blob, Registry};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{KEY, SECRET, SOON};

/// The age at which content may count as an orphan.
const SOON_SETTLED: Duration = Duration::from_millis(30);

const SWEEP: [Mark; 2] = [Mark::SweptPart, Mark::SweepDue];

struct World {
    home: TempDir,
    blobs: Arc<Memory>,
    window: Duration,
}

impl World {
    /// The store of a server that has run already.
    async fn new(settles_after: Duration, window: Duration) -> Self {
        let blobs = Arc::new(Memory::default().shared(settles_after));
        let world = Self { home: tempfile::tempdir().unwrap(), blobs, window };
        world.start().await.stop().await;
        world
    }

    async fn start(&self) -> Server {
        let mut config = Config::new(self.home.path().join("data"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
        config.collection.restore_window = Some(self.window);
        Server::start_over(config, Arc::clone(&self.blobs) as _).await.unwrap()
    }

    async fn rows(&self, mode: Mode) -> Arc<dyn Metadata> {
        StoreConfig::local(&self.home.path().join("data"), mode).rows().await.unwrap().metadata
    }

    /// Starts a server that checks the part with this key at once.
    async fn look(&self, key: &ContentKey, [part, due]: [Mark; 2]) -> Server {
        self.rows(Mode::Offline).await.set_marks(vec![(part, key.part().into()), (due, 0)]).await.unwrap();
        self.start().await
    }

    /// Waits until the look is over.
    async fn looked(&self, [_, due]: [Mark; 2]) {
        soon(async || self.rows(Mode::Read).await.mark(due).await.unwrap() != Some(0)).await;
    }

    /// Publishes content under a key, without a row.
    async fn publish(&self, key: &ContentKey) {
        let mut writer = self.blobs.writer(key, &Checkpoint::beginning(Algorithm::Sha256)).unwrap();
        writer.ready().await.unwrap();
        writer.write(b"orphan").unwrap();
        assert_eq!(writer.commit().await.unwrap(), *key);
        tokio::time::sleep(SOON_SETTLED).await;
    }

    async fn is_there(&self, key: &ContentKey) -> bool {
        self.blobs.stat(key).await.unwrap().is_some()
    }
}

async fn soon(is_so: impl AsyncFn() -> bool) {
    let end = Instant::now() + SOON;
    while !is_so().await {
        assert!(Instant::now() < end, "it does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A key that was made an hour ago.
fn old_key() -> ContentKey {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let made = now.saturating_sub(Duration::from_hours(1));
    let made = uuid::Timestamp::from_unix(uuid::NoContext, made.as_secs(), 0);
    ContentKey::parse(&uuid::Uuid::new_v7(made).simple().to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_content_without_a_row_is_removed() {
    let world = World::new(SOON_SETTLED, Duration::ZERO).await;
    let key = old_key();
    world.publish(&key).await;
    world.start().await.stop().await;
    assert!(world.is_there(&key).await, "a start removes nothing");
    let server = world.look(&key, SWEEP).await;
    soon(async || !world.is_there(&key).await).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_restore_window_holds_for_orphans() {
    let world = World::new(SOON_SETTLED, Duration::from_hours(24)).await;
    let key = old_key();
    world.publish(&key).await;
    let server = world.look(&key, SWEEP).await;
    world.looked(SWEEP).await;
    server.stop().await;
    assert_eq!(world.rows(Mode::Read).await.unknown_content(vec![key.clone()]).await.unwrap(), []);
    // The content is not to be removed yet.
    let server = world.start().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(world.is_there(&key).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_of_the_bytes_removes_any() {
    let world = World::new(SOON_SETTLED, Duration::ZERO).await;
    let key = old_key();
    world.publish(&key).await;
    for owner in [Owner::Nobody, Owner::Database(Identity::new())] {
        world.blobs.belong_to(owner);
        let server = world.look(&key, SWEEP).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.stop().await;
        let due = world.rows(Mode::Read).await.mark(Mark::SweepDue).await.unwrap();
        assert_eq!(due, Some(0), "the search still is to be done");
        assert!(world.is_there(&key).await);
    }
    let identity = Identity::new();
    let ours = world.rows(Mode::Offline).await.identify(identity).await.unwrap();
    world.blobs.belong_to(Owner::Database(ours));
    let server = world.look(&key, SWEEP).await;
    soon(async || !world.is_there(&key).await).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_look_marks_nothing_as_damaged() {
    const COMPARISON: [Mark; 2] = [Mark::ComparedPart, Mark::ComparisonDue];
    let world = World::new(Duration::from_hours(72), Duration::ZERO).await;
    let server = world.start().await;
    let endpoint = server.endpoint().to_owned();
    let push = move || {
        let login = Api::new(&endpoint, KEY, SECRET).registry_login(&json!({ "scope": ["push", "pull"] }));
        Registry::new(&endpoint, Some(login)).push_blob("sr", &Blob::new(b"layer".to_vec()))
    };
    assert_eq!(tokio::task::spawn_blocking(push).await.unwrap(), 201);
    server.stop().await;
    let content = world.rows(Mode::Read).await.contents(0, 1).await.unwrap().pop().unwrap();
    assert!(world.blobs.remove(std::slice::from_ref(&content.key)).await.iter().all(Result::is_ok));
    let server = world.look(&content.key, COMPARISON).await;
    world.looked(COMPARISON).await;
    server.stop().await;
    assert_eq!(world.rows(Mode::Read).await.damaged_contents(9).await.unwrap(), 0);
}
