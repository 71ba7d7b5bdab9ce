//! Several writers of a session, one after the other.

use super::*;

metadata_contract! {
    a_later_writer_takes_a_session,
    who_lost_a_session_changes_nothing,
    who_lost_a_session_makes_no_blob,
    who_takes_a_session_goes_on_where_it_stands,
    the_last_epoch_is_known,
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
