//! Published content.

use std::io::Read as _;

use gangplank_store::blobs::{BlobStore, ContentKey};

blob_contract! {
    published_content_is_read,
    empty_content_is_content,
    what_was_never_published_is_not_there,
    published_content_is_staged_no_more,
    removed_content_is_gone,
    a_reader_keeps_what_it_opened,
    discarding_leaves_published_content,
    keys_are_never_the_same,
}

fn publish(blobs: &dyn BlobStore, bytes: &[u8]) -> ContentKey {
    let key = ContentKey::unused();
    let mut staged = blobs.stage(&key, 0).unwrap();
    staged.write(bytes).unwrap();
    staged.publish().unwrap();
    key
}

fn read(blobs: &dyn BlobStore, key: &ContentKey) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    blobs.open(key).unwrap()?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn published_content_is_read(blobs: &dyn BlobStore) {
    let [one, two] = [&b"one"[..], b"number two"].map(|bytes| publish(blobs, bytes));
    assert_eq!(read(blobs, &one).unwrap(), b"one");
    assert_eq!(read(blobs, &two).unwrap(), b"number two");
    assert_eq!((blobs.size(&one).unwrap(), blobs.size(&two).unwrap()), (Some(3), Some(10)));
}

fn empty_content_is_content(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"");
    assert_eq!(blobs.size(&key).unwrap(), Some(0));
    assert_eq!(read(blobs, &key).unwrap(), b"");
}

fn what_was_never_published_is_not_there(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    assert!(blobs.open(&key).unwrap().is_none());
    assert_eq!(blobs.size(&key).unwrap(), None);
    blobs.remove(&key).unwrap();
}

fn published_content_is_staged_no_more(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"content");
    assert!(blobs.open_staged(&key).is_err());
    assert!(blobs.staged().unwrap().is_empty());
}

fn removed_content_is_gone(blobs: &dyn BlobStore) {
    let [key, other] = [(); 2].map(|()| publish(blobs, b"content"));
    for _ in 0..2 {
        blobs.remove(&key).unwrap();
        assert!(blobs.open(&key).unwrap().is_none());
        assert_eq!(blobs.size(&key).unwrap(), None);
    }
    assert_eq!(read(blobs, &other).unwrap(), b"content", "the same bytes under another key stay");
}

/// A pull that has begun ends, whatever is deleted meanwhile.
fn a_reader_keeps_what_it_opened(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"content");
    let mut open = blobs.open(&key).unwrap().unwrap();
    blobs.remove(&key).unwrap();
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"content");
}

fn discarding_leaves_published_content(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"content");
    blobs.discard_staged(&key).unwrap();
    assert_eq!(read(blobs, &key).unwrap(), b"content");
}

fn keys_are_never_the_same(_: &dyn BlobStore) {
    let mut keys: Vec<ContentKey> = (0..1_000).map(|_| ContentKey::unused()).collect();
    assert!(keys.iter().all(|key| ContentKey::parse(key.as_str()).as_ref() == Some(key)));
    keys.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    keys.dedup();
    assert_eq!(keys.len(), 1_000);
}
