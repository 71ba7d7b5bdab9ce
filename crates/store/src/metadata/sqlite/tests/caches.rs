//! A request that comes after an acknowledged change sees it, however many requests run at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::scratch;
use super::world::{
    NOW, PLENTY, access_key, by, change_key, create_login, create_role, create_service, create_session,
    delete_service, here, key_id, password, push_login, role_name, service_id, session_key, session_login,
};
use crate::metadata::access_keys::NewState;
use crate::metadata::registry_logins::LoginLookup;
use crate::metadata::role_sessions::Credential;
use crate::metadata::roles::RoleChange;
use crate::metadata::sqlite::Sqlite;
use crate::metadata::{AccessKeys as _, RegistryLogins as _, RoleSessions as _, Roles as _};

async fn is_live(db: &Sqlite, number: u8) -> bool {
    matches!(db.login(&password(number).hash()).await.unwrap(), LoginLookup::Live(_))
}

/// Enables or disables key 1.
async fn switch(db: &Sqlite, on: bool) {
    let state = if on { NewState::Enabled } else { NewState::Disabled };
    change_key(db, None, &key_id(1), state).await;
}

/// A store with keys 1 and 2, and a login of key 1 that is cached.
async fn with_a_login(db: &Sqlite) -> gangplank_core::LoginId {
    let tenant = here();
    for number in [1, 2] {
        assert!(db.insert_access_key(&by(), access_key(&tenant, number), PLENTY).await.unwrap());
    }
    create_service(db, &tenant, "web").await;
    let login = create_login(db, push_login(&tenant, 1)).await;
    assert!(is_live(db, 1).await && is_live(db, 1).await);
    login
}

#[tokio::test]
async fn a_revoked_login_is_refused_at_once() {
    let (_directory, db) = scratch();
    let login = with_a_login(&db).await;
    assert!(db.revoke_login(&by(), &here(), login, NOW).await.unwrap());
    assert!(!is_live(&db, 1).await);
}

#[tokio::test]
async fn the_logins_of_a_key_follow_its_state_at_once() {
    let (_directory, db) = scratch();
    with_a_login(&db).await;
    for on in [false, true, false, true] {
        switch(&db, on).await;
        assert_eq!(is_live(&db, 1).await, on);
        assert_eq!(db.access_key(&key_id(1)).await.unwrap().unwrap().enabled, on);
    }
    change_key(&db, None, &key_id(1), NewState::Deleted).await;
    assert!(!is_live(&db, 1).await);
    assert!(db.access_key(&key_id(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_pull_login_ends_with_its_service_at_once() {
    let (_directory, db) = scratch();
    with_a_login(&db).await;
    let login = crate::metadata::registry_logins::NewLogin {
        service: Some(service_id(&db, &here(), "web").await),
        ..push_login(&here(), 2)
    };
    create_login(&db, login).await;
    assert!(is_live(&db, 2).await);
    delete_service(&db, &here(), "web", NOW).await;
    assert!(!is_live(&db, 2).await);
    assert!(is_live(&db, 1).await, "a push login needs no service any more");
}

async fn is_session_live(db: &Sqlite) -> bool {
    match db.credential(&session_key(1)).await.unwrap() {
        Some(Credential::Session(session)) => session.role.is_some(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sessions_and_logins_of_a_role_end_with_it_at_once() {
    for delete in [false, true] {
        let (_directory, db) = scratch();
        let role = create_role(&db, &here(), "push").await;
        create_session(&db, &role, 1).await;
        create_login(&db, session_login(&here(), &role, 1)).await;
        for _ in 0..2 {
            assert!(is_live(&db, 1).await && is_session_live(&db).await, "kept from the first time on");
        }
        if delete {
            assert!(db.delete_role(&by(), &here().account, &role_name("push")).await.unwrap());
        } else {
            let off = RoleChange { enabled: Some(false), ..RoleChange::default() };
            db.change_role(&by(), &here().account, &role_name("push"), off).await.unwrap().unwrap();
        }
        assert!(!is_live(&db, 1).await && !is_session_live(&db).await);
    }
}

#[tokio::test]
async fn a_session_that_was_asked_for_too_early_is_found_when_it_is_there() {
    let (_directory, db) = scratch();
    let role = create_role(&db, &here(), "push").await;
    assert!(db.credential(&session_key(1)).await.unwrap().is_none());
    create_session(&db, &role, 1).await;
    assert!(is_session_live(&db).await);
}

/// Each reader counts the acknowledged changes before it asks. The answer may be newer than this count, but
/// never older. Other writes keep the commits busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_what_was_true_before_an_acknowledged_change() {
    const CHANGES: u64 = 400;
    let (_directory, db) = scratch();
    with_a_login(&db).await;
    let (db, over) = (Arc::new(db), Arc::new(AtomicBool::new(false)));
    // The key is enabled after an even number of changes, and disabled after an odd one. `begun` and `ended` count
    // changes.
    let (begun, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (db, over) = (Arc::clone(&db), Arc::clone(&over));
            let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let mut asked = 0_u64;
                while !over.load(Ordering::Acquire) {
                    let before = ended.load(Ordering::Acquire);
                    let live = runtime.block_on(is_live(&db, 1));
                    let after = begun.load(Ordering::Acquire);
                    // If no change is in progress, there is exactly one right answer.
                    if before == after {
                        assert_eq!(live, before.is_multiple_of(2), "after {before} changes");
                    }
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for change in 1..=CHANGES {
        begun.store(change, Ordering::Release);
        switch(&db, change.is_multiple_of(2)).await;
        ended.store(change, Ordering::Release);
        if change.is_multiple_of(8) {
            // Meanwhile there are other commits. They take no rights away and must delay nothing here.
            create_login(&*db, push_login(&here(), u8::try_from(10 + change / 8).unwrap())).await;
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::Release);
    let asked: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    assert!(asked > CHANGES, "asked {asked} times");
}
