//! Finding and removing content.

use std::collections::BTreeSet;
use std::time::Duration;

use gangplank_store::blobs::{BlobStore, ContentKey};

use super::{beginning, finish, more_than, publish, write};

blob_contract! {
    published_content_is_listed_by_its_part,
    there_is_room;
    staged_content_is_listed_until_it_is_published,
    what_is_listed_can_be_cancelled,
    what_is_listed_is_as_old_as_was_asked
}

const LONG: Duration = Duration::from_hours(1);

async fn staged(blobs: &dyn BlobStore) -> BTreeSet<ContentKey> {
    blobs.staged(Duration::ZERO).await.unwrap().into_iter().map(|staged| staged.key).collect()
}

async fn published(blobs: &dyn BlobStore, older_than: Duration) -> BTreeSet<ContentKey> {
    let mut all = BTreeSet::new();
    for part in 0..=255 {
        let keys = blobs.published(part, older_than).await.unwrap();
        assert!(keys.iter().all(|key| key.part() == part));
        all.extend(keys);
    }
    all
}

async fn staged_content_is_listed_until_it_is_published(blobs: &dyn BlobStore, part: usize) {
    assert!(staged(blobs).await.is_empty());
    let [first, second, third] = [(); 3].map(|()| ContentKey::unused());
    let mut last = beginning();
    for key in [&first, &second, &third] {
        last = write(blobs, key, &beginning(), &more_than(part)).await;
    }
    assert_eq!(staged(blobs).await, [&first, &second, &third].map(Clone::clone).into());
    finish(blobs, &third, &last, b"").await;
    assert_eq!(staged(blobs).await, [&first, &second].map(Clone::clone).into());
}

async fn what_is_listed_can_be_cancelled(blobs: &dyn BlobStore, part: usize) {
    write(blobs, &ContentKey::unused(), &beginning(), &more_than(part)).await;
    for left in blobs.staged(Duration::ZERO).await.unwrap() {
        blobs.cancel(&left.key, &left.checkpoint).await.unwrap();
    }
    assert!(staged(blobs).await.is_empty());
}

async fn published_content_is_listed_by_its_part(blobs: &dyn BlobStore) {
    assert!(published(blobs, Duration::ZERO).await.is_empty());
    let mut keys = BTreeSet::new();
    for _ in 0..20 {
        keys.insert(publish(blobs, b"content").await);
    }
    assert_eq!(published(blobs, Duration::ZERO).await, keys);
    let gone = keys.pop_first().unwrap();
    blobs.remove(&[gone]).await[0].clone().unwrap();
    assert_eq!(published(blobs, Duration::ZERO).await, keys);
}

async fn what_is_listed_is_as_old_as_was_asked(blobs: &dyn BlobStore, part: usize) {
    publish(blobs, b"content").await;
    let key = ContentKey::unused();
    write(blobs, &key, &beginning(), &more_than(part)).await;
    assert!(blobs.staged(LONG).await.unwrap().is_empty());
    assert!(published(blobs, LONG).await.is_empty());
    let short = Duration::from_millis(20);
    tokio::time::sleep(short * 2).await;
    assert!(blobs.staged(short).await.unwrap().iter().any(|staged| staged.key == key));
    assert!(!published(blobs, short).await.is_empty());
}

async fn there_is_room(blobs: &dyn BlobStore) {
    blobs.require(0).await.unwrap();
    let space = blobs.space().await.unwrap();
    assert!(space.is_none_or(|space| space.free <= space.total));
}
