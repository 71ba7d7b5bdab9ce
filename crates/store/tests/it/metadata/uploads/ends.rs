//! How many sessions there may be, and what ends them.

use super::*;

metadata_contract! {
    the_quota_counts_an_accounts_sessions,
    one_login_has_half_of_the_quota,
    the_oldest_that_nobody_feeds_gives_way,
    sessions_end_with_the_login_that_fed_them_last,
    sessions_end_with_their_key,
    a_session_that_ended_becomes_no_blob,
    stale_sessions_are_closed,
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
