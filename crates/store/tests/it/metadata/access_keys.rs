//! Access keys.

use gangplank_core::{AccountId, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{AccessKey, KeyChange, LastRootKey, NewState};

use crate::world::{NOW, PLENTY, access_key, by, change_key, here, key_id, tenants};

metadata_contract! {
    a_key_is_kept_as_given,
    an_id_is_taken_once,
    a_deleted_id_stays_taken,
    keys_are_listed_newest_first,
    keys_are_listed_in_pages,
    a_key_is_disabled_and_enabled,
    a_deleted_key_is_gone,
    another_accounts_key_cannot_be_changed,
    the_last_enabled_root_key_stays,
    other_accounts_may_lose_their_last_key,
}

async fn a_key_is_kept_as_given(db: &dyn Metadata) {
    let key = AccessKey { is_root: true, enabled: false, ..access_key(&here(), 1) };
    assert!(db.insert_access_key(&by(), key.clone(), PLENTY).await.unwrap());
    let found = db.access_key(&key.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{key:?}"));
    assert!(db.access_key(&key_id(2)).await.unwrap().is_none());
}

async fn an_id_is_taken_once(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    assert!(db.insert_access_key(&by(), access_key(&here, 1), PLENTY).await.unwrap());
    for tenant in [&here, &other] {
        let again = AccessKey { sealed_secret: vec![9], ..access_key(tenant, 1) };
        assert!(!db.insert_access_key(&by(), again, PLENTY).await.unwrap());
    }
    let found = db.access_key(&key_id(1)).await.unwrap().unwrap();
    assert_eq!((found.account, found.sealed_secret), (here.account, vec![1; 48]));
}

/// What was refused with the old key must not come to life with a new one of the same id.
async fn a_deleted_id_stays_taken(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&other, 1), PLENTY).await.unwrap();
    assert_eq!(change_key(db, None, &key_id(1), NewState::Deleted).await, KeyChange::Done);
    for tenant in tenants() {
        assert!(!db.insert_access_key(&by(), access_key(&tenant, 1), PLENTY).await.unwrap());
    }
    assert!(db.access_key(&key_id(1)).await.unwrap().is_none());
}

async fn keys_are_listed_newest_first(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for (number, tenant, age) in [(1, &here, 3), (2, &other, 1), (3, &here, 2)] {
        let key = AccessKey { created_at: Time(NOW.0 - age), ..access_key(tenant, number) };
        assert!(db.insert_access_key(&by(), key, PLENTY).await.unwrap());
    }
    let listed = async |account: Option<&AccountId>| {
        let keys = db.access_keys(account, None, 1_000).await.unwrap().keys;
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [key_id(2), key_id(3), key_id(1)]);
    assert_eq!(listed(Some(&here.account)).await, [key_id(3), key_id(1)]);
    assert_eq!(listed(Some(&AccountId::parse("999999999999").unwrap())).await, []);
}

async fn keys_are_listed_in_pages(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    // Several of one moment.
    for number in 1..=9 {
        let tenant = if number == 5 { &other } else { &here };
        let key = AccessKey { created_at: Time(NOW.0 + i64::from(number) / 4), ..access_key(tenant, number) };
        assert!(db.insert_access_key(&by(), key, PLENTY).await.unwrap());
    }
    for account in [None, Some(&here.account)] {
        let all = db.access_keys(account, None, 1_000).await.unwrap();
        assert_eq!(all.more, None);
        for size in 1..4 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = db.access_keys(account, after, size).await.unwrap();
                assert!(page.keys.len() <= size);
                found.extend(page.keys.into_iter().map(|key| key.id));
                after = page.more;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = all.keys.iter().map(|key| key.id.clone()).collect();
            assert_eq!(found, expected, "{size} {account:?}");
        }
    }
}

async fn a_key_is_disabled_and_enabled(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&other, 1), PLENTY).await.unwrap();
    for account in [None, Some(&other.account)] {
        let [on, off] = [NewState::Enabled, NewState::Disabled];
        for state in [off, off, on, on] {
            assert_eq!(change_key(db, account, &key_id(1), state).await, KeyChange::Done);
            assert_eq!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled, state == on);
        }
    }
    let unknown = change_key(db, None, &key_id(2), NewState::Enabled).await;
    assert_eq!(unknown, KeyChange::NoSuchKey);
}

async fn a_deleted_key_is_gone(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&other, 1), PLENTY).await.unwrap();
    let delete = async || change_key(db, Some(&other.account), &key_id(1), NewState::Deleted).await;
    assert_eq!(delete().await, KeyChange::Done);
    assert_eq!(delete().await, KeyChange::NoSuchKey);
    assert!(db.access_key(&key_id(1)).await.unwrap().is_none());
    assert!(db.access_keys(None, None, 1_000).await.unwrap().keys.is_empty());
}

async fn another_accounts_key_cannot_be_changed(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&other, 1), PLENTY).await.unwrap();
    let account = Some(&here.account);
    assert_eq!(change_key(db, account, &key_id(1), NewState::Disabled).await, KeyChange::NoSuchKey);
    assert_eq!(change_key(db, account, &key_id(1), NewState::Deleted).await, KeyChange::NoSuchKey);
    assert!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled);
}

async fn the_last_enabled_root_key_stays(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for number in [1, 2] {
        let root = AccessKey { is_root: true, ..access_key(&here, number) };
        db.insert_access_key(&by(), root, PLENTY).await.unwrap();
    }
    for (tenant, number) in [(&here, 3), (&other, 4)] {
        db.insert_access_key(&by(), access_key(tenant, number), PLENTY).await.unwrap();
    }
    let change = async |number, state| change_key(db, None, &key_id(number), state).await;
    let [on, off, deleted] = [NewState::Enabled, NewState::Disabled, NewState::Deleted];
    assert_eq!(change(1, off).await, KeyChange::Done);
    assert_eq!(change(2, off).await, KeyChange::IsLastRootKey, "1 is disabled, 3 and 4 are no root keys");
    assert_eq!(change(2, deleted).await, KeyChange::IsLastRootKey);
    assert!(db.access_key(&key_id(2)).await.unwrap().unwrap().enabled);
    assert_eq!(change(2, on).await, KeyChange::Done, "enabling takes nothing away");
    assert_eq!(change(1, deleted).await, KeyChange::Done, "a disabled key is no way in");
    assert_eq!(change(2, deleted).await, KeyChange::IsLastRootKey);
    assert_eq!(change(3, deleted).await, KeyChange::Done, "an ordinary key of the same account");
    let released = db.change_access_key(&by(), None, &key_id(2), off, LastRootKey::Release).await.unwrap();
    assert_eq!(released, KeyChange::Done);
}

async fn other_accounts_may_lose_their_last_key(db: &dyn Metadata) {
    let [_, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&other, 1), PLENTY).await.unwrap();
    let account = Some(&other.account);
    assert_eq!(change_key(db, account, &key_id(1), NewState::Disabled).await, KeyChange::Done);
    assert_eq!(change_key(db, account, &key_id(1), NewState::Deleted).await, KeyChange::Done);
}
