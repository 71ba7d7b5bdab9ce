//! Content on its way in.

use std::io::Read as _;

use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore, ContentKey};

blob_contract! {
    what_is_staged_is_not_published,
    staging_goes_on_where_it_stood,
    what_is_beyond_the_offset_is_cut_off,
    zero_starts_anew,
    nothing_goes_on_after_bytes_that_are_not_there,
    discarded_content_is_gone,
    staged_content_is_listed,
    unpublished_content_outlives_its_writer,
    contents_are_staged_side_by_side,
}

fn write(blobs: &dyn BlobStore, key: &ContentKey, offset: u64, bytes: &[u8]) {
    blobs.stage(key, offset).unwrap().write(bytes).unwrap();
}

fn staged(blobs: &dyn BlobStore, key: &ContentKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    blobs.open_staged(key).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn what_is_staged_is_not_published(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let mut staged = blobs.stage(&key, 0).unwrap();
    for _ in 0..2 {
        assert!(blobs.open(&key).unwrap().is_none());
        assert_eq!(blobs.size(&key).unwrap(), None);
        staged.write(b"content").unwrap();
    }
    drop(staged);
    assert!(blobs.open(&key).unwrap().is_none());
    blobs.remove(&key).unwrap();
    assert_eq!(self::staged(blobs, &key), b"contentcontent", "nor removed as published content is");
}

fn staging_goes_on_where_it_stood(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    write(blobs, &key, 0, b"one ");
    write(blobs, &key, 4, b"two ");
    write(blobs, &key, 8, b"");
    let mut last = blobs.stage(&key, 8).unwrap();
    last.write(b"thr").unwrap();
    last.write(b"ee").unwrap();
    drop(last);
    assert_eq!(staged(blobs, &key), b"one two three");
}

fn what_is_beyond_the_offset_is_cut_off(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    write(blobs, &key, 0, b"one two three");
    write(blobs, &key, 4, b"2");
    assert_eq!(staged(blobs, &key), b"one 2");
    drop(blobs.stage(&key, 3).unwrap());
    assert_eq!(staged(blobs, &key), b"one");
}

fn zero_starts_anew(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    write(blobs, &key, 0, b"something long");
    write(blobs, &key, 0, b"short");
    assert_eq!(staged(blobs, &key), b"short");
}

/// Made-up bytes would be published as the client's.
fn nothing_goes_on_after_bytes_that_are_not_there(blobs: &dyn BlobStore) {
    let [short, never, published] = [(); 3].map(|()| ContentKey::unused());
    write(blobs, &short, 0, b"one");
    blobs.stage(&published, 0).unwrap().publish().unwrap();
    for key in [&short, &never, &published] {
        let refused = blobs.stage(key, 4).map(drop);
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    }
    assert_eq!(staged(blobs, &short), b"one");
    assert_eq!(blobs.staged().unwrap(), [short]);
    assert_eq!(blobs.size(&published).unwrap(), Some(0));
}

fn discarded_content_is_gone(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    blobs.discard_staged(&key).unwrap();
    write(blobs, &key, 0, b"content");
    for _ in 0..2 {
        blobs.discard_staged(&key).unwrap();
        assert!(blobs.open_staged(&key).is_err());
        assert!(blobs.staged().unwrap().is_empty());
    }
}

fn staged_content_is_listed(blobs: &dyn BlobStore) {
    assert!(blobs.staged().unwrap().is_empty());
    let [first, second, third] = [(); 3].map(|()| ContentKey::unused());
    for key in [&first, &second, &third] {
        drop(blobs.stage(key, 0).unwrap());
    }
    blobs.stage(&second, 0).unwrap().publish().unwrap();
    let mut listed = blobs.staged().unwrap();
    listed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    let mut expected = [first, third];
    expected.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    assert_eq!(listed, expected);
}

fn unpublished_content_outlives_its_writer(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let mut writer = blobs.stage(&key, 0).unwrap();
    writer.write(b"all of it").unwrap();
    drop(writer);
    let mut again = blobs.stage(&key, 9).unwrap();
    again.write(b", at last").unwrap();
    again.publish().unwrap();
    assert_eq!(blobs.size(&key).unwrap(), Some(18));
}

fn contents_are_staged_side_by_side(blobs: &dyn BlobStore) {
    let keys: Vec<ContentKey> = (0..8).map(|_| ContentKey::unused()).collect();
    std::thread::scope(|scope| {
        for (number, key) in (0u8..).zip(&keys) {
            scope.spawn(move || {
                let mut staged = blobs.stage(key, 0).unwrap();
                for _ in 0..100 {
                    staged.write(&[number; 1000]).unwrap();
                }
                staged.publish().unwrap();
            });
        }
    });
    for (number, key) in (0u8..).zip(&keys) {
        let mut bytes = Vec::new();
        blobs.open(key).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, vec![number; 100_000]);
    }
}
