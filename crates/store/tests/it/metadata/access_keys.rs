//! Access keys.

use gangplank_core::{AccountId, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{AccessKey, KeyChange};

use crate::world::{NOW, access_key, here, key_id, tenants};

metadata_contract! {
    a_key_is_kept_as_given,
    an_id_is_taken_once,
    a_deleted_id_stays_taken,
    keys_are_listed_newest_first,
    a_key_is_disabled_and_enabled,
    a_deleted_key_is_gone,
    another_accounts_key_cannot_be_changed,
    the_last_enabled_root_key_stays,
    other_accounts_may_lose_their_last_key,
}

async fn a_key_is_kept_as_given(db: &dyn Metadata) {
    let key = AccessKey { is_root: true, enabled: false, ..access_key(&here(), 1) };
    assert!(db.insert_access_key(key.clone()).await.unwrap());
    let found = db.access_key(&key.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{key:?}"));
    assert!(db.access_key(&key_id(2)).await.unwrap().is_none());
}

async fn an_id_is_taken_once(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    assert!(db.insert_access_key(access_key(&here, 1)).await.unwrap());
    for tenant in [&here, &other] {
        let again = AccessKey { sealed_secret: vec![9], ..access_key(tenant, 1) };
        assert!(!db.insert_access_key(again).await.unwrap());
    }
    let found = db.access_key(&key_id(1)).await.unwrap().unwrap();
    assert_eq!((found.account, found.sealed_secret), (here.account, vec![1; 48]));
}

/// What was refused with the old key must not come to life with a new one of the same id.
async fn a_deleted_id_stays_taken(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(access_key(&other, 1)).await.unwrap();
    assert_eq!(db.delete_access_key(None, &key_id(1)).await.unwrap(), KeyChange::Done);
    for tenant in tenants() {
        assert!(!db.insert_access_key(access_key(&tenant, 1)).await.unwrap());
    }
    assert!(db.access_key(&key_id(1)).await.unwrap().is_none());
}

async fn keys_are_listed_newest_first(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for (number, tenant, age) in [(1, &here, 3), (2, &other, 1), (3, &here, 2)] {
        let key = AccessKey { created_at: Time(NOW.0 - age), ..access_key(tenant, number) };
        assert!(db.insert_access_key(key).await.unwrap());
    }
    let listed = async |account: Option<&AccountId>| {
        let keys = db.access_keys(account).await.unwrap();
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [key_id(2), key_id(3), key_id(1)]);
    assert_eq!(listed(Some(&here.account)).await, [key_id(3), key_id(1)]);
    assert_eq!(listed(Some(&AccountId::parse("999999999999").unwrap())).await, []);
}

async fn a_key_is_disabled_and_enabled(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(access_key(&other, 1)).await.unwrap();
    for account in [None, Some(&other.account)] {
        for on in [false, false, true, true] {
            let changed = db.enable_access_key(account, &key_id(1), on).await.unwrap();
            assert_eq!(changed, KeyChange::Done);
            assert_eq!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled, on);
        }
    }
    let unknown = db.enable_access_key(None, &key_id(2), true).await.unwrap();
    assert_eq!(unknown, KeyChange::NoSuchKey);
}

async fn a_deleted_key_is_gone(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(access_key(&other, 1)).await.unwrap();
    let delete = async || db.delete_access_key(Some(&other.account), &key_id(1)).await.unwrap();
    assert_eq!(delete().await, KeyChange::Done);
    assert_eq!(delete().await, KeyChange::NoSuchKey);
    assert!(db.access_key(&key_id(1)).await.unwrap().is_none());
    assert!(db.access_keys(None).await.unwrap().is_empty());
}

async fn another_accounts_key_cannot_be_changed(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    db.insert_access_key(access_key(&other, 1)).await.unwrap();
    let account = Some(&here.account);
    assert_eq!(db.enable_access_key(account, &key_id(1), false).await.unwrap(), KeyChange::NoSuchKey);
    assert_eq!(db.delete_access_key(account, &key_id(1)).await.unwrap(), KeyChange::NoSuchKey);
    assert!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled);
}

async fn the_last_enabled_root_key_stays(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for (tenant, number) in [(&here, 1), (&here, 2), (&other, 3)] {
        db.insert_access_key(access_key(tenant, number)).await.unwrap();
    }
    let enable = async |number, on| db.enable_access_key(None, &key_id(number), on).await.unwrap();
    let delete = async |number| db.delete_access_key(None, &key_id(number)).await.unwrap();
    assert_eq!(enable(1, false).await, KeyChange::Done);
    assert_eq!(enable(2, false).await, KeyChange::LastRootKey, "key 1 is disabled, 3 is no root key");
    assert_eq!(delete(2).await, KeyChange::LastRootKey);
    assert!(db.access_key(&key_id(2)).await.unwrap().unwrap().enabled);
    assert_eq!(enable(2, true).await, KeyChange::Done, "enabling takes nothing away");
    assert_eq!(delete(1).await, KeyChange::Done, "a disabled key is no way in");
    assert_eq!(delete(2).await, KeyChange::LastRootKey);
}

async fn other_accounts_may_lose_their_last_key(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(access_key(&other, 1)).await.unwrap();
    let account = Some(&other.account);
    assert_eq!(db.enable_access_key(account, &key_id(1), false).await.unwrap(), KeyChange::Done);
    assert_eq!(db.delete_access_key(account, &key_id(1)).await.unwrap(), KeyChange::Done);
}
