//! Rows in a directory and bytes in a bucket are opened together or not at all.

use std::path::Path;

use gangplank_store::StoreError;
use gangplank_store::blobs::{Checkpoint, ContentKey};
use gangplank_store::open::{Bucket, Mode, StoreConfig, Stores, blobs_in};
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
