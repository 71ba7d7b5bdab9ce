//! Upload sessions.

mod ends;
mod writers;

use std::time::Duration;

use futures_util::future::join_all;
use gangplank_core::{LoginId, Time};
use gangplank_oci::Digest;
use gangplank_store::blobs::{Checkpoint, ContentKey};
use gangplank_store::coordination::Epoch;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::NewState;
use gangplank_store::metadata::blobs::{Backlog, FedBy, NewBlob};
use gangplank_store::metadata::uploads::{Leaves, UploadOpened, UploadOwner, UploadSession, UploadTaken};

use crate::world::{
    NOW, PLENTY, access_key, blob, by, change_key, create_login, discarded, here, key_id, owner_of,
    push_login, repository, tenants,
};

metadata_contract! {
    a_session_is_found_as_opened,
    a_session_is_found_by_its_owner_alone,
    an_id_is_taken_once,
    progress_is_recorded,
    progress_goes_on_from_where_it_stands,
    of_two_at_once_one_advances,
    a_closed_session_is_gone,
    all_open_sessions_are_counted_and_listed,
    keys_that_a_checkpoint_no_longer_names_are_discarded,
    content_has_one_session,
}

/// A new session.
pub(super) fn session(id: &str) -> UploadSession {
    // The content key is made from the id, so an id always gets the same one.
    let digest = Digest::sha256(id.as_bytes()).to_string();
    UploadSession {
        id: id.to_owned(),
        key: ContentKey::parse(&digest[7..39]).unwrap(),
        checkpoint: checkpoint(0),
        login: None,
        created_at: NOW,
        touched_at: NOW,
        epoch: Epoch::NONE,
    }
}

fn checkpoint(received: u64) -> Checkpoint {
    let hash_state = received.to_le_bytes().to_vec();
    Checkpoint { received, hash_state, keys: Vec::new(), opaque: b"a store's own".to_vec() }
}

/// A session of a writer without a claim.
pub(super) fn fed_by(id: &str) -> FedBy {
    FedBy { id: id.to_owned(), epoch: Epoch::NONE }
}

/// The session after `received` bytes.
pub(super) fn fed(id: &str, received: u64) -> UploadSession {
    UploadSession { checkpoint: checkpoint(received), ..session(id) }
}

fn owner() -> UploadOwner {
    UploadOwner { tenant: here(), repository: repository("sr"), owner: owner_of(1) }
}

/// Owners that differ from [`owner`] in one property.
fn strangers() -> [UploadOwner; 4] {
    let [_, there, other] = tenants();
    [
        UploadOwner { tenant: there, ..owner() },
        UploadOwner { tenant: other, ..owner() },
        UploadOwner { repository: repository("other"), ..owner() },
        UploadOwner { owner: owner_of(2), ..owner() },
    ]
}

async fn open(db: &dyn Metadata, id: &str) {
    assert_eq!(db.open_upload(&owner(), session(id), PLENTY).await.unwrap(), UploadOpened::Opened);
}

async fn find(db: &dyn Metadata, id: &str) -> Option<UploadSession> {
    db.upload(&owner(), id).await.unwrap()
}

fn at(received: u64) -> UploadSession {
    UploadSession { touched_at: Time(NOW.0 + 7), ..fed("one", received) }
}

async fn a_session_is_found_as_opened(db: &dyn Metadata) {
    let opened = UploadSession { touched_at: Time(NOW.0 + 1), ..fed("one", 1 << 40) };
    assert_eq!(db.open_upload(&owner(), opened.clone(), PLENTY).await.unwrap(), UploadOpened::Opened);
    assert_eq!(find(db, "one").await, Some(opened));
    assert_eq!(find(db, "two").await, None);
}

async fn a_session_is_found_by_its_owner_alone(db: &dyn Metadata) {
    open(db, "one").await;
    for stranger in strangers() {
        assert_eq!(db.upload(&stranger, "one").await.unwrap(), None, "{stranger:?}");
        let taken = db.take_upload(&stranger, "one", Epoch(9)).await.unwrap();
        assert_eq!(taken, UploadTaken::NoSession, "{stranger:?}");
        assert!(!db.advance_upload(&stranger, &checkpoint(0), at(5)).await.unwrap(), "{stranger:?}");
        assert!(
            !db.close_upload(&stranger, "one", Epoch::NONE, Leaves::Nothing).await.unwrap(),
            "{stranger:?}"
        );
    }
    assert_eq!(find(db, "one").await, Some(session("one")));
}

async fn an_id_is_taken_once(db: &dyn Metadata) {
    open(db, "one").await;
    for owner in [owner()].into_iter().chain(strangers()) {
        assert!(db.open_upload(&owner, at(3), PLENTY).await.is_err());
    }
    assert_eq!(find(db, "one").await, Some(session("one")));
}

async fn progress_is_recorded(db: &dyn Metadata) {
    open(db, "one").await;
    open(db, "two").await;
    let vouched = Checkpoint { opaque: b"another run's".to_vec(), ..checkpoint(5) };
    let vouched = UploadSession { checkpoint: vouched, ..at(5) };
    // The time at which the session was opened stays, whatever the caller passes.
    let told = UploadSession { created_at: Time(0), ..vouched.clone() };
    assert!(db.advance_upload(&owner(), &checkpoint(0), told).await.unwrap());
    assert_eq!(find(db, "one").await, Some(vouched));
    assert_eq!(find(db, "two").await, Some(session("two")));
}

async fn progress_goes_on_from_where_it_stands(db: &dyn Metadata) {
    open(db, "one").await;
    assert!(db.advance_upload(&owner(), &checkpoint(0), at(5)).await.unwrap());
    for from in [0, 4, 6] {
        assert!(!db.advance_upload(&owner(), &checkpoint(from), at(9)).await.unwrap());
    }
    assert_eq!(find(db, "one").await, Some(at(5)));
    assert!(db.advance_upload(&owner(), &checkpoint(5), at(9)).await.unwrap());
    assert_eq!(find(db, "one").await, Some(at(9)));
}

async fn of_two_at_once_one_advances(db: &dyn Metadata) {
    open(db, "one").await;
    let (owner, from) = (owner(), checkpoint(0));
    let attempts = (1..=8).map(|length| db.advance_upload(&owner, &from, at(length)));
    let advanced: Vec<bool> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<u64> = (1..).zip(advanced).filter_map(|(length, won)| won.then_some(length)).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(find(db, "one").await, Some(at(winners[0])));
}

async fn a_closed_session_is_gone(db: &dyn Metadata) {
    open(db, "one").await;
    open(db, "two").await;
    assert!(db.close_upload(&owner(), "one", Epoch::NONE, Leaves::Nothing).await.unwrap());
    assert!(!db.close_upload(&owner(), "one", Epoch::NONE, Leaves::Bytes).await.unwrap());
    assert_eq!(discarded(db).await, []);
    assert_eq!(db.discarded_backlog().await.unwrap(), Backlog::default());
    assert_eq!(find(db, "one").await, None);
    assert!(!db.advance_upload(&owner(), &checkpoint(0), at(5)).await.unwrap());
    assert!(find(db, "two").await.is_some());
    assert!(db.close_upload(&owner(), "two", Epoch::NONE, Leaves::Bytes).await.unwrap());
    assert_eq!(discarded(db).await, [session("two").key]);
    let backlog = db.discarded_backlog().await.unwrap();
    assert_eq!((backlog.contents, backlog.oldest), (1, Some(session("two").touched_at)));
}

/// A session with further keys.
fn with_keys(received: u64, keys: &[&ContentKey]) -> UploadSession {
    let keys = keys.iter().map(|key| (*key).clone()).collect();
    UploadSession { checkpoint: Checkpoint { keys, ..checkpoint(received) }, ..session("one") }
}

async fn keys_that_a_checkpoint_no_longer_names_are_discarded(db: &dyn Metadata) {
    let mut keys = [(); 3].map(|()| ContentKey::unused());
    keys.sort();
    let [first, second, third] = &keys;
    open(db, "one").await;
    let mut from = checkpoint(0);
    for (received, named, gone) in
        [(5, vec![first], vec![]), (9, vec![first, second], vec![]), (12, vec![second, third], vec![first])]
    {
        let session = with_keys(received, &named);
        assert!(db.advance_upload(&owner(), &from, session.clone()).await.unwrap());
        assert_eq!(find(db, "one").await, Some(session.clone()));
        assert_eq!(discarded(db).await.iter().collect::<Vec<_>>(), gone);
        from = session.checkpoint;
    }
    let mut all = vec![session("one").key];
    all.extend(keys.clone());
    assert_eq!(db.unknown_content(all.clone()).await.unwrap(), []);
    assert_eq!(db.open_uploads().await.unwrap(), [(session("one").key, from)]);
    let late = with_keys(20, &[]);
    assert!(!db.advance_upload(&owner(), &checkpoint(9), late).await.unwrap());
    assert_eq!(discarded(db).await.len(), 1, "who is behind discards nothing");
    assert_eq!(db.close_stale_uploads(NOW, Time(0)).await.unwrap(), 1);
    let mut gone = discarded(db).await;
    gone.sort();
    all.sort();
    assert_eq!(gone, all);
    let found = db.discarded(Time(i64::MAX), 9).await.unwrap();
    for discarded in found {
        let cancel =
            (discarded.key == session("one").key).then(|| Checkpoint::to_cancel(checkpoint(0).opaque));
        assert_eq!(discarded.upload, cancel, "{}", discarded.key);
    }
}

async fn content_has_one_session(db: &dyn Metadata) {
    open(db, "one").await;
    let same = UploadSession { key: session("one").key, ..session("two") };
    assert!(db.open_upload(&owner(), same, PLENTY).await.is_err());
    assert_eq!(db.count_uploads().await.unwrap(), 1);
}

async fn all_open_sessions_are_counted_and_listed(db: &dyn Metadata) {
    assert_eq!((db.count_uploads().await.unwrap(), db.open_uploads().await.unwrap()), (0, Vec::new()));
    let mut opened = Vec::new();
    for (number, owner) in (0..).zip(strangers()) {
        let session = fed(&number.to_string(), number);
        opened.push((session.key.clone(), session.checkpoint.clone()));
        assert_eq!(db.open_upload(&owner, session, PLENTY).await.unwrap(), UploadOpened::Opened);
    }
    let mut open = db.open_uploads().await.unwrap();
    open.sort_by(|one, other| one.0.cmp(&other.0));
    opened.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!((db.count_uploads().await.unwrap(), open), (4, opened));
}
