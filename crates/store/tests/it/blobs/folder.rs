//! What is particular to a folder.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use gangplank_store::StoreError;
use gangplank_store::blobs::{BlobStore as _, ContentKey, Folder};
use tempfile::TempDir;

use crate::{backends, child};

#[test]
fn content_is_there_when_the_folder_is_opened_again() {
    let scratch = backends::folder();
    let [published, staged] = [(); 2].map(|()| ContentKey::unused());
    for key in [&published, &staged] {
        scratch.blobs().stage(key, 0).unwrap().write(b"content").unwrap();
    }
    scratch.blobs().stage(&published, 7).unwrap().publish().unwrap();
    let again = Folder::open(&scratch.path()).unwrap();
    assert_eq!(again.size(&published).unwrap(), Some(7));
    assert_eq!(again.staged().unwrap(), [staged]);
}

#[test]
fn a_shard_is_made_for_the_first_content_that_comes_into_it() {
    let scratch = backends::folder();
    let shards = || fs::read_dir(scratch.path().join("content")).unwrap().count();
    assert_eq!(shards(), 0);
    let keys: Vec<_> = (0..20).map(|_| ContentKey::unused()).collect();
    let publish = |key: &ContentKey| scratch.blobs().stage(key, 0).unwrap().publish().unwrap();
    std::thread::scope(|scope| keys.iter().for_each(|key| drop(scope.spawn(move || publish(key)))));
    let used: std::collections::BTreeSet<_> = keys.iter().map(|key| key.as_str()[30..].to_owned()).collect();
    assert_eq!(shards(), used.len());
    let again = Folder::open(&scratch.path()).unwrap();
    let mut published: Vec<_> = (0..=255).flat_map(|part| again.published(part).unwrap()).collect();
    published.sort_unstable_by_key(ToString::to_string);
    let mut keys = keys;
    keys.sort_unstable_by_key(ToString::to_string);
    assert_eq!(published, keys);
}

#[test]
fn a_shard_that_a_failed_sync_left_is_made_anew() {
    let scratch = backends::folder();
    let [left, restored] = [(); 2].map(|()| ContentKey::unused());
    let shard = |key: &ContentKey| scratch.path().join("content").join(&key.as_str()[30..]);
    let publish = |key: &ContentKey| scratch.blobs().stage(key, 0).unwrap().publish().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for key in [&left, &restored] {
        fs::create_dir_all(shard(key)).unwrap();
        fs::set_permissions(shard(key), fs::Permissions::from_mode(0o711)).unwrap();
    }
    publish(&left);
    assert_ne!(mode(&shard(&left)), 0o711, "its entry was written by nobody who synced it");
    fs::create_dir_all(shard(&restored)).unwrap();
    let stray = shard(&restored).join("restored by hand");
    fs::write(&stray, "").unwrap();
    publish(&restored);
    assert!(stray.exists());
}

#[test]
fn what_is_not_ours_is_not_staged_content() {
    let scratch = backends::folder();
    fs::write(scratch.path().join("staged/lost+found"), "").unwrap();
    assert!(scratch.blobs().staged().unwrap().is_empty());
}

#[test]
fn a_key_that_leaves_the_folder_is_no_key() {
    for bad in ["", "../../../../../../etc/passwd0000", "0123456789ABCDEF0123456789ABCDEF", "0123"] {
        assert!(ContentKey::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn space_that_was_found_and_not_needed_is_given_back() {
    const PIECE: usize = 1 << 20;
    let scratch = backends::folder();
    let key = ContentKey::unused();
    let write = |pieces: usize, offset: usize| {
        let mut staged = scratch.blobs().stage(&key, (offset * PIECE) as u64).unwrap();
        (0..pieces).for_each(|_| staged.write(&vec![7; PIECE]).unwrap());
        staged
    };
    // Enough for space to be found for more; then again by whoever goes on, who need not know of the first.
    drop(write(17, 0));
    let staged = fs::metadata(scratch.path().join("staged").join(key.as_str())).unwrap();
    assert_eq!(staged.len(), 17 << 20, "what was found is no content");
    write(3, 17).publish().unwrap();
    let path = scratch.path().join("content").join(&key.as_str()[30..]).join(key.as_str());
    let published = fs::metadata(path).unwrap();
    assert_eq!(published.len(), 20 << 20);
    let taken = published.blocks() * 512;
    assert!(taken < published.len() + PIECE as u64, "{taken} bytes of the disk");
}

#[test]
fn damage_is_seen_in_the_size() {
    let scratch = backends::folder();
    let key = ContentKey::unused();
    let mut staged = scratch.blobs().stage(&key, 0).unwrap();
    staged.write(b"content").unwrap();
    staged.publish().unwrap();
    let shard = &key.as_str()[30..];
    let path = scratch.path().join("content").join(shard).join(key.as_str());
    fs::write(path, "cont").unwrap();
    assert_eq!(scratch.blobs().size(&key).unwrap(), Some(4));
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

#[test]
fn a_folder_that_is_gone_is_told_from_a_file_that_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let (root, away) = (home.path().join("blobs"), home.path().join("away"));
    let folder = Folder::open(&root).unwrap();
    let key = ContentKey::unused();
    folder.stage(&key, 0).unwrap().publish().unwrap();
    let staged = ContentKey::unused();
    let mut half = folder.stage(&staged, 0).unwrap();
    assert_eq!(folder.size(&ContentKey::unused()).unwrap(), None);
    std::fs::rename(&root, &away).unwrap();
    let is_gone = |error: StoreError| matches!(&error, StoreError::Unavailable(why) if why.to_string().contains("mounted"));
    assert!(is_gone(folder.size(&key).unwrap_err()));
    assert!(is_gone(folder.open(&key).unwrap_err()));
    assert!(is_gone(folder.remove(&key).unwrap_err()));
    assert!(is_gone(folder.staged_size(&staged).unwrap_err()));
    assert!(is_gone(folder.stage(&ContentKey::unused(), 0).map(drop).unwrap_err()));
    assert!(is_gone(folder.stage(&staged, 1).map(drop).unwrap_err()));
    assert!(is_gone(folder.require_space(1).unwrap_err()));
    assert!(is_gone(folder.published(0).unwrap_err()) && is_gone(folder.staged().unwrap_err()));
    half.write(b"x").unwrap();
    assert!(is_gone(half.publish().unwrap_err()));
    // Where another disk was mounted before, its mount point is left.
    std::fs::create_dir(&root).unwrap();
    assert!(is_gone(folder.open(&key).unwrap_err()));
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&away, &root).unwrap();
    assert_eq!(folder.size(&key).unwrap(), Some(0));
}

#[test]
fn what_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("blobs");
    let folder = Folder::open(&root).unwrap();
    folder.stage(&ContentKey::unused(), 0).unwrap().publish().unwrap();
    folder.stage(&ContentKey::unused(), 0).map(drop).unwrap();
    let mut left = vec![root];
    while let Some(path) = left.pop() {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
        if path.is_dir() {
            left.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}
