//! Console logins, and links to the console.

use std::time::Duration;

use gangplank_core::console::{IDLE, LONGEST, over_at};
use gangplank_core::{ConsoleSecret, ConsoleSecretHash, EventKind, Region, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::console_logins::{
    ConsoleLink, MOST_OF_A_KEY, NewConsoleLink, NewConsoleLogin,
};

use crate::world::{NOW, by, here, key_id};

metadata_contract! {
    a_link_is_used_once,
    a_link_ends,
    a_login_is_found_until_it_is_over,
    signing_out_ends_one_login_or_all_of_a_key,
    a_key_has_so_many_and_loses_the_oldest,
    what_is_over_is_forgotten,
}

fn secret(number: u8) -> ConsoleSecretHash {
    ConsoleSecret::generate([number; 32]).hash()
}

pub(crate) fn new_link(number: u8) -> NewConsoleLink {
    NewConsoleLink {
        secret: secret(number),
        key: key_id(1),
        tenant: here(),
        created_at: NOW,
        ends_at: NOW.plus(Duration::from_mins(1)),
    }
}

pub(crate) fn new_console_login(number: u8, key: u8) -> NewConsoleLogin {
    let ends_at = NOW.plus(LONGEST);
    NewConsoleLogin {
        secret: secret(number),
        key: key_id(key),
        tenant: here(),
        address: [192, 0, 2, 1].into(),
        created_at: NOW,
        over_at: over_at(NOW, ends_at),
        ends_at,
    }
}

async fn kinds(db: &dyn Metadata) -> Vec<EventKind> {
    let page = db.audit_events(&AuditFilter::default(), None, 1_000).await.unwrap();
    page.events.iter().rev().map(|event| event.kind).collect()
}

async fn a_link_is_used_once(db: &dyn Metadata) {
    db.insert_console_link(&by(), new_link(1)).await.unwrap();
    db.insert_console_link(&by(), new_link(2)).await.unwrap();
    let expected = ConsoleLink { key: key_id(1), region: here().region };
    let first = secret(1);
    let (one, other) = tokio::join!(db.use_console_link(&first, NOW), db.use_console_link(&first, NOW));
    let got: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    assert_eq!(got, std::slice::from_ref(&expected), "one of two who come at once gets it");
    assert_eq!(db.use_console_link(&secret(1), NOW).await.unwrap(), None);
    assert_eq!(db.use_console_link(&secret(2), NOW).await.unwrap(), Some(expected));
    assert_eq!(db.use_console_link(&secret(3), NOW).await.unwrap(), None);
    assert_eq!(kinds(db).await, [EventKind::CreateConsoleLink; 2]);
}

async fn a_link_ends(db: &dyn Metadata) {
    db.insert_console_link(&by(), new_link(1)).await.unwrap();
    assert_eq!(db.use_console_link(&secret(1), NOW.plus(Duration::from_mins(1))).await.unwrap(), None);
    assert_eq!(db.use_console_link(&secret(1), NOW).await.unwrap(), None, "whoever came late has used it up");
}

async fn a_login_is_found_until_it_is_over(db: &dyn Metadata) {
    db.insert_console_login(&by(), new_console_login(1, 1)).await.unwrap();
    let found = db.console_login(&secret(1), NOW).await.unwrap().unwrap();
    assert_eq!((found.key, found.region), (key_id(1), Region::default_region()));
    assert_eq!((found.over_at, found.ends_at), (NOW.plus(IDLE), NOW.plus(LONGEST)));
    assert!(db.console_login(&secret(2), NOW).await.unwrap().is_none());
    assert!(db.console_login(&secret(1), NOW.plus(IDLE)).await.unwrap().is_none());
    db.prolong_console_login(found.id, NOW.plus(IDLE * 2)).await.unwrap();
    assert!(db.console_login(&secret(1), NOW.plus(IDLE)).await.unwrap().is_some());
    assert!(db.console_login(&secret(1), NOW.plus(IDLE * 2)).await.unwrap().is_none());
}

async fn signing_out_ends_one_login_or_all_of_a_key(db: &dyn Metadata) {
    for (number, key) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        db.insert_console_login(&by(), new_console_login(number, key)).await.unwrap();
    }
    db.insert_console_link(&by(), new_link(9)).await.unwrap();
    let first = db.console_login(&secret(1), NOW).await.unwrap().unwrap();
    assert!(db.end_console_login(&by(), &here(), first.id).await.unwrap());
    assert!(!db.end_console_login(&by(), &here(), first.id).await.unwrap());
    assert!(db.console_login(&secret(1), NOW).await.unwrap().is_none());
    assert_eq!(db.end_console_logins_of(&by(), &here(), &key_id(1)).await.unwrap(), 2);
    assert_eq!(db.end_console_logins_of(&by(), &here(), &key_id(1)).await.unwrap(), 0);
    assert!(db.use_console_link(&secret(9), NOW).await.unwrap().is_none(), "links end with them");
    assert!(db.console_login(&secret(4), NOW).await.unwrap().is_some(), "another key's goes on");
    db.forget_console_logins_of(&key_id(2)).await.unwrap();
    assert!(db.console_login(&secret(4), NOW).await.unwrap().is_none());
    let kinds = kinds(db).await;
    assert_eq!(kinds[5..], [EventKind::ConsoleSignedOut; 2], "what ended nothing is no event: {kinds:?}");
}

async fn a_key_has_so_many_and_loses_the_oldest(db: &dyn Metadata) {
    let most = u8::try_from(MOST_OF_A_KEY).unwrap();
    for number in 0..=most {
        db.insert_console_login(&by(), new_console_login(number, 1)).await.unwrap();
        let at = Time(NOW.0 + i64::from(number));
        db.insert_console_link(&by(), NewConsoleLink { created_at: at, ..new_link(number) }).await.unwrap();
    }
    assert!(db.console_login(&secret(0), NOW).await.unwrap().is_none());
    assert!(db.use_console_link(&secret(0), NOW).await.unwrap().is_none());
    for number in [1, most] {
        assert!(db.console_login(&secret(number), NOW).await.unwrap().is_some());
        assert!(db.use_console_link(&secret(number), NOW).await.unwrap().is_some());
    }
}

async fn what_is_over_is_forgotten(db: &dyn Metadata) {
    db.insert_console_login(&by(), new_console_login(1, 1)).await.unwrap();
    db.insert_console_link(&by(), new_link(2)).await.unwrap();
    assert_eq!(db.forget_console_logins(NOW).await.unwrap(), 0);
    let later = NOW.plus(IDLE).plus(Duration::from_secs(1));
    assert_eq!(db.forget_console_logins(later).await.unwrap(), 2);
    assert_eq!(db.forget_console_logins(later).await.unwrap(), 0);
    assert!(db.console_login(&secret(1), NOW).await.unwrap().is_none());
}
