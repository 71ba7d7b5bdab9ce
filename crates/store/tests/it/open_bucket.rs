//! Rows in a directory and bytes in a bucket are opened together or not at all.

use std::path::Path;

use gangplank_store::StoreError;
use gangplank_store::blobs::{Checkpoint, ContentKey};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::{Bucket, Failovers, Mode, StoreConfig, Stores, blobs_in, may_remove, restored};
use gangplank_testkit::s3::{Fault, FaultProxy, Program};
use tempfile::TempDir;

use crate::buckets::{location, server, settings};

fn bucket(endpoint: &str) -> Option<Bucket> {
    let server = server(Program::Versitygw)?;
    let settings = settings(server, endpoint);
    Some(Bucket { settings, location: location(), scratch: std::env::temp_dir(), largest_blob: 10 << 30 })
}

async fn open(dir: &Path, bucket: &Bucket, mode: Mode) -> Result<Stores, StoreError> {
    StoreConfig::local(dir, mode).with_bucket(Some(bucket.clone())).open().await
}

fn refusal(opened: Result<Stores, StoreError>) -> String {
    opened.map(drop).unwrap_err().to_string()
}

async fn put(stores: &Stores) -> ContentKey {
    let beginning = Checkpoint::beginning(gangplank_oci::Algorithm::Sha256);
    let mut writer = stores.blobs.writer(&ContentKey::unused(), &beginning).unwrap();
    writer.ready().await.unwrap();
    writer.write(b"content").unwrap();
    writer.commit().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_a_prefix_belong_to_each_other() {
    let Some(server) = server(Program::Versitygw) else { return };
    let (bucket, other) = (bucket(&server.endpoint()).unwrap(), bucket(&server.endpoint()).unwrap());
    let [dir, stranger] = [(); 2].map(|()| TempDir::new().unwrap());
    let stores = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    let (number, key) = (stores.number, put(&stores).await);
    assert!(number.is_some() && !blobs_in(dir.path()).exists(), "no folder is made");
    drop(stores);
    for mode in [Mode::Serve, Mode::Offline, Mode::Read] {
        let again = open(dir.path(), &bucket, mode).await.unwrap();
        assert_eq!((again.number, again.blobs.stat(&key).await.unwrap()), (number, Some(7)));
    }
    let cluster = format!("{:016x}", number.unwrap());
    let new = refusal(open(stranger.path(), &bucket, Mode::Serve).await);
    assert!(new.contains(&cluster) && new.contains(&bucket.location.to_string()), "{new}");
    let empty = refusal(open(dir.path(), &other, Mode::Serve).await);
    assert!(empty.contains(&cluster) && empty.contains("no gangplank.json"), "{empty}");
    open(stranger.path(), &other, Mode::Serve).await.unwrap();
    let anothers = refusal(open(stranger.path(), &bucket, Mode::Serve).await);
    assert!(anothers.contains(&cluster) && anothers.contains("each would remove"), "{anothers}");
    let local = refusal(StoreConfig::local(dir.path(), Mode::Serve).open().await);
    assert!(!local.is_empty(), "nor is a folder made for what is in a bucket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_is_nobody_s_is_left_alone() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(&server.endpoint()).unwrap();
    let dir = TempDir::new().unwrap();
    let stores = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    put(&stores).await;
    server.delete(&bucket.location.key("gangplank.json"));
    let stranger = TempDir::new().unwrap();
    let refused = refusal(open(stranger.path(), &bucket, Mode::Serve).await);
    assert!(refused.contains("no gangplank.json"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_cannot_keep_blobs_is_refused_with_the_reason() {
    let Some(server) = server(Program::Versitygw) else { return };
    let dir = TempDir::new().unwrap();
    let proxy = FaultProxy::before(&server.address());
    proxy.decide(
        |seen| if seen.call == "PutObject" { Fault::Refuse(403, "AccessDenied") } else { Fault::None },
    );
    let bucket = bucket(&proxy.endpoint()).unwrap();
    let refused = refusal(open(dir.path(), &bucket, Mode::Serve).await);
    assert!(refused.contains("AccessDenied") && refused.contains("gangplank s3 check"), "{refused}");
    proxy.mend();
    open(dir.path(), &bucket, Mode::Serve).await.unwrap();
}

/// Copies the database of a directory, as a dump that is restored elsewhere does. SQLite removes its log when the
/// store closes. Then the copy is begun anew.
fn copy_of(dir: &Path) -> TempDir {
    loop {
        let copy = TempDir::new().unwrap();
        let copied = std::fs::read_dir(dir).unwrap().try_for_each(|file| {
            let file = file?;
            std::fs::copy(file.path(), copy.path().join(file.file_name())).map(drop)
        });
        match copied {
            Ok(()) => return copy,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_takes_the_place_of_the_lost_one() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(&server.endpoint()).unwrap();
    let dir = TempDir::new().unwrap();
    let stores = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    let (number, key) = (stores.number, put(&stores).await);
    drop(stores);
    let copy = copy_of(dir.path());
    let old = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    let allowed = async |stores: &Stores| {
        may_remove(stores.metadata.as_ref(), stores.blobs.as_ref(), Failovers::MayLose).await
    };
    allowed(&old).await.unwrap();
    let rows = StoreConfig::local(copy.path(), Mode::Offline).rows().await.unwrap();
    assert_eq!(restored(rows.metadata.as_ref(), &bucket).await.unwrap(), 0, "it has no service");
    let why = allowed(&old).await.unwrap_err().to_string();
    assert!(why.contains("another incarnation") && why.contains("nothing is removed"), "{why}");
    drop((old, rows));
    for mode in [Mode::Serve, Mode::Offline, Mode::Read] {
        let why = refusal(open(dir.path(), &bucket, mode).await);
        assert!(why.contains("gangplank database restored"), "{why}");
    }
    let new = open(copy.path(), &bucket, Mode::Serve).await.unwrap();
    assert_eq!((new.number, new.blobs.stat(&key).await.unwrap()), (number, Some(7)));
    allowed(&new).await.unwrap();
    // If the former database was the right one after all, the operator can give the bucket back to it.
    let rows = StoreConfig::local(dir.path(), Mode::Offline).rows().await.unwrap();
    restored(rows.metadata.as_ref(), &bucket).await.unwrap();
    drop(rows);
    open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    assert!(allowed(&new).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_of_a_prefix_may_remove_or_be_restored() {
    let Some(server) = server(Program::Versitygw) else { return };
    let (bucket, other) = (bucket(&server.endpoint()).unwrap(), bucket(&server.endpoint()).unwrap());
    let [dir, stranger] = [(); 2].map(|()| TempDir::new().unwrap());
    let ours = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    let others = open(stranger.path(), &other, Mode::Serve).await.unwrap();
    let refused = async |metadata: &Stores, blobs: &Stores| {
        let (metadata, blobs) = (metadata.metadata.as_ref(), blobs.blobs.as_ref());
        may_remove(metadata, blobs, Failovers::LoseNothing).await.unwrap_err().to_string()
    };
    let why = refused(&ours, &others).await;
    assert!(why.contains("nothing is removed") && why.contains("not to this database"), "{why}");
    assert!(restored(ours.metadata.as_ref(), &other).await.is_err(), "nor does a restore take it");
    server.delete(&bucket.location.key("gangplank.json"));
    let why = refused(&ours, &ours).await;
    assert!(why.contains("lost its gangplank.json"), "{why}");
    // An operator states that this is the right bucket now.
    restored(ours.metadata.as_ref(), &bucket).await.unwrap();
    may_remove(ours.metadata.as_ref(), ours.blobs.as_ref(), Failovers::MayLose).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_was_interrupted_goes_on() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(&server.endpoint()).unwrap();
    let dir = TempDir::new().unwrap();
    let first = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    let number = first.number;
    // A crash before the object was written.
    server.delete(&bucket.location.key("gangplank.json"));
    drop(first);
    forget_bucket(dir.path());
    assert_eq!(open(dir.path(), &bucket, Mode::Serve).await.unwrap().number, number);
    // A crash after the object was written, and before the mark in the rows was made.
    forget_bucket(dir.path());
    let again = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    assert_eq!(again.number, number);
    assert_eq!(again.metadata.mark(Mark::ContentBucket).await.unwrap(), Some(1));
}

fn forget_bucket(dir: &Path) {
    let rows = rusqlite::Connection::open(gangplank_store::open::database_in(dir)).unwrap();
    rows.execute("DELETE FROM progress WHERE name = 'content-bucket'", []).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_database_has_a_reserve() {
    let Some(server) = server(Program::Versitygw) else { return };
    let bucket = bucket(&server.endpoint()).unwrap();
    let dir = TempDir::new().unwrap();
    let Some(_disk) = SmallDisk::on(dir.path()) else { return };
    let stores = open(dir.path(), &bucket, Mode::Serve).await.unwrap();
    stores.blobs.require(1 << 30).await.unwrap();
    // An eighth of the 8 MiB is reserved.
    std::fs::write(dir.path().join("ballast"), vec![0; 7 << 20]).unwrap();
    assert!(matches!(stores.blobs.require(0).await, Err(StoreError::Full(_))));
    std::fs::remove_file(dir.path().join("ballast")).unwrap();
    stores.blobs.require(0).await.unwrap();
}

/// A file system of 8 MiB. Dropping it unmounts the file system.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// Mounts one on a directory. `None` if this user may not mount.
    fn on(directory: &Path) -> Option<Self> {
        let options = ["-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs"];
        let mounted = std::process::Command::new("mount").args(options).arg(directory).output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            gangplank_testkit::skip("a small file system cannot be mounted (it takes root)");
            return None;
        }
        Some(Self(directory.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
