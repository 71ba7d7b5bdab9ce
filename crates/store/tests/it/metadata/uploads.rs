//! Upload sessions.

use futures_util::future::join_all;
use gangplank_core::Time;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::uploads::{UploadOpened, UploadOwner, UploadSession};

use crate::world::{NOW, PLENTY, here, owner_of, repository, tenants};

metadata_contract! {
    a_session_is_found_as_opened,
    a_session_is_found_by_its_owner_alone,
    an_id_is_taken_once,
    progress_is_recorded,
    progress_goes_on_from_where_it_stands,
    of_two_at_once_one_advances,
    a_closed_session_is_gone,
    the_quota_counts_an_accounts_sessions,
    stale_sessions_are_closed,
    all_open_sessions_are_listed,
}

/// A new session.
pub(super) fn session(id: &str) -> UploadSession {
    UploadSession {
        id: id.to_owned(),
        received: 0,
        hash_state: vec![1, 2, 3],
        run: "this run".to_owned(),
        login: None,
        created_at: NOW,
        touched_at: NOW,
    }
}

fn owner() -> UploadOwner {
    UploadOwner { tenant: here(), repository: repository("sr"), owner: owner_of(1) }
}

/// Owners that share all but one thing with [`owner`].
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
    let hash_state = received.to_le_bytes().to_vec();
    UploadSession { received, hash_state, touched_at: Time(NOW.0 + 7), ..session("one") }
}

async fn a_session_is_found_as_opened(db: &dyn Metadata) {
    let opened = UploadSession { received: 1 << 40, touched_at: Time(NOW.0 + 1), ..session("one") };
    assert_eq!(db.open_upload(&owner(), opened.clone(), PLENTY).await.unwrap(), UploadOpened::Opened);
    assert_eq!(find(db, "one").await, Some(opened));
    assert_eq!(find(db, "two").await, None);
}

async fn a_session_is_found_by_its_owner_alone(db: &dyn Metadata) {
    open(db, "one").await;
    for stranger in strangers() {
        assert_eq!(db.upload(&stranger, "one").await.unwrap(), None, "{stranger:?}");
        assert!(!db.advance_upload(&stranger, 0, at(5)).await.unwrap(), "{stranger:?}");
        assert!(!db.close_upload(&stranger, "one").await.unwrap(), "{stranger:?}");
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
    let vouched = UploadSession { run: "a later run".to_owned(), ..at(5) };
    // When it began stays as it was, whatever the caller says.
    let told = UploadSession { created_at: Time(0), ..vouched.clone() };
    assert!(db.advance_upload(&owner(), 0, told).await.unwrap());
    assert_eq!(find(db, "one").await, Some(vouched));
    assert_eq!(find(db, "two").await, Some(session("two")));
}

async fn progress_goes_on_from_where_it_stands(db: &dyn Metadata) {
    open(db, "one").await;
    assert!(db.advance_upload(&owner(), 0, at(5)).await.unwrap());
    for from in [0, 4, 6] {
        assert!(!db.advance_upload(&owner(), from, at(9)).await.unwrap());
    }
    assert_eq!(find(db, "one").await, Some(at(5)));
    assert!(db.advance_upload(&owner(), 5, at(9)).await.unwrap());
    assert_eq!(find(db, "one").await, Some(at(9)));
}

async fn of_two_at_once_one_advances(db: &dyn Metadata) {
    open(db, "one").await;
    let owner = owner();
    let attempts = (1..=8).map(|length| db.advance_upload(&owner, 0, at(length)));
    let advanced: Vec<bool> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<u64> = (1..).zip(advanced).filter_map(|(length, won)| won.then_some(length)).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(find(db, "one").await, Some(at(winners[0])));
}

async fn a_closed_session_is_gone(db: &dyn Metadata) {
    open(db, "one").await;
    open(db, "two").await;
    assert!(db.close_upload(&owner(), "one").await.unwrap());
    assert!(!db.close_upload(&owner(), "one").await.unwrap());
    assert_eq!(find(db, "one").await, None);
    assert!(!db.advance_upload(&owner(), 0, at(5)).await.unwrap());
    assert!(find(db, "two").await.is_some());
}

async fn the_quota_counts_an_accounts_sessions(db: &dyn Metadata) {
    let [_, there, other] = tenants();
    let there = UploadOwner { tenant: there, ..owner() };
    let other = UploadOwner { tenant: other, ..owner() };
    let open = async |owner: &UploadOwner, id| {
        db.open_upload(owner, session(id), 2).await.unwrap() == UploadOpened::Opened
    };
    assert!(open(&owner(), "one").await);
    assert!(open(&there, "two").await);
    assert!(!open(&owner(), "three").await, "an account's regions count together");
    assert!(!open(&there, "three").await);
    assert!(open(&other, "three").await, "another account counts for itself");
    assert!(db.close_upload(&there, "two").await.unwrap());
    assert!(open(&owner(), "four").await);
}

async fn stale_sessions_are_closed(db: &dyn Metadata) {
    for (id, created, touched) in
        [("fresh", 100, 200), ("idle", 100, 150), ("old", 50, 200), ("both", 10, 20), ("edge", 51, 151)]
    {
        let session = UploadSession { created_at: Time(created), touched_at: Time(touched), ..session(id) };
        let owner = if id == "both" { strangers()[1].clone() } else { owner() };
        assert_eq!(db.open_upload(&owner, session, PLENTY).await.unwrap(), UploadOpened::Opened);
    }
    let mut closed = db.close_stale_uploads(Time(150), Time(50)).await.unwrap();
    closed.sort();
    assert_eq!(closed, ["both", "idle", "old"], "a session is over at the very moment");
    assert_eq!(db.close_stale_uploads(Time(150), Time(50)).await.unwrap(), [""; 0]);
    let mut open = db.open_upload_ids().await.unwrap();
    open.sort();
    assert_eq!(open, ["edge", "fresh"]);
}

async fn all_open_sessions_are_listed(db: &dyn Metadata) {
    assert_eq!(db.open_upload_ids().await.unwrap(), [""; 0]);
    for (number, owner) in strangers().into_iter().enumerate() {
        let session = session(&number.to_string());
        assert_eq!(db.open_upload(&owner, session, PLENTY).await.unwrap(), UploadOpened::Opened);
    }
    let mut open = db.open_upload_ids().await.unwrap();
    open.sort();
    assert_eq!(open, ["0", "1", "2", "3"]);
}
