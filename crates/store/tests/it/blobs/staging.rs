//! Staged content.

use futures_util::future::join_all;
use gangplank_oci::{Algorithm, Digest};
use gangplank_store::blobs::{BlobStore, Checkpoint, ContentKey};

use super::{beginning, fails, finish, more_than, publish, read, write, writer};

blob_contract! {
    what_is_staged_is_not_published,
    what_is_written_is_hashed,
    a_beginning_starts_anew,
    cancelling_leaves_published_content,
    contents_are_staged_side_by_side;
    cancelled_content_is_gone,
    who_writes_what_was_cancelled_publishes_nothing,
    who_lost_a_session_cancels_only_its_own
}

async fn what_is_staged_is_not_published(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let staged = write(blobs, &key, &beginning(), b"contentcontentcontent").await;
    assert!(blobs.read(&key, 0..1).await.unwrap().is_none());
    assert_eq!(blobs.stat(&key).await.unwrap(), None);
    blobs.remove(std::slice::from_ref(&key)).await[0].clone().unwrap();
    assert!(blobs.vouch(&key, &staged).await.unwrap().is_some(), "nor removed as published content is");
    let key = finish(blobs, &key, &staged, b"").await;
    assert_eq!(read(blobs, &key).await.unwrap(), b"contentcontentcontent");
}

async fn what_is_written_is_hashed(blobs: &dyn BlobStore) {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let (key, begun) = (ContentKey::unused(), Checkpoint::beginning(algorithm));
        let staged = write(blobs, &key, &begun, b"one two three, ").await;
        assert_eq!(staged.hasher().unwrap().finish(), Digest::of(algorithm, b"one two three, "));
        let last = writer(blobs, &key, &staged, b"four five six").await.unwrap();
        assert_eq!(last.hasher().hashed(), 28);
        assert_eq!(last.hasher().clone().finish(), Digest::of(algorithm, b"one two three, four five six"));
    }
}

async fn a_beginning_starts_anew(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    write(blobs, &key, &beginning(), b"something long, of more than a part").await;
    let key = finish(blobs, &key, &beginning(), b"short").await;
    assert_eq!(read(blobs, &key).await.unwrap(), b"short");
}

async fn cancelled_content_is_gone(blobs: &dyn BlobStore, part: usize) {
    let key = ContentKey::unused();
    blobs.cancel(&key, &beginning()).await.unwrap();
    let staged = write(blobs, &key, &beginning(), &more_than(part)).await;
    for _ in 0..2 {
        blobs.cancel(&key, &staged).await.unwrap();
        assert_eq!(blobs.vouch(&key, &staged).await.unwrap(), None);
        assert!(fails(writer(blobs, &key, &staged, b"more").await).await);
        for part in 0..=255 {
            let left = blobs.published(part, std::time::Duration::ZERO).await.unwrap();
            assert_eq!(left, [], "nor is anything left under another key");
        }
    }
}

async fn cancelling_leaves_published_content(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"content").await;
    blobs.cancel(&key, &beginning()).await.unwrap();
    assert_eq!(read(blobs, &key).await.unwrap(), b"content");
}

async fn who_writes_what_was_cancelled_publishes_nothing(blobs: &dyn BlobStore, part: usize) {
    let key = ContentKey::unused();
    let staged = write(blobs, &key, &beginning(), &more_than(part)).await;
    let written = writer(blobs, &key, &staged, b"more").await.unwrap();
    blobs.cancel(&key, &staged).await.unwrap();
    assert!(written.commit().await.is_err());
    assert_eq!(blobs.stat(&key).await.unwrap(), None);
}

/// One writer was paused, and another continued. When the first comes back, it removes only its own bytes.
async fn who_lost_a_session_cancels_only_its_own(blobs: &dyn BlobStore, part: usize) {
    for length in [1, part + 10] {
        let (key, begun) = (ContentKey::unused(), vec![b'a'; length]);
        let row = write(blobs, &key, &beginning(), &begun).await;
        let mine = write(blobs, &key, &row, b"what no row counts").await;
        for _ in 0..2 {
            blobs.cancel_beyond(&key, &mine, &row).await.unwrap();
            assert_eq!(blobs.vouch(&key, &row).await.unwrap(), Some(row.clone()));
        }
        let kept = finish(blobs, &key, &row, b", and the rest").await;
        assert!(read(blobs, &kept).await.unwrap() == [&begun[..], b", and the rest"].concat());
        let others: Vec<ContentKey> = row.keys.iter().filter(|other| **other != kept).cloned().collect();
        assert!(blobs.remove(&others).await.iter().all(Result::is_ok));
        assert_eq!(
            blobs.published(kept.part(), std::time::Duration::ZERO).await.unwrap(),
            std::slice::from_ref(&kept)
        );
        // After the end, nobody removes the blob.
        blobs.cancel_beyond(&key, &mine, &beginning()).await.unwrap();
        assert!(blobs.stat(&kept).await.unwrap().is_some());
        blobs.remove(std::slice::from_ref(&kept)).await[0].clone().unwrap();
        for part in 0..=255 {
            assert_eq!(blobs.published(part, std::time::Duration::ZERO).await.unwrap(), []);
        }
    }
}

async fn contents_are_staged_side_by_side(blobs: &dyn BlobStore) {
    let keys = join_all((0_u8..8).map(|number| async move {
        let key = ContentKey::unused();
        let mut staged = beginning();
        for _ in 0..10 {
            staged = write(blobs, &key, &staged, &[number; 1_000]).await;
        }
        finish(blobs, &key, &staged, &[]).await
    }));
    for (number, key) in (0_u8..).zip(keys.await) {
        assert_eq!(read(blobs, &key).await.unwrap(), vec![number; 10_000]);
    }
}
