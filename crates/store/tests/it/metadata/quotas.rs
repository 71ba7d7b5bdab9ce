//! Quotas of accounts.

use gangplank_core::{OverQuota, Quota, Quotas, Time};
use gangplank_store::StoreError;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::NewBlob;
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};
use gangplank_store::metadata::registry_logins::{NewLogin, Requires};
use gangplank_store::metadata::uploads::UploadOwner;

use super::uploads::fed;
use crate::world::{
    At, Document, NOW, PLENTY, access_key, blob, by, create_login, here, owner_of, push_login, quotas,
    repository, tag, tenants,
};

metadata_contract! {
    a_quota_holds_for_all_regions_of_an_account,
    nothing_stays_of_what_was_too_much,
    bytes_are_those_of_contents_manifests_and_what_is_staged,
    logins_that_ended_are_not_counted,
    one_key_has_half_of_the_logins,
    an_account_has_so_many_keys,
    push_logins_hang_so_many_manifests_on_one,
    an_account_is_alone_until_another_has_a_key,
}

fn over(result: gangplank_store::Result<impl std::fmt::Debug>) -> (Quota, u64, u64) {
    match result {
        Err(StoreError::OverQuota(OverQuota { quota, used, allowed })) => (quota, used, allowed),
        other => panic!("{other:?}"),
    }
}

async fn add(at: &At<'_>, content: &str, quotas: Quotas) -> gangplank_store::Result<Option<ContentKey>> {
    let blob = NewBlob { quotas, ..blob(content, ContentKey::unused()) };
    at.db.add_blob(&at.tenant, &at.repository, blob, NOW).await
}

async fn a_quota_holds_for_all_regions_of_an_account(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    let two = Quotas { repositories: 2, ..quotas() };
    for (tenant, name) in [(&here, "a"), (&there, "a")] {
        add(&At::new(db, tenant.clone(), name), "x", two).await.unwrap();
    }
    assert_eq!(over(add(&At::new(db, there, "b"), "x", two).await), (Quota::Repositories, 2, 2));
    add(&At::new(db, other, "b"), "x", two).await.unwrap();
    add(&At::new(db, here, "a"), "y", two).await.unwrap();
}

async fn nothing_stays_of_what_was_too_much(db: &dyn Metadata) {
    let at = At::sr(db);
    let (first, second) = (at.image(&["config"], &["a"]).await, at.image(&["config", "layer"], &["b"]).await);
    let third = Document::image(&["layer", "config"]);
    let put = async |document: &Document, quotas, name: &str| {
        let manifest = NewManifest { quotas, tags: vec![tag(name)], ..document.put() };
        db.put_manifest(&by(), &at.tenant, &at.repository, manifest).await
    };
    let tags = Quotas { tags: 2, ..quotas() };
    assert_eq!(over(put(&first, tags, "c").await), (Quota::Tags, 2, 2));
    let manifests = Quotas { manifests: 2, ..quotas() };
    assert_eq!(over(put(&third, manifests, "a").await), (Quota::Manifests, 2, 2));
    assert_eq!(at.tags().await.unwrap(), ["a", "b"]);
    assert_eq!(at.get(&third.reference()).await, None);
    assert_eq!(at.get(&crate::world::tagged("a")).await.unwrap(), first.stored(), "the tag has not moved");
    assert_eq!(put(&second, tags, "a").await.unwrap(), ManifestOutcome::Stored, "no more tags than before");
    let elsewhere = At::new(db, here(), "elsewhere");
    over(add(&elsewhere, "new", Quotas { repositories: 1, ..quotas() }).await);
    assert!(!elsewhere.holds("new").await);
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
}

async fn bytes_are_those_of_contents_manifests_and_what_is_staged(db: &dyn Metadata) {
    let at = At::sr(db);
    let owner = UploadOwner { tenant: here(), repository: repository("sr"), owner: owner_of(1) };
    let staged = fed("one", 100);
    db.open_upload(&owner, staged, PLENTY).await.unwrap();
    at.add("12345").await;
    at.add("12345").await;
    assert_eq!(db.used_bytes(&here()).await.unwrap(), 105);
    let allowed = |bytes| Quotas { account_bytes: Some(bytes), ..quotas() };
    assert_eq!(over(add(&at, "1234567", allowed(111)).await), (Quota::Bytes, 105, 111));
    add(&at, "123456", allowed(111)).await.unwrap();
    let other = At::new(db, here(), "other");
    add(&other, "123456", allowed(111)).await.unwrap();
    let image = Document::image(&["12345"]);
    let room = 111 + image.body.len() as u64;
    for (bytes, fits) in [(room - 1, false), (room, true)] {
        let manifest = NewManifest { quotas: allowed(bytes), ..image.put() };
        let put = db.put_manifest(&by(), &at.tenant, &at.repository, manifest).await;
        assert_eq!(put.is_ok(), fits, "{put:?}");
    }
    assert_eq!(db.used_bytes(&here()).await.unwrap(), room);
    assert_eq!(db.used_bytes(&tenants()[2]).await.unwrap(), 0);
    let largest = [(here().account.to_string(), room)];
    assert_eq!(db.largest_accounts(1).await.unwrap(), largest);
    assert_eq!(db.largest_accounts(0).await.unwrap(), []);
}

async fn login(db: &dyn Metadata, number: u8, owner: u8, now: Time) -> gangplank_store::Result<bool> {
    let login = NewLogin {
        owner: owner_of(owner),
        created_at: now,
        expires_at: now.plus(gangplank_core::registry_login::LIFETIME),
        ..push_login(&here(), number)
    };
    db.insert_login(&by(), login, Requires::Nothing, 4).await.map(|_| true)
}

async fn logins_that_ended_are_not_counted(db: &dyn Metadata) {
    for number in 0..4 {
        login(db, number, number % 2, NOW).await.unwrap();
    }
    assert_eq!(over(login(db, 9, 3, NOW).await), (Quota::RegistryLogins, 4, 4));
    let id = db.logins(&here(), NOW, None, 9).await.unwrap().logins[0].id;
    db.revoke_login(&by(), &here(), id, NOW).await.unwrap();
    login(db, 10, 3, NOW).await.unwrap();
    over(login(db, 11, 3, NOW).await);
    let later = NOW.plus(gangplank_core::registry_login::LIFETIME);
    for number in 12..14 {
        login(db, number, 3, later).await.unwrap();
    }
}

async fn one_key_has_half_of_the_logins(db: &dyn Metadata) {
    for number in 0..2 {
        login(db, number, 1, NOW).await.unwrap();
    }
    assert_eq!(over(login(db, 2, 1, NOW).await), (Quota::LoginsOfPrincipal, 2, 2));
    login(db, 3, 2, NOW).await.unwrap();
    assert_eq!(db.logins(&here(), NOW, None, 9).await.unwrap().logins.len(), 3);
}

async fn an_account_has_so_many_keys(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    for (tenant, number) in [(&here, 1), (&there, 2), (&other, 3)] {
        assert!(db.insert_access_key(&by(), access_key(tenant, number), 2).await.unwrap());
    }
    let refused = db.insert_access_key(&by(), access_key(&here, 4), 2).await;
    assert_eq!(over(refused), (Quota::AccessKeys, 2, 2));
}

async fn push_logins_hang_so_many_manifests_on_one(db: &dyn Metadata) {
    let at = At::sr(db);
    let subject = at.image(&["config"], &[]).await;
    let about = |number: u32| Document::about(&subject, &format!("a/{number}"), &["config"]);
    let put = async |number, by_push_login: bool| {
        let pushed_by = by_push_login.then(|| owner_of(1));
        at.put(NewManifest { pushed_by, ..about(number).put() }).await
    };
    for number in 0..256 {
        assert_eq!(put(number, true).await, ManifestOutcome::Stored);
    }
    assert_eq!(put(256, true).await, ManifestOutcome::TooManyAbout(subject.digest()));
    assert_eq!(put(3, true).await, ManifestOutcome::Stored, "it is there");
    assert_eq!(put(256, false).await, ManifestOutcome::Stored, "others may");
    assert_eq!(put(256, true).await, ManifestOutcome::Stored, "and it is no more of theirs");
    db.delete_manifest(&by(), &here(), &at.repository, &about(0).digest(), NOW).await.unwrap();
    assert_eq!(put(300, true).await, ManifestOutcome::Stored);
    let another = at.image(&["config", "layer"], &[]).await;
    let manifest =
        NewManifest { pushed_by: Some(owner_of(1)), ..Document::about(&another, "a/1", &["config"]).put() };
    assert_eq!(at.put(manifest).await, ManifestOutcome::Stored);
}

async fn an_account_is_alone_until_another_has_a_key(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    assert!(db.is_alone(&here.account).await.unwrap());
    db.insert_access_key(&by(), access_key(&here, 1), PLENTY).await.unwrap();
    assert!(db.is_alone(&here.account).await.unwrap());
    assert!(!db.is_alone(&other.account).await.unwrap());
    create_login(db, push_login(&here, 1)).await;
    db.insert_access_key(&by(), access_key(&other, 2), PLENTY).await.unwrap();
    assert!(!db.is_alone(&here.account).await.unwrap());
}
