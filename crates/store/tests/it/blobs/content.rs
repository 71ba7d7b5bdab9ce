//! Reading published content.

use gangplank_oci::{Algorithm, Digest};
use gangplank_store::blobs::{BlobStore, ContentKey};

use super::{beginning, bytes_of, publish, read, read_range, writer};

blob_contract! {
    published_content_is_read,
    empty_content_is_content,
    held_bytes_are_content,
    large_content_is_read_as_it_was,
    a_range_is_read,
    what_was_never_published_is_not_there,
    removed_content_is_gone,
    a_reader_keeps_what_it_opened,
}

async fn published_content_is_read(blobs: &dyn BlobStore) {
    let [one, two] = [publish(blobs, b"one").await, publish(blobs, b"number two, longer than a part").await];
    assert_eq!(read(blobs, &one).await.unwrap(), b"one");
    assert_eq!(read(blobs, &two).await.unwrap(), b"number two, longer than a part");
    assert_eq!(blobs.stat(&one).await.unwrap(), Some(3));
    assert_eq!(blobs.stat(&two).await.unwrap(), Some(30));
}

async fn empty_content_is_content(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"").await;
    assert_eq!(blobs.stat(&key).await.unwrap(), Some(0));
    assert_eq!(read(blobs, &key).await.unwrap(), b"");
}

/// The last piece of content, also if it is the only one.
async fn held_bytes_are_content(blobs: &dyn BlobStore) {
    for (written, held) in [("", ""), ("", "held"), ("written", ""), ("written", " and held")] {
        let mut writer =
            writer(blobs, &ContentKey::unused(), &beginning(), written.as_bytes()).await.unwrap();
        writer.hold(Box::new(held.to_owned().into_bytes())).unwrap();
        let content = [written, held].concat();
        assert_eq!(writer.hasher().clone().finish(), Digest::of(Algorithm::Sha256, content.as_bytes()));
        let key = writer.commit().await.unwrap();
        assert_eq!(read(blobs, &key).await.unwrap(), content.as_bytes());
    }
}

async fn large_content_is_read_as_it_was(blobs: &dyn BlobStore) {
    let content: Vec<u8> = (0..1_000_000_usize).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    let key = publish(blobs, &content).await;
    assert_eq!(read(blobs, &key).await.unwrap(), content);
    let (size, part) = read_range(blobs, &key, 300_000..900_001).await.unwrap();
    assert_eq!((size, &part[..]), (1_000_000, &content[300_000..900_001]));
}

async fn a_range_is_read(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"0123456789").await;
    for (range, bytes) in
        [(0..10, &b"0123456789"[..]), (3..5, b"34"), (9..10, b"9"), (0..0, b""), (4..4, b"")]
    {
        assert_eq!(read_range(blobs, &key, range).await.unwrap(), (10, bytes.to_vec()));
    }
    // A range is cut off at the end of the content. The reader gets the whole size as well.
    for (range, bytes) in [(8..20, &b"89"[..]), (10..11, b""), (20..30, b""), (0..u64::MAX, b"0123456789")] {
        assert_eq!(read_range(blobs, &key, range).await.unwrap(), (10, bytes.to_vec()));
    }
}

async fn what_was_never_published_is_not_there(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    assert!(blobs.read(&key, 0..1).await.unwrap().is_none());
    assert_eq!(blobs.stat(&key).await.unwrap(), None);
    assert!(blobs.remove(&[key]).await[0].is_ok());
}

async fn removed_content_is_gone(blobs: &dyn BlobStore) {
    let [key, other] = [publish(blobs, b"content").await, publish(blobs, b"content").await];
    for _ in 0..2 {
        let removed = blobs.remove(&[ContentKey::unused(), key.clone()]).await;
        assert!(removed.len() == 2 && removed.iter().all(Result::is_ok));
        assert!(blobs.read(&key, 0..7).await.unwrap().is_none());
        assert_eq!(blobs.stat(&key).await.unwrap(), None);
    }
    assert_eq!(read(blobs, &other).await.unwrap(), b"content", "the same bytes under another key stay");
    assert!(blobs.remove(&[]).await.is_empty());
}

/// A pull that has begun can finish, whatever is deleted in the meantime.
async fn a_reader_keeps_what_it_opened(blobs: &dyn BlobStore) {
    let key = publish(blobs, b"content").await;
    let open = blobs.read(&key, 0..7).await.unwrap().unwrap();
    blobs.remove(std::slice::from_ref(&key)).await[0].clone().unwrap();
    assert_eq!(bytes_of(open.bytes).await, b"content");
}

#[test]
fn keys_are_never_the_same() {
    let mut keys: Vec<ContentKey> = (0..1_000).map(|_| ContentKey::unused()).collect();
    assert!(keys.iter().all(|key| ContentKey::parse(key.as_str()).as_ref() == Some(key)));
    let in_its_part = |key: &ContentKey| key.as_str().ends_with(&format!("{:02x}", key.part()));
    assert!(keys.iter().all(in_its_part));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 1_000);
}
