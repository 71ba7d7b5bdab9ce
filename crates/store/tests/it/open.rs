//! Opening stores: rows and bytes must belong together, and each mode does only what its description allows.

use std::fs;
use std::path::Path;

use gangplank_core::{Region, Tenant, Time};
use gangplank_oci::{Algorithm, Hasher, RepositoryName};
use gangplank_store::StoreError;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::{
    Mode, StoreConfig, Stores, blobs_in, database_in, local_files, number_of, write_number,
};
use tempfile::TempDir;

use crate::world::blob;

async fn open(dir: &Path, mode: Mode) -> Stores {
    StoreConfig::local(dir, mode).open().await.unwrap()
}

/// Stores content: the bytes and the row.
async fn keep(dir: &Path, stores: &Stores, text: &str) -> ContentKey {
    let key = ContentKey::unused();
    let files = local_files(&blobs_in(dir), Mode::Offline).unwrap();
    let mut writer = files.writer(&key, Hasher::new(Algorithm::Sha256));
    writer.write(text.as_bytes()).unwrap();
    writer.publish().unwrap();
    let tenant = Tenant { account: gangplank_core::AccountId::root(), region: Region::default_region() };
    let repository = RepositoryName::parse("kept").unwrap();
    stores.metadata.add_blob(&tenant, &repository, blob(text, key.clone()), Time(1_000)).await.unwrap();
    key
}

fn refusal<T>(opened: Result<T, StoreError>) -> String {
    match opened {
        Err(StoreError::Unusable(why)) => why.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_new_store_has_one_number_and_keeps_it() {
    let home = TempDir::new().unwrap();
    let number = open(home.path(), Mode::Serve).await.number.unwrap();
    assert_eq!(number_of(&blobs_in(home.path())).unwrap(), Some(number));
    for mode in [Mode::Serve, Mode::Offline, Mode::Read] {
        let stores = open(home.path(), mode).await;
        assert_eq!((stores.number, stores.fault), (Some(number), None));
        assert_eq!(stores.metadata.mark(Mark::ContentFolder).await.unwrap(), Some(number));
    }
    let other = TempDir::new().unwrap();
    assert_ne!(open(other.path(), Mode::Offline).await.number, Some(number));
}

#[tokio::test]
async fn what_is_only_read_is_not_made_and_not_changed() {
    let home = TempDir::new().unwrap();
    assert!(StoreConfig::local(home.path(), Mode::Read).rows().await.is_err());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    // Opening for a server makes rows, but no bytes and no number.
    drop(StoreConfig::local(home.path(), Mode::Serve).rows().await.unwrap());
    let stores = open(home.path(), Mode::Read).await;
    assert_eq!((stores.number, stores.fault), (None, None));
    assert!(!blobs_in(home.path()).exists());
    assert!(stores.metadata.set_marks(vec![(Mark::SteadyTime, 1)]).await.is_err());
}

#[tokio::test]
async fn a_folder_that_is_missing_is_not_taken_for_a_new_one() {
    let home = TempDir::new().unwrap();
    let number = open(home.path(), Mode::Serve).await.number;
    fs::rename(blobs_in(home.path()), home.path().join("unmounted")).unwrap();
    for mode in [Mode::Serve, Mode::Offline] {
        let why = refusal(StoreConfig::local(home.path(), mode).open().await);
        assert!(why.contains("is missing") && why.contains("gangplank fsck --repair"), "{why}");
        assert!(!blobs_in(home.path()).exists());
    }
    let read = open(home.path(), Mode::Read).await;
    assert_eq!(read.fault.unwrap().what, "is missing, or has lost its file id");
    let rows = StoreConfig::local(home.path(), Mode::Offline).rows().await.unwrap();
    let anew = rows.with_bytes_anew().await.unwrap();
    assert_eq!((anew.number, anew.fault.unwrap().aside), (number, None));
    drop(anew.metadata);
    assert_eq!(open(home.path(), Mode::Serve).await.number, number);
}

#[tokio::test]
async fn the_folder_of_another_database_is_refused_and_put_aside() {
    let home = TempDir::new().unwrap();
    let stores = open(home.path(), Mode::Serve).await;
    let number = stores.number;
    keep(home.path(), &stores, "ours").await;
    drop(stores);
    write_number(&blobs_in(home.path()), 7).unwrap();
    let why = refusal(StoreConfig::local(home.path(), Mode::Serve).open().await);
    assert!(why.contains("is the one of another database"), "{why}");
    let rows = StoreConfig::local(home.path(), Mode::Offline).rows().await.unwrap();
    let anew = rows.with_bytes_anew().await.unwrap();
    let aside = anew.fault.unwrap().aside.unwrap();
    assert_eq!((anew.number, number_of(&aside).unwrap()), (number, Some(7)));
    assert_eq!(aside, home.path().join("blobs-aside"));
}

#[tokio::test]
async fn a_folder_that_lost_its_number_alone_is_kept() {
    let home = TempDir::new().unwrap();
    let stores = open(home.path(), Mode::Serve).await;
    let key = keep(home.path(), &stores, "ours").await;
    drop(stores);
    fs::remove_file(blobs_in(home.path()).join("id")).unwrap();
    refusal(StoreConfig::local(home.path(), Mode::Serve).open().await);
    let rows = StoreConfig::local(home.path(), Mode::Offline).rows().await.unwrap();
    let anew = rows.with_bytes_anew().await.unwrap();
    assert_eq!(anew.fault.unwrap().aside, None);
    assert_eq!(anew.blobs.stat(&key).await.unwrap(), Some(4));
}

#[tokio::test]
async fn only_a_server_takes_a_database_of_another_schema() {
    let home = TempDir::new().unwrap();
    drop(open(home.path(), Mode::Serve).await);
    for (schema, modes) in [
        (1_000_000, &[Mode::Serve, Mode::Offline, Mode::Read][..]),
        // A server would upgrade a database of this schema.
        (3, &[Mode::Offline, Mode::Read]),
    ] {
        let database = rusqlite::Connection::open(database_in(home.path())).unwrap();
        database.pragma_update(None, "user_version", schema).unwrap();
        drop(database);
        for mode in modes {
            let why = refusal(StoreConfig::local(home.path(), *mode).rows().await);
            assert!(why.contains(&schema.to_string()), "{why}");
        }
    }
}
