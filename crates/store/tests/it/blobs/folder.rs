//! Properties of a folder.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;

use gangplank_store::StoreError;
use gangplank_store::blobs::{
    BlobIngester as _, BlobProvider as _, BlobStatter as _, BlobSweeper as _, Capacity as _, Checkpoint,
    ContentKey, Folder,
};
use tempfile::TempDir;

use super::{beginning, finish, publish, read, write, writer};

use crate::backends::ScratchBlobs as _;
use crate::{backends, child};

#[tokio::test]
async fn content_is_there_when_the_folder_is_opened_again() {
    let scratch = backends::local_folder();
    let published = publish(scratch.blobs(), b"content").await;
    let staged = ContentKey::unused();
    write(scratch.blobs(), &staged, &beginning(), b"content").await;
    let again = Folder::open(&scratch.path()).unwrap();
    assert_eq!(again.stat(&published).await.unwrap(), Some(7));
    assert_eq!(again.staged(Duration::ZERO).await.unwrap()[0].key, staged);
}

/// After a crash, bytes that a checkpoint counts may be missing or zero.
#[tokio::test]
async fn what_another_run_staged_is_read_before_it_is_relied_on() {
    let scratch = backends::local_folder();
    let [whole, zeroed, cut, longer] = [(); 4].map(|()| ContentKey::unused());
    let mut staged = Vec::new();
    for key in [&whole, &zeroed, &cut, &longer] {
        staged.push(write(scratch.blobs(), key, &beginning(), b"content").await);
    }
    let path = |key: &ContentKey| scratch.path().join("staged").join(key.as_str());
    fs::write(path(&zeroed), b"cont\0\0\0").unwrap();
    fs::write(path(&cut), b"conten").unwrap();
    fs::write(path(&longer), b"content, and what no row counts").unwrap();
    let again = Folder::open(&scratch.path()).unwrap();
    let vouched = again.vouch(&whole, &staged[0]).await.unwrap().unwrap();
    assert_ne!(vouched.opaque, staged[0].opaque, "this run has read it");
    assert_eq!(Checkpoint { opaque: staged[0].opaque.clone(), ..vouched.clone() }, staged[0]);
    assert_eq!(again.vouch(&zeroed, &staged[1]).await.unwrap(), None);
    assert_eq!(again.vouch(&cut, &staged[2]).await.unwrap(), None);
    assert!(again.vouch(&longer, &staged[3]).await.unwrap().is_some());
    // The bytes are read again once. After that, the checkpoint belongs to this run.
    fs::write(path(&whole), b"another").unwrap();
    assert_eq!(again.vouch(&whole, &vouched).await.unwrap(), Some(vouched.clone()));
    fs::remove_file(path(&whole)).unwrap();
    assert_eq!(again.vouch(&whole, &vouched).await.unwrap(), None);
}

/// An upload of another run continues with a checkpoint of this run.
#[tokio::test]
async fn the_name_of_a_run_is_in_each_checkpoint() {
    let scratch = backends::local_folder();
    let key = ContentKey::unused();
    let staged = write(scratch.blobs(), &key, &beginning(), b"content").await;
    let again = Folder::open(&scratch.path()).unwrap();
    let vouched = again.vouch(&key, &staged).await.unwrap().unwrap();
    assert_eq!(write(&again, &key, &vouched, b"").await, vouched);
    let key = finish(&again, &key, &vouched, b", more").await;
    assert_eq!(read(&again, &key).await.unwrap(), b"content, more");
}

#[tokio::test]
async fn nobody_else_serves_a_folder() {
    let scratch = backends::local_folder();
    let key = publish(scratch.blobs(), b"content").await;
    assert_eq!(scratch.blobs().redirect(&key, Duration::from_mins(1), None).await.unwrap(), None);
}

#[tokio::test]
async fn a_shard_is_made_for_the_first_content_that_comes_into_it() {
    let scratch = backends::local_folder();
    let shards = || fs::read_dir(scratch.path().join("content")).unwrap().count();
    assert_eq!(shards(), 0);
    let keys = join_all((0..20).map(|_| publish(scratch.blobs(), b""))).await;
    let used: std::collections::BTreeSet<_> = keys.iter().map(|key| key.as_str()[30..].to_owned()).collect();
    assert_eq!(shards(), used.len());
    let again = Folder::open(&scratch.path()).unwrap();
    let mut published = Vec::new();
    for part in 0..=255 {
        published.extend(again.published(part, Duration::ZERO).await.unwrap());
    }
    published.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(published, keys);
}

#[tokio::test]
async fn a_shard_that_a_failed_sync_left_is_made_anew() {
    let scratch = backends::local_folder();
    let [left, restored] = [(); 2].map(|()| ContentKey::unused());
    let shard = |key: &ContentKey| scratch.path().join("content").join(&key.as_str()[30..]);
    let publish = async |key: &ContentKey| finish(scratch.blobs(), key, &beginning(), b"").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for key in [&left, &restored] {
        fs::create_dir_all(shard(key)).unwrap();
        fs::set_permissions(shard(key), fs::Permissions::from_mode(0o711)).unwrap();
    }
    publish(&left).await;
    assert_ne!(mode(&shard(&left)), 0o711, "its entry was written by nobody who synced it");
    fs::create_dir_all(shard(&restored)).unwrap();
    let stray = shard(&restored).join("restored by hand");
    fs::write(&stray, "").unwrap();
    publish(&restored).await;
    assert!(stray.exists());
}

#[tokio::test]
async fn what_is_not_ours_is_not_staged_content() {
    let scratch = backends::local_folder();
    fs::write(scratch.path().join("staged/lost+found"), "").unwrap();
    assert!(scratch.blobs().staged(Duration::ZERO).await.unwrap().is_empty());
}

#[test]
fn a_key_that_leaves_the_folder_is_no_key() {
    for bad in ["", "../../../../../../etc/passwd0000", "0123456789ABCDEF0123456789ABCDEF", "0123"] {
        assert!(ContentKey::parse(bad).is_none(), "{bad}");
    }
}

#[tokio::test]
async fn space_that_was_found_and_not_needed_is_given_back() {
    const PIECE: usize = 1 << 20;
    let scratch = backends::local_folder();
    let key = ContentKey::unused();
    let write = |pieces: usize, from: &Checkpoint| {
        let mut writing = scratch.blobs().writer(&key, from).unwrap();
        (0..pieces).for_each(|_| writing.write(&vec![7; PIECE]).unwrap());
        writing
    };
    // The writer reserves space for this number of bytes. The second writer does not know about space that the first
    // one reserved.
    let first = write(17, &beginning()).suspend().await.unwrap();
    let staged = fs::metadata(scratch.path().join("staged").join(key.as_str())).unwrap();
    assert_eq!(staged.len(), 17 << 20, "what was found is no content");
    write(3, &first).commit().await.unwrap();
    let path = scratch.path().join("content").join(&key.as_str()[30..]).join(key.as_str());
    let published = fs::metadata(path).unwrap();
    assert_eq!(published.len(), 20 << 20);
    let taken = published.blocks() * 512;
    assert!(taken < published.len() + PIECE as u64, "{taken} bytes of the disk");
}

#[tokio::test]
async fn damage_is_seen_in_the_size() {
    let scratch = backends::local_folder();
    let key = publish(scratch.blobs(), b"content").await;
    let shard = &key.as_str()[30..];
    let path = scratch.path().join("content").join(shard).join(key.as_str());
    fs::write(path, "cont").unwrap();
    assert_eq!(scratch.blobs().stat(&key).await.unwrap(), Some(4));
    assert_eq!(scratch.blobs().read(&key, 0..7).await.unwrap().unwrap().size, 4);
}

#[test]
fn a_folder_may_be_named_from_where_the_program_stands() {
    let scratch = TempDir::new().unwrap();
    let name = "blobs::folder::child_opens_a_relative_name";
    let status = child::command(name, Path::new("blobs")).current_dir(scratch.path()).status();
    assert!(status.unwrap().success());
    assert!(scratch.path().join("blobs/content").is_dir());
}

#[test]
fn child_opens_a_relative_name() {
    let Some(name) = child::subject() else { return };
    Folder::open(&name).unwrap();
}

#[tokio::test]
async fn a_folder_that_is_gone_is_told_from_a_file_that_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let (root, away) = (home.path().join("blobs"), home.path().join("away"));
    let folder = Folder::open(&root).unwrap();
    let key = publish(&folder, b"").await;
    let staged = ContentKey::unused();
    let begun = write(&folder, &staged, &beginning(), b"half").await;
    let mut half = writer(&folder, &ContentKey::unused(), &beginning(), b"half").await.unwrap();
    assert_eq!(folder.stat(&ContentKey::unused()).await.unwrap(), None);
    std::fs::rename(&root, &away).unwrap();
    let is_gone = |error: StoreError| matches!(&error, StoreError::Unavailable(why) if why.to_string().contains("mounted"));
    assert!(is_gone(folder.stat(&key).await.unwrap_err()));
    assert!(is_gone(folder.read(&key, 0..1).await.map(drop).unwrap_err()));
    assert!(is_gone(folder.remove(std::slice::from_ref(&key)).await.remove(0).unwrap_err()));
    assert!(is_gone(folder.vouch(&staged, &begun).await.unwrap_err()));
    assert!(is_gone(folder.cancel(&staged, &begun).await.unwrap_err()));
    assert!(is_gone(writer(&folder, &ContentKey::unused(), &beginning(), b"x").await.map(drop).unwrap_err()));
    assert!(is_gone(writer(&folder, &staged, &begun, b"x").await.map(drop).unwrap_err()));
    assert!(is_gone(folder.require(1).await.unwrap_err()));
    assert!(is_gone(folder.space().await.unwrap_err()));
    assert!(is_gone(folder.published(0, Duration::ZERO).await.unwrap_err()));
    assert!(is_gone(folder.staged(Duration::ZERO).await.unwrap_err()));
    half.write(b"x").unwrap();
    assert!(is_gone(half.commit().await.unwrap_err()));
    // An empty directory has the effect of a disk that is not mounted.
    std::fs::create_dir(&root).unwrap();
    assert!(is_gone(folder.read(&key, 0..1).await.map(drop).unwrap_err()));
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&away, &root).unwrap();
    assert_eq!(folder.stat(&key).await.unwrap(), Some(0));
}

#[tokio::test]
async fn what_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("blobs");
    let folder = Folder::open(&root).unwrap();
    publish(&folder, b"content").await;
    write(&folder, &ContentKey::unused(), &beginning(), b"content").await;
    let mut left = vec![root];
    while let Some(path) = left.pop() {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        if path.is_dir() {
            left.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}
