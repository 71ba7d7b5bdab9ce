//! Access keys.

use std::collections::BTreeSet;
use std::time::Duration;

use gangplank_core::policy::{Limits, Preset};
use gangplank_core::{AccountId, LoginLimits, Permission, Tenant, Time};
use gangplank_store::StoreError;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{
    AccessKey, DisabledWithMade, KeyChange, LastRootKey, MADE_AT_ONCE, NewState,
};
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::registry_logins::LoginLookup;
use gangplank_store::metadata::roles::RoleChange;

use crate::world::{
    NOW, PLENTY, access_key, by, by_key, change_key, create_login, create_session, here, key_id, narrow,
    new_role, owner_of, password, push_login, role_name, session_login, tenants,
};

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
    the_last_use_of_a_key_is_noted,
    what_limits_a_key,
    a_key_is_disabled_with_all_that_it_made,
    so_many_are_disabled_at_once,
    the_last_root_key_outlives_its_maker,
    another_accounts_key_is_not_disabled_with_what_it_made,
    a_key_that_has_ended_gives_no_rights,
}

/// Key 1 is disabled, and key 2 deleted, after their calls were authorized.
async fn a_key_that_has_ended_gives_no_rights(db: &dyn Metadata) {
    for number in [1, 2, 3] {
        make(db, &here(), 9, number).await;
    }
    db.insert_role(&by(), new_role(&here(), "robot"), PLENTY).await.unwrap();
    change_key(db, None, &key_id(1), NewState::Disabled).await;
    change_key(db, None, &key_id(2), NewState::Deleted).await;
    change_key(db, None, &key_id(3), NewState::Disabled).await;
    let ended = |refused: StoreError| assert!(matches!(refused, StoreError::CallerEnded), "{refused:?}");
    for caller in [1, 2] {
        let by = by_key(caller);
        ended(db.insert_access_key(&by, access_key(&here(), 4), PLENTY).await.unwrap_err());
        for key in [1, 3] {
            let key = key_id(key);
            let enabled = db.change_access_key(&by, None, &key, NewState::Enabled, LastRootKey::Keep).await;
            ended(enabled.unwrap_err());
        }
        ended(db.insert_role(&by, new_role(&here(), "other"), PLENTY).await.unwrap_err());
        let change = RoleChange { enabled: Some(false), ..RoleChange::default() };
        ended(db.change_role(&by, &here().account, &role_name("robot"), change).await.unwrap_err());
    }
    assert_eq!(enabled(db).await, Vec::<u8>::new());
    assert!(db.role(&here().account, &role_name("other")).await.unwrap().is_none());
    assert!(db.role(&here().account, &role_name("robot")).await.unwrap().unwrap().enabled);
    // An ended key may still take rights away.
    let (by, key) = (by_key(1), key_id(3));
    let deleted = db.change_access_key(&by, None, &key, NewState::Deleted, LastRootKey::Keep).await;
    assert_eq!(deleted.unwrap(), KeyChange::Done);
}

async fn the_last_use_of_a_key_is_noted(db: &dyn Metadata) {
    for number in [1, 2] {
        db.insert_access_key(&by(), access_key(&here(), number), PLENTY).await.unwrap();
    }
    db.note_key_use(vec![(key_id(1), NOW), (key_id(9), NOW)]).await.unwrap();
    let listed = db.access_keys(None, None, 9).await.unwrap().keys;
    let used: Vec<_> = listed.iter().map(|key| (key.id.clone(), key.last_used_at)).collect();
    assert_eq!(used.len(), 2);
    assert!(used.contains(&(key_id(1), Some(NOW))) && used.contains(&(key_id(2), None)));
}

async fn what_limits_a_key(_db: &dyn Metadata) {
    let key = access_key(&here(), 1);
    assert!(!key.is_limited() && !key.has_expired(Time(i64::MAX)));
    let ends = AccessKey { expires_at: Some(NOW), ..key.clone() };
    assert!(ends.is_limited() && ends.has_expired(NOW) && !ends.has_expired(Time(NOW.0 - 1)));
    let permission = Permission::of_preset(Preset::All, Limits::default()).unwrap();
    assert!(AccessKey { permission: Some(permission), ..key.clone() }.is_limited());
    let limits = LoginLimits { reach: narrow(), ..LoginLimits::default() };
    assert!(AccessKey { limits, ..key }.is_limited());
}

/// Makes key `number`; key `maker` is its maker.
async fn make(db: &dyn Metadata, tenant: &Tenant, maker: u8, number: u8) {
    assert!(db.insert_access_key(&by_key(maker), access_key(tenant, number), PLENTY).await.unwrap());
}

async fn enabled(db: &dyn Metadata) -> Vec<u8> {
    let keys = db.access_keys(None, None, 1_000).await.unwrap().keys;
    let is_on = |number: &u8| keys.iter().any(|key| key.id == key_id(*number) && key.enabled);
    (1..100).filter(is_on).collect()
}

async fn disable_all(db: &dyn Metadata, number: u8) -> (KeyChange, DisabledWithMade) {
    db.disable_with_made(&by(), None, &key_id(number), LastRootKey::Keep).await.unwrap()
}

async fn a_key_is_disabled_with_all_that_it_made(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for (maker, number) in [(9, 1), (1, 2), (2, 3), (3, 4), (9, 5), (5, 6)] {
        make(db, if number == 4 { &other } else { &here }, maker, number).await;
    }
    // The search passes a key that is already disabled.
    for (maker, name) in [(1, "one"), (3, "three"), (5, "five")] {
        db.insert_role(&by_key(maker), new_role(&here, name), PLENTY).await.unwrap();
    }
    change_key(db, None, &key_id(3), NewState::Disabled).await;
    let role = db.role(&here.account, &role_name("three")).await.unwrap().unwrap();
    create_session(db, &role, 1).await;
    create_login(db, session_login(&here, &role, 1)).await;
    create_login(db, push_login(&other, 4)).await;
    let (change, made) = disable_all(db, 1).await;
    assert_eq!(change, KeyChange::Done);
    assert_eq!(enabled(db).await, [5, 6]);
    let mut keys = made.keys;
    keys.sort();
    assert_eq!(keys, [key_id(2), key_id(4)]);
    let mut roles: Vec<_> = made.roles.iter().map(|(_, name)| name.as_str()).collect();
    roles.sort_unstable();
    assert_eq!((roles, made.more), (vec!["one", "three"], false));
    for (name, is_on) in [("one", false), ("three", false), ("five", true)] {
        let role = db.role(&here.account, &role_name(name)).await.unwrap().unwrap();
        assert_eq!(role.enabled, is_on, "{name}");
    }
    for number in [1, 4] {
        let login = db.login(&password(number).hash()).await.unwrap();
        assert!(matches!(login, LoginLookup::Revoked(_)), "{login:?}");
    }
    let events = db.audit_events(&AuditFilter::default(), None, 5).await.unwrap().events;
    let subjects: BTreeSet<_> = events.into_iter().filter_map(|event| event.subject).collect();
    let keys = [1, 2, 4].map(|number| key_id(number).to_string());
    let expected = keys.into_iter().chain(["one", "three"].map(str::to_owned));
    assert_eq!(subjects, expected.collect());
    let again = disable_all(db, 1).await;
    assert_eq!(again, (KeyChange::Done, DisabledWithMade::default()));
}

async fn so_many_are_disabled_at_once(db: &dyn Metadata) {
    make(db, &here(), 9, 1).await;
    for number in 0..MADE_AT_ONCE + 7 {
        let role = new_role(&here(), &format!("r{number}"));
        db.insert_role(&by_key(1), role, PLENTY).await.unwrap();
    }
    let (_, first) = disable_all(db, 1).await;
    assert_eq!((first.roles.len(), first.more), (MADE_AT_ONCE, true));
    let (_, rest) = disable_all(db, 1).await;
    assert_eq!((rest.roles.len(), rest.more), (7, false));
}

async fn the_last_root_key_outlives_its_maker(db: &dyn Metadata) {
    make(db, &here(), 9, 1).await;
    let root = AccessKey { is_root: true, ..access_key(&here(), 2) };
    db.insert_access_key(&by_key(1), root, PLENTY).await.unwrap();
    make(db, &here(), 2, 3).await;
    let (_, made) = disable_all(db, 1).await;
    assert_eq!(made.keys, [key_id(3)], "what it made is gone through all the same");
    assert_eq!(enabled(db).await, [2]);
    assert_eq!(disable_all(db, 2).await.0, KeyChange::IsLastRootKey);
}

async fn another_accounts_key_is_not_disabled_with_what_it_made(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    make(db, &here, 9, 1).await;
    make(db, &here, 1, 2).await;
    let asked =
        db.disable_with_made(&by(), Some(&other.account), &key_id(1), LastRootKey::Keep).await.unwrap();
    assert_eq!(asked, (KeyChange::NoSuchKey, DisabledWithMade::default()));
    assert_eq!(enabled(db).await, [1, 2]);
}

async fn a_key_is_kept_as_given(db: &dyn Metadata) {
    let (account, bare) = (here().account, access_key(&here(), 1));
    let permission = Permission::of_preset(Preset::Push, Limits::default()).unwrap();
    let whole = AccessKey {
        permission: Some(permission),
        limits: LoginLimits { max_life: Some(Duration::from_mins(30)), reach: narrow() },
        expires_at: Some(NOW.plus(Duration::from_hours(1))),
        description: "the old build machine".to_owned(),
        ..access_key(&here(), 3)
    };
    for key in [AccessKey { is_root: true, enabled: false, ..bare }, whole] {
        assert!(db.insert_access_key(&by_key(9), key.clone(), PLENTY).await.unwrap());
        let kept = AccessKey { made_by: Some(owner_of(9)), ..key };
        let found = db.access_key(&kept.id).await.unwrap().unwrap();
        assert_eq!(format!("{found:?}"), format!("{kept:?}"));
        let listed = db.access_keys(Some(&account), None, 9).await.unwrap().keys;
        assert!(listed.iter().any(|key| format!("{key:?}") == format!("{kept:?}")));
    }
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

/// Logins of the deleted key must not work again with a new key of the same id.
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
    // Several keys have the same time.
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
