//! Properties of a store with parts, such as an object store.

use gangplank_store::blobs::{BlobIngester as _, ContentKey, Memory};

use super::{beginning, finish, write};

#[tokio::test]
async fn what_is_left_over_is_content_of_its_own_until_it_is_in_a_part() {
    let (memory, key) = (Memory::with_parts(16), ContentKey::unused());
    let first = write(&memory, &key, &beginning(), b"0123456789").await;
    let second = write(&memory, &key, &first, b"abcdef").await;
    let third = write(&memory, &key, &second, b"0123456789").await;
    let named = [&first, &second, &third].map(|checkpoint| checkpoint.keys.len());
    assert_eq!(named, [1, 0, 1]);
    assert_ne!(first.keys, third.keys);
    assert_eq!(finish(&memory, &key, &third, b"").await, key);
}

#[tokio::test]
async fn content_that_was_never_more_than_left_over_is_the_blob() {
    let (memory, key) = (Memory::with_parts(16), ContentKey::unused());
    let staged = write(&memory, &key, &beginning(), b"0123456789").await;
    assert_eq!(finish(&memory, &key, &staged, b"").await, staged.keys[0]);
    let key = ContentKey::unused();
    let staged = write(&memory, &key, &beginning(), b"0123456789").await;
    assert_eq!(finish(&memory, &key, &staged, b"ab").await, key);
}

/// A writer was paused for a long time, and continues after another has taken its place.
#[tokio::test]
async fn a_late_part_is_never_taken_for_another() {
    let (memory, key) = (Memory::with_parts(16), ContentKey::unused());
    let row = write(&memory, &key, &beginning(), b"a part of 16 byt").await;
    let mut late = memory.writer(&key, &row).unwrap();
    late.write(b"late bytes").unwrap();
    let next = write(&memory, &key, &row, b"another part, ok").await;
    assert!(late.write(b", of which more come").is_err());
    assert_eq!(finish(&memory, &key, &next, b".").await, key);
    let read = super::read(&memory, &key).await.unwrap();
    assert_eq!(read, b"a part of 16 bytanother part, ok.");
}

#[tokio::test]
async fn each_full_part_is_progress() {
    let mut writing = Memory::with_parts(16).writer(&ContentKey::unused(), &beginning()).unwrap();
    let mut told = Vec::new();
    for _ in 0..7 {
        writing.ready().await.unwrap();
        writing.write(&[7; 10]).unwrap();
        told.extend(writing.progress().map(|checkpoint| checkpoint.received));
    }
    assert_eq!(told, [16, 32, 48, 64]);
}
