//! Upload sessions.

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
    the_quota_counts_an_accounts_sessions,
    one_login_has_half_of_the_quota,
    the_oldest_that_nobody_feeds_gives_way,
    sessions_end_with_the_login_that_fed_them_last,
    sessions_end_with_their_key,
    a_session_that_ended_becomes_no_blob,
    stale_sessions_are_closed,
    all_open_sessions_are_counted_and_listed,
    keys_that_a_checkpoint_no_longer_names_are_discarded,
    content_has_one_session,
    a_later_writer_takes_a_session,
    who_lost_a_session_changes_nothing,
    who_lost_a_session_makes_no_blob,
    who_takes_a_session_goes_on_where_it_stands,
    the_last_epoch_is_known,
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

/// The session `one` after a step of the writer with this epoch.
fn by_writer(epoch: i64, received: u64, keys: &[&ContentKey]) -> UploadSession {
    UploadSession { epoch: Epoch(epoch), ..with_keys(received, keys) }
}

async fn a_later_writer_takes_a_session(db: &dyn Metadata) {
    open(db, "one").await;
    let key = ContentKey::unused();
    assert!(db.advance_upload(&owner(), &checkpoint(0), by_writer(5, 9, &[&key])).await.unwrap());
    for _ in 0..2 {
        let taken = db.take_upload(&owner(), "one", Epoch(7)).await.unwrap();
        assert_eq!(taken, UploadTaken::Taken(by_writer(7, 9, &[&key])));
    }
    assert_eq!(db.take_upload(&owner(), "one", Epoch(6)).await.unwrap(), UploadTaken::ByLater);
    assert_eq!(db.take_upload(&owner(), "two", Epoch(9)).await.unwrap(), UploadTaken::NoSession);
    assert_eq!(find(db, "one").await, Some(by_writer(7, 9, &[&key])));
}

async fn who_lost_a_session_changes_nothing(db: &dyn Metadata) {
    open(db, "one").await;
    let [mine, late] = [(); 2].map(|()| ContentKey::unused());
    assert!(db.advance_upload(&owner(), &checkpoint(0), by_writer(5, 9, &[&mine])).await.unwrap());
    db.take_upload(&owner(), "one", Epoch(7)).await.unwrap();
    let from = by_writer(5, 9, &[&mine]).checkpoint;
    for late in [by_writer(5, 20, &[&late]), by_writer(5, 9, &[&mine]), by_writer(6, 9, &[])] {
        assert!(!db.advance_upload(&owner(), &from, late).await.unwrap());
    }
    for leaves in [Leaves::Bytes, Leaves::Nothing] {
        assert!(!db.close_upload(&owner(), "one", Epoch(5), leaves).await.unwrap());
    }
    assert_eq!(find(db, "one").await, Some(by_writer(7, 9, &[&mine])));
    assert_eq!(discarded(db).await, []);
    assert_eq!(db.unknown_content(vec![late.clone()]).await.unwrap(), [late]);
    assert!(db.advance_upload(&owner(), &from, by_writer(7, 20, &[&mine])).await.unwrap());
    assert!(db.close_upload(&owner(), "one", Epoch(7), Leaves::Nothing).await.unwrap());
    assert!(!db.close_upload(&owner(), "one", Epoch(5), Leaves::Bytes).await.unwrap());
}

async fn who_lost_a_session_makes_no_blob(db: &dyn Metadata) {
    open(db, "one").await;
    db.take_upload(&owner(), "one", Epoch(7)).await.unwrap();
    let add = async |epoch, key| {
        let session = Some(FedBy { id: "one".to_owned(), epoch: Epoch(epoch) });
        let blob = NewBlob { session, ..blob("layer", key) };
        db.add_blob(&here(), &repository("sr"), blob, NOW).await.unwrap()
    };
    assert_eq!(add(5, session("one").key).await, None);
    assert_eq!(db.repositories(&here(), None, 9).await.unwrap(), [""; 0]);
    assert_eq!(db.used_bytes(&here()).await.unwrap(), 0);
    assert_eq!((find(db, "one").await.map(|it| it.epoch), discarded(db).await), (Some(Epoch(7)), vec![]));
    assert_eq!(add(7, session("one").key).await, Some(session("one").key));
    assert_eq!(add(5, ContentKey::unused()).await, None, "another has made it a blob");
    assert_eq!(discarded(db).await, []);
}

/// The earlier writer can take its steps until another writer takes the session.
async fn who_takes_a_session_goes_on_where_it_stands(db: &dyn Metadata) {
    for steps in 0..4 {
        let id = format!("after {steps} steps");
        open(db, &id).await;
        let of = |epoch, received| UploadSession { epoch: Epoch(epoch), ..fed(&id, received) };
        for step in 0..steps {
            assert!(db.advance_upload(&owner(), &checkpoint(step), of(1, step + 1)).await.unwrap());
        }
        let taken = db.take_upload(&owner(), &id, Epoch(2)).await.unwrap();
        assert_eq!(taken, UploadTaken::Taken(of(2, steps)));
        assert!(!db.advance_upload(&owner(), &checkpoint(steps), of(1, steps + 1)).await.unwrap());
        assert!(db.advance_upload(&owner(), &checkpoint(steps), of(2, steps + 7)).await.unwrap());
        assert_eq!(find(db, &id).await, Some(of(2, steps + 7)));
    }
}

async fn the_last_epoch_is_known(db: &dyn Metadata) {
    assert_eq!(db.last_upload_epoch().await.unwrap(), Epoch::NONE);
    for (id, epoch) in [("one", 3), ("two", 8), ("three", 5)] {
        open(db, id).await;
        db.take_upload(&owner(), id, Epoch(epoch)).await.unwrap();
    }
    assert_eq!(db.last_upload_epoch().await.unwrap(), Epoch(8));
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
    assert!(db.close_upload(&there, "two", Epoch::NONE, Leaves::Nothing).await.unwrap());
    assert!(open(&owner(), "four").await);
}

/// A session of a login, opened and last fed this many seconds after now.
fn of_login(login: i64, created: u64, touched: u64) -> UploadSession {
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let id = ContentKey::unused().as_str().to_owned();
    let login = Some(LoginId(login));
    UploadSession { login, created_at: at(created), touched_at: at(touched), ..session(&id) }
}

async fn open_of(db: &dyn Metadata, session: &UploadSession, quota: u32) -> UploadOpened {
    db.open_upload(&owner(), session.clone(), quota).await.unwrap()
}

async fn is_open(db: &dyn Metadata, session: &UploadSession) -> bool {
    find(db, &session.id).await.is_some()
}

async fn one_login_has_half_of_the_quota(db: &dyn Metadata) {
    for _ in 0..2 {
        assert_eq!(open_of(db, &of_login(1, 0, 0), 4).await, UploadOpened::Opened);
    }
    assert_eq!(open_of(db, &of_login(1, 1, 1), 4).await, UploadOpened::TooMany);
    for _ in 0..2 {
        assert_eq!(open_of(db, &of_login(2, 1, 1), 4).await, UploadOpened::Opened);
    }
    assert_eq!(open_of(db, &of_login(3, 1, 1), 4).await, UploadOpened::TooMany, "the account has all of it");
}

async fn the_oldest_that_nobody_feeds_gives_way(db: &dyn Metadata) {
    let [fed, old, new, theirs] =
        [of_login(1, 0, 100), of_login(1, 5, 20), of_login(1, 6, 10), of_login(2, 1, 1)];
    for session in [&fed, &old, &new, &theirs] {
        assert_eq!(open_of(db, session, 6).await, UploadOpened::Opened);
    }
    assert_eq!(
        open_of(db, &of_login(1, 65, 65), 6).await,
        UploadOpened::TooMany,
        "half a minute is not enough"
    );
    let next = of_login(1, 90, 90);
    assert_eq!(open_of(db, &next, 6).await, UploadOpened::InPlaceOfAnother);
    assert!(!is_open(db, &old).await, "the oldest of its own");
    for session in [&fed, &new, &theirs, &next] {
        assert!(is_open(db, session).await);
    }
    assert_eq!(discarded(db).await, [old.key]);
    let other = of_login(3, 95, 95);
    assert_eq!(open_of(db, &other, 4).await, UploadOpened::InPlaceOfAnother);
    assert!(!is_open(db, &theirs).await, "the oldest of the account's");
}

async fn sessions_end_with_the_login_that_fed_them_last(db: &dyn Metadata) {
    for number in [1, 2] {
        assert!(db.insert_access_key(&by(), access_key(&here(), number), PLENTY).await.unwrap());
    }
    let logins =
        [create_login(db, push_login(&here(), 1)).await, create_login(db, push_login(&here(), 2)).await];
    let [mine, passed_on, taken_over] =
        [of_login(logins[0].0, 0, 0), of_login(logins[0].0, 0, 0), of_login(logins[1].0, 0, 0)];
    for session in [&mine, &passed_on, &taken_over] {
        open_of(db, session, PLENTY).await;
    }
    for (session, login) in [(&passed_on, logins[1]), (&taken_over, logins[0])] {
        let fed = UploadSession { checkpoint: checkpoint(5), login: Some(login), ..session.clone() };
        assert!(db.advance_upload(&owner(), &session.checkpoint, fed.clone()).await.unwrap());
        assert_eq!(find(db, &session.id).await, Some(fed));
    }
    assert!(db.revoke_login(&by(), &here(), logins[0], NOW).await.unwrap());
    assert!(!is_open(db, &mine).await && !is_open(db, &taken_over).await);
    assert!(is_open(db, &passed_on).await);
    let mut ended = [mine.key, taken_over.key];
    let mut gone = discarded(db).await;
    ended.sort();
    gone.sort();
    assert_eq!(gone, ended);
    let late = of_login(logins[0].0, 1, 1);
    assert_eq!(open_of(db, &late, PLENTY).await, UploadOpened::LoginEnded);
    assert!(!is_open(db, &late).await);
}

async fn sessions_end_with_their_key(db: &dyn Metadata) {
    let [_, there, _] = tenants();
    for state in [NewState::Disabled, NewState::Deleted] {
        let number = if state == NewState::Disabled { 1 } else { 3 };
        for number in [number, 2] {
            let _ = db.insert_access_key(&by(), access_key(&here(), number), PLENTY).await.unwrap();
        }
        let of = |number| UploadOwner { owner: owner_of(number), ..owner() };
        let elsewhere = UploadOwner { tenant: there.clone(), ..of(number) };
        let sessions =
            [(of(number), of_login(1, 0, 0)), (elsewhere, of_login(2, 0, 0)), (of(2), of_login(3, 0, 0))];
        for (owner, session) in &sessions {
            db.open_upload(owner, session.clone(), PLENTY).await.unwrap();
        }
        let login = create_login(db, push_login(&here(), number)).await;
        change_key(db, None, &key_id(number), state).await;
        let late = of_login(login.0, 1, 1);
        let opened = db.open_upload(&of(number), late, PLENTY).await.unwrap();
        assert_eq!(opened, UploadOpened::LoginEnded, "{state:?}");
        for (place, (owner, session)) in sessions.iter().enumerate() {
            let is_open = db.upload(owner, &session.id).await.unwrap().is_some();
            assert_eq!(is_open, place == 2, "{state:?} {place}");
        }
        change_key(db, None, &key_id(2), NewState::Enabled).await;
    }
}

async fn a_session_that_ended_becomes_no_blob(db: &dyn Metadata) {
    let session = of_login(1, 0, 0);
    open_of(db, &session, PLENTY).await;
    db.close_stale_uploads(Time(i64::MAX), Time(0)).await.unwrap();
    let blob = NewBlob { session: Some(fed_by(&session.id)), ..blob("layer", session.key) };
    assert_eq!(db.add_blob(&here(), &repository("sr"), blob, NOW).await.unwrap(), None);
    assert_eq!(db.repositories(&here(), None, 9).await.unwrap(), [""; 0], "nothing is there of it");
}

async fn stale_sessions_are_closed(db: &dyn Metadata) {
    for (id, created, touched) in
        [("fresh", 100, 200), ("idle", 100, 150), ("old", 50, 200), ("both", 10, 20), ("edge", 51, 151)]
    {
        let session = UploadSession { created_at: Time(created), touched_at: Time(touched), ..session(id) };
        let owner = if id == "both" { strangers()[1].clone() } else { owner() };
        assert_eq!(db.open_upload(&owner, session, PLENTY).await.unwrap(), UploadOpened::Opened);
    }
    assert_eq!(db.close_stale_uploads(Time(150), Time(50)).await.unwrap(), 3);
    let (mut closed, mut ended) = (discarded(db).await, ["both", "idle", "old"].map(|id| session(id).key));
    closed.sort();
    ended.sort();
    assert_eq!(closed, ended, "a session is over at the very moment");
    assert_eq!(db.close_stale_uploads(Time(150), Time(50)).await.unwrap(), 0);
    assert!(find(db, "edge").await.is_some() && find(db, "fresh").await.is_some());
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
