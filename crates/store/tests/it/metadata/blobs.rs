//! Links of repositories to blobs.

use std::time::Duration;

use gangplank_core::{Tenant, Time};
use gangplank_oci::Digest;
use gangplank_store::blobs::{Checkpoint, ContentKey};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::{BlobDeleted, Discarded, Mount, NewBlob, StoredBlob};
use gangplank_store::metadata::container_images::ImageDeleted;
use gangplank_store::metadata::uploads::{UploadOpened, UploadOwner};

use super::uploads::{fed_by, session};
use crate::world::{
    At, Document, NOW, PLENTY, blob, by, create_service, delete_image, discarded, here, owner_of, quotas,
    register, repository, tenants,
};

metadata_contract! {
    a_blob_is_found_as_added,
    each_repository_has_a_hold_of_its_own,
    content_is_kept_once_in_a_tenant,
    tenants_share_no_content,
    adding_the_same_content_again_discards_nothing,
    damaged_content_is_replaced,
    content_that_is_not_the_damaged_one_is_kept,
    a_blob_ends_its_upload_session,
    a_blob_may_have_another_key_of_its_session,
    a_blob_ends_no_session_but_its_owners,
    a_blob_is_mounted_from_another_repository,
    nothing_is_mounted_from_where_it_is_not,
    a_deleted_blob_is_gone_from_the_repository,
    the_last_hold_takes_the_content_with_it,
    a_registered_blob_is_not_deleted,
    a_registered_blob_can_go_elsewhere,
    discarded_content_is_listed_until_forgotten,
    a_lease_is_renewed_by_asking,
    content_is_told_of_across_repositories,
}

fn digest(content: &str) -> Digest {
    Digest::sha256(content.as_bytes())
}

async fn find(at: &At<'_>, content: &str, now: Time) -> Option<StoredBlob> {
    at.db
        .find_blob(&at.tenant, &at.repository, &digest(content), Some(crate::world::asked(now)))
        .await
        .unwrap()
}

async fn add(at: &At<'_>, blob: NewBlob) -> ContentKey {
    at.db.add_blob(&at.tenant, &at.repository, blob, NOW).await.unwrap().unwrap()
}

async fn delete(at: &At<'_>, content: &str) -> BlobDeleted {
    at.db.delete_blob(&by(), &at.tenant, &at.repository, &digest(content)).await.unwrap()
}

async fn mount(at: &At<'_>, from: &str, content: &str) -> bool {
    let from = repository(from);
    at.db
        .mount_blob(
            &at.tenant,
            &at.repository,
            Mount { from: Some(from.clone()), digest: digest(content), seen_by: None },
            NOW,
            &quotas(),
        )
        .await
        .unwrap()
}

async fn a_blob_is_found_as_added(db: &dyn Metadata) {
    let at = At::sr(db);
    assert_eq!(find(&at, "layer", NOW).await, None);
    let key = ContentKey::unused();
    assert_eq!(add(&at, blob("layer", key.clone())).await, key);
    assert_eq!(find(&at, "layer", NOW).await, Some(StoredBlob { size: 5, key, damaged: false }));
    assert_eq!(find(&at, "other", NOW).await, None);
    assert_eq!(discarded(db).await, []);
}

async fn each_repository_has_a_hold_of_its_own(db: &dyn Metadata) {
    let [a, b] = ["a", "b"].map(|name| At::new(db, here(), name));
    a.add("layer").await;
    assert!(!b.holds("layer").await);
    b.add("layer").await;
    assert!(b.holds("layer").await);
    assert_eq!(delete(&a, "layer").await, BlobDeleted::Deleted);
    assert!(!a.holds("layer").await);
    assert!(b.holds("layer").await);
}

async fn content_is_kept_once_in_a_tenant(db: &dyn Metadata) {
    let [a, b] = ["a", "b"].map(|name| At::new(db, here(), name));
    let [first, second, third] = [(); 3].map(|()| ContentKey::unused());
    assert_eq!(add(&a, blob("layer", first.clone())).await, first);
    assert_eq!(add(&b, blob("layer", second.clone())).await, first);
    assert_eq!(add(&b, blob("layer", third.clone())).await, first);
    assert_eq!(find(&b, "layer", NOW).await.unwrap().key, first);
    let mut expected = [second, third];
    expected.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    let mut found = discarded(db).await;
    found.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    assert_eq!(found, expected);
}

async fn tenants_share_no_content(db: &dyn Metadata) {
    let places = tenants().map(|tenant| At::new(db, tenant, "sr"));
    let mut keys = Vec::new();
    for at in &places {
        assert!(!at.holds("layer").await);
        keys.push(at.add("layer").await);
    }
    keys.dedup();
    assert_eq!(keys.len(), 3);
    assert_eq!(delete(&places[0], "layer").await, BlobDeleted::Deleted);
    assert_eq!(discarded(db).await, keys[..1]);
    for (at, key) in places.iter().zip(keys).skip(1) {
        assert_eq!(find(at, "layer", NOW).await.unwrap().key, key);
    }
}

/// A caller that got no answer adds the same content again.
async fn adding_the_same_content_again_discards_nothing(db: &dyn Metadata) {
    let at = At::sr(db);
    let key = ContentKey::unused();
    for _ in 0..2 {
        assert_eq!(add(&at, blob("layer", key.clone())).await, key);
    }
    assert_eq!(discarded(db).await, []);
}

async fn damaged_content_is_replaced(db: &dyn Metadata) {
    let [a, b] = ["a", "b"].map(|name| At::new(db, here(), name));
    let (old, new) = (a.add("layer").await, ContentKey::unused());
    b.add("layer").await;
    let before = discarded(db).await;
    let replacement = NewBlob { damaged: Some(old.clone()), ..blob("layer", new.clone()) };
    assert_eq!(add(&a, replacement).await, new);
    for at in [&a, &b] {
        assert_eq!(
            find(at, "layer", NOW).await,
            Some(StoredBlob { size: 5, key: new.clone(), damaged: false })
        );
    }
    let gone: Vec<_> = discarded(db).await.into_iter().filter(|key| !before.contains(key)).collect();
    assert_eq!(gone, [old]);
}

/// Two uploads find the same damage. The second must not discard the bytes with which the first has repaired
/// it.
async fn content_that_is_not_the_damaged_one_is_kept(db: &dyn Metadata) {
    let at = At::sr(db);
    let old = at.add("layer").await;
    let [first, second] = [(); 2].map(|()| ContentKey::unused());
    for key in [&first, &second] {
        let blob = NewBlob { damaged: Some(old.clone()), ..blob("layer", key.clone()) };
        assert_eq!(add(&at, blob).await, first);
    }
    let gone = discarded(db).await;
    assert!(gone.contains(&old) && gone.contains(&second) && !gone.contains(&first));
}

async fn a_blob_ends_its_upload_session(db: &dyn Metadata) {
    let at = At::sr(db);
    let owner = UploadOwner { tenant: here(), repository: at.repository.clone(), owner: owner_of(1) };
    for id in ["one", "two"] {
        assert_eq!(db.open_upload(&owner, session(id), PLENTY).await.unwrap(), UploadOpened::Opened);
    }
    add(&at, NewBlob { session: Some(fed_by("one")), ..blob("layer", ContentKey::unused()) }).await;
    assert_eq!(db.upload(&owner, "one").await.unwrap(), None);
    assert!(db.upload(&owner, "two").await.unwrap().is_some());
    assert_eq!(discarded(db).await, [session("one").key], "nothing is under its key");
}

/// Some stores publish under a key that the checkpoint names. The blob gets this key, and the others are
/// discarded.
async fn a_blob_may_have_another_key_of_its_session(db: &dyn Metadata) {
    let at = At::sr(db);
    let owner = UploadOwner { tenant: here(), repository: at.repository.clone(), owner: owner_of(1) };
    let mut keys = [(); 3].map(|()| ContentKey::unused());
    keys.sort();
    let mut upload = session("one");
    upload.checkpoint = Checkpoint { keys: keys.to_vec(), opaque: vec![7], ..upload.checkpoint };
    assert_eq!(db.open_upload(&owner, upload.clone(), PLENTY).await.unwrap(), UploadOpened::Opened);
    assert!(db.unknown_content(keys.to_vec()).await.unwrap().is_empty());
    let blob = NewBlob { session: Some(fed_by("one")), ..blob("layer", keys[1].clone()) };
    assert_eq!(add(&at, blob).await, keys[1]);
    let gone = db.discarded(Time(i64::MAX), 9).await.unwrap();
    // All content is under the key of the blob now, so nothing of the upload is left to cancel.
    for key in [&upload.key, &keys[0], &keys[2]] {
        let wanted = Discarded { key: key.clone(), upload: None };
        assert!(gone.contains(&wanted), "{wanted:?} {gone:?}");
    }
    assert_eq!(gone.len(), 3);
}

async fn a_blob_ends_no_session_but_its_owners(db: &dyn Metadata) {
    let owner = UploadOwner { tenant: here(), repository: repository("sr"), owner: owner_of(1) };
    assert_eq!(db.open_upload(&owner, session("one"), PLENTY).await.unwrap(), UploadOpened::Opened);
    let [_, there, other] = tenants();
    for (tenant, name) in [(there, "sr"), (other, "sr"), (here(), "other")] {
        let blob = NewBlob { session: Some(fed_by("one")), ..blob("layer", ContentKey::unused()) };
        let added = db.add_blob(&tenant, &repository(name), blob, NOW).await.unwrap();
        assert_eq!(added, None, "the session is none of its own");
        assert!(db.upload(&owner, "one").await.unwrap().is_some());
    }
}

async fn a_blob_is_mounted_from_another_repository(db: &dyn Metadata) {
    let [a, b] = ["a", "b"].map(|name| At::new(db, here(), name));
    let key = a.add("layer").await;
    assert!(mount(&b, "a", "layer").await);
    assert!(mount(&b, "a", "layer").await, "again changes nothing");
    assert_eq!(find(&b, "layer", NOW).await, Some(StoredBlob { size: 5, key, damaged: false }));
    delete(&a, "layer").await;
    assert!(b.holds("layer").await, "a hold of its own");
    assert_eq!(discarded(db).await, []);
}

async fn nothing_is_mounted_from_where_it_is_not(db: &dyn Metadata) {
    let at = At::new(db, here(), "b");
    At::new(db, here(), "a").add("layer").await;
    assert!(!mount(&at, "a", "other").await);
    assert!(!mount(&at, "c", "layer").await, "the tenant has it, but not there");
    for tenant in &tenants()[1..] {
        let theirs = At::new(db, tenant.clone(), "b");
        assert!(!mount(&theirs, "a", "layer").await);
        assert!(!theirs.holds("layer").await);
    }
    assert!(!at.holds("layer").await);
    assert_eq!(at.tags().await, None, "a refused mount makes no repository");
}

async fn a_deleted_blob_is_gone_from_the_repository(db: &dyn Metadata) {
    let at = At::sr(db);
    assert_eq!(delete(&at, "layer").await, BlobDeleted::NoSuchBlob);
    at.add("layer").await;
    for tenant in &tenants()[1..] {
        assert_eq!(delete(&At::new(db, tenant.clone(), "sr"), "layer").await, BlobDeleted::NoSuchBlob);
    }
    assert_eq!(delete(&At::new(db, here(), "other"), "layer").await, BlobDeleted::NoSuchBlob);
    assert_eq!(delete(&at, "layer").await, BlobDeleted::Deleted);
    assert_eq!(delete(&at, "layer").await, BlobDeleted::NoSuchBlob);
    assert!(!at.holds("layer").await);
}

async fn the_last_hold_takes_the_content_with_it(db: &dyn Metadata) {
    let [a, b] = ["a", "b"].map(|name| At::new(db, here(), name));
    let key = a.add("layer").await;
    mount(&b, "a", "layer").await;
    delete(&a, "layer").await;
    assert_eq!(discarded(db).await, []);
    delete(&b, "layer").await;
    assert_eq!(discarded(db).await, [key]);
    let new = ContentKey::unused();
    assert_eq!(add(&a, blob("layer", new.clone())).await, new, "the old key is not used again");
}

async fn a_registered_blob_is_not_deleted(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &[]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    create_service(db, &here(), "web").await;
    for manifest in [&image, &index] {
        let registered = register(db, &here(), "web", manifest).await;
        for content in ["config", "layer"] {
            assert_eq!(delete(&at, content).await, BlobDeleted::Registered);
            assert!(at.holds(content).await);
        }
        assert_eq!(delete_image(db, &here(), &registered.name, NOW).await, ImageDeleted::Deleted);
    }
    assert_eq!(delete(&at, "layer").await, BlobDeleted::Deleted);
}

/// A registration needs only the content of its own repository.
async fn a_registered_blob_can_go_elsewhere(db: &dyn Metadata) {
    let image = At::sr(db).image(&["config", "layer"], &[]).await;
    create_service(db, &here(), "web").await;
    register(db, &here(), "web", &image).await;
    let elsewhere = At::new(db, here(), "other");
    elsewhere.image(&["config", "layer"], &[]).await;
    assert_eq!(delete(&elsewhere, "layer").await, BlobDeleted::Deleted);
    assert!(At::sr(db).holds("layer").await);
}

async fn discarded_content_is_listed_until_forgotten(db: &dyn Metadata) {
    let at = At::sr(db);
    let mut keys = Vec::new();
    for content in ["a", "b", "c"] {
        keys.push(at.add(content).await);
        delete(&at, content).await;
    }
    let until = async |time, limit| db.discarded(time, limit).await.unwrap().len();
    assert_eq!((until(NOW, 2).await, until(NOW, 0).await), (2, 0));
    let before = by().steady.minus(Duration::from_millis(1));
    assert_eq!((until(by().steady, 9).await, until(before, 9).await), (3, 0), "they have their time");
    assert_eq!(discarded(db).await.len(), 3);
    let last = keys.pop().unwrap();
    keys.push(ContentKey::unused());
    db.forget_discarded(keys).await.unwrap();
    assert_eq!(discarded(db).await, [last]);
    db.forget_discarded(Vec::new()).await.unwrap();
    assert_eq!(discarded(db).await.len(), 1);
}

/// A lookup at any time finds the blob, also after the clock was set back. The tests of collection show the
/// lease itself.
async fn a_lease_is_renewed_by_asking(db: &dyn Metadata) {
    let at = At::sr(db);
    let key = at.add("layer").await;
    let day = Duration::from_hours(24);
    for now in [NOW, NOW.plus(day), NOW.minus(day), NOW.plus(day * 2), NOW] {
        assert_eq!(
            find(&at, "layer", now).await,
            Some(StoredBlob { size: 5, key: key.clone(), damaged: false })
        );
    }
    delete(&at, "layer").await;
    assert_eq!(find(&at, "layer", NOW.plus(day * 9)).await, None);
}

async fn content_is_told_of_across_repositories(db: &dyn Metadata) {
    let key = At::new(db, here(), "a").add("layer").await;
    let content = async |tenant: &Tenant| db.tenant_content(tenant, &digest("layer")).await.unwrap();
    assert_eq!(content(&here()).await, Some(StoredBlob { size: 5, key, damaged: false }));
    for tenant in &tenants()[1..] {
        assert_eq!(content(tenant).await, None);
    }
    assert_eq!(db.tenant_content(&here(), &digest("other")).await.unwrap(), None);
    delete(&At::new(db, here(), "a"), "layer").await;
    assert_eq!(content(&here()).await, None);
}
