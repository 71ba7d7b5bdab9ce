//! Continuing from a checkpoint.

use gangplank_store::blobs::{BlobStore, Checkpoint, ContentKey};

use super::{beginning, fails, finish, more_than, publish, read, write, writer};

blob_contract! {
    writing_goes_on_where_it_stood,
    a_pause_without_bytes_changes_nothing,
    what_is_beyond_a_checkpoint_is_lost,
    a_checkpoint_holds_when_a_later_writer_is_dropped,
    progress_can_be_gone_on_from,
    a_hash_that_nobody_can_read_is_not_gone_on_with,
    small_pieces_come_together,
    published_content_may_have_a_key_of_its_checkpoint;
    a_checkpoint_is_vouched_for,
    nothing_goes_on_after_bytes_that_are_not_there
}

async fn writing_goes_on_where_it_stood(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let mut staged = write(blobs, &key, &beginning(), b"one ").await;
    for piece in [&b"two, three, four, five, "[..], b"six, ", b"", b"seven, eight, nine, ten"] {
        staged = write(blobs, &key, &staged, piece).await;
    }
    let key = finish(blobs, &key, &staged, b", eleven").await;
    let whole = &b"one two, three, four, five, six, seven, eight, nine, ten, eleven"[..];
    assert_eq!(read(blobs, &key).await.unwrap(), whole);
}

async fn a_pause_without_bytes_changes_nothing(blobs: &dyn BlobStore) {
    for bytes in [&b""[..], b"one", b"sixteen, a part.", b"more than one part has"] {
        let key = ContentKey::unused();
        let staged = write(blobs, &key, &beginning(), bytes).await;
        assert_eq!(write(blobs, &key, &staged, b"").await, staged);
        let key = finish(blobs, &key, &staged, b"").await;
        assert_eq!(read(blobs, &key).await.unwrap(), bytes);
    }
}

async fn what_is_beyond_a_checkpoint_is_lost(blobs: &dyn BlobStore) {
    for length in [1, 15, 16, 17, 40] {
        let (key, first) = (ContentKey::unused(), vec![b'a'; length]);
        let staged = write(blobs, &key, &beginning(), &first).await;
        let other = write(blobs, &key, &staged, b"what a request left behind that was not recorded").await;
        assert!(other.received > staged.received);
        let key = finish(blobs, &key, &staged, b", and the rest").await;
        assert_eq!(read(blobs, &key).await.unwrap(), [&first[..], b", and the rest"].concat());
    }
}

async fn a_checkpoint_holds_when_a_later_writer_is_dropped(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let staged = write(blobs, &key, &beginning(), b"what counts, and is more than a part").await;
    drop(writer(blobs, &key, &staged, b"more than a part of what does not count").await.unwrap());
    drop(blobs.writer(&key, &staged).unwrap());
    assert_eq!(blobs.vouch(&key, &staged).await.unwrap(), Some(staged.clone()));
    let key = finish(blobs, &key, &staged, b"!").await;
    assert_eq!(read(blobs, &key).await.unwrap(), b"what counts, and is more than a part!");
}

/// A process that dies loses only bytes after its last checkpoint.
async fn progress_can_be_gone_on_from(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let content: Vec<u8> = (0..100).collect();
    let mut writing = blobs.writer(&key, &beginning()).unwrap();
    let mut told: Vec<Checkpoint> = Vec::new();
    for piece in content.chunks(7) {
        writing.ready().await.unwrap();
        writing.write(piece).unwrap();
        if let Some(checkpoint) = writing.progress() {
            assert!(told.last().is_none_or(|before| before.received < checkpoint.received));
            assert!(checkpoint.received <= writing.hasher().hashed());
            told.push(checkpoint);
        }
        assert!(writing.progress().is_none(), "it was told");
    }
    drop(writing);
    let last = told.pop().unwrap_or_else(beginning);
    assert_eq!(blobs.vouch(&key, &last).await.unwrap(), Some(last.clone()));
    let from = usize::try_from(last.received).unwrap();
    let key = finish(blobs, &key, &last, &content[from..]).await;
    assert_eq!(read(blobs, &key).await.unwrap(), content);
}

async fn a_checkpoint_is_vouched_for(blobs: &dyn BlobStore, part: usize) {
    let key = ContentKey::unused();
    assert_eq!(
        blobs.vouch(&key, &beginning()).await.unwrap(),
        Some(beginning()),
        "nothing is missing of nothing"
    );
    let staged = write(blobs, &key, &beginning(), &more_than(part)).await;
    assert_eq!(blobs.vouch(&key, &staged).await.unwrap(), Some(staged.clone()));
    let longer = Checkpoint { received: staged.received + 1, ..staged.clone() };
    assert_eq!(blobs.vouch(&key, &longer).await.unwrap(), None);
    assert_eq!(blobs.vouch(&ContentKey::unused(), &staged).await.unwrap(), None);
}

/// If a gap were filled, wrong bytes would be published as if the client had sent them.
async fn nothing_goes_on_after_bytes_that_are_not_there(blobs: &dyn BlobStore, part: usize) {
    let (never, published) = (ContentKey::unused(), ContentKey::unused());
    let content = more_than(part);
    let staged = write(blobs, &published, &beginning(), &content).await;
    let kept = finish(blobs, &published, &staged, b".").await;
    for (key, bytes) in [(&never, &b"more"[..]), (&published, b"more"), (&never, b""), (&published, b"")] {
        assert!(fails(writer(blobs, key, &staged, bytes).await).await, "{key}");
    }
    assert!(read(blobs, &kept).await.unwrap() == [&content[..], b"."].concat());
    assert_eq!(blobs.stat(&never).await.unwrap(), None);
}

async fn a_hash_that_nobody_can_read_is_not_gone_on_with(blobs: &dyn BlobStore) {
    let key = ContentKey::unused();
    let staged = write(blobs, &key, &beginning(), b"content").await;
    let unread = Checkpoint { hash_state: b"of another program".to_vec(), ..staged.clone() };
    assert!(fails(blobs.writer(&key, &unread)).await);
    let other = Checkpoint { hash_state: publish_state(), ..staged };
    assert!(fails(blobs.writer(&key, &other)).await, "it is of other bytes");
}

fn publish_state() -> Vec<u8> {
    beginning().hash_state
}

async fn small_pieces_come_together(blobs: &dyn BlobStore) {
    let (key, content) = (ContentKey::unused(), b"one byte in each request, as nobody should send them");
    let mut staged = beginning();
    for byte in content {
        staged = write(blobs, &key, &staged, &[*byte]).await;
        assert_eq!(blobs.vouch(&key, &staged).await.unwrap(), Some(staged.clone()));
    }
    let key = finish(blobs, &key, &staged, b"").await;
    assert_eq!(read(blobs, &key).await.unwrap(), content);
}

async fn published_content_may_have_a_key_of_its_checkpoint(blobs: &dyn BlobStore) {
    for bytes in [&b"small"[..], b"of more than one part"] {
        let key = ContentKey::unused();
        let staged = write(blobs, &key, &beginning(), bytes).await;
        let kept = finish(blobs, &key, &staged, b"").await;
        assert!(kept == key || staged.keys.contains(&kept));
        assert_eq!(read(blobs, &kept).await.unwrap(), bytes);
        // The other keys of the upload are not needed any more.
        let others: Vec<_> = staged.keys.into_iter().filter(|other| *other != kept).collect();
        assert!(blobs.remove(&others).await.iter().all(Result::is_ok));
        assert_eq!(read(blobs, &kept).await.unwrap(), bytes);
    }
    let key = publish(blobs, b"").await;
    assert_eq!(read(blobs, &key).await.unwrap(), b"");
}
