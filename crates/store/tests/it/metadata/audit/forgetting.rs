//! Which events are forgotten, and what stays of them.

use super::*;

metadata_contract! {
    old_events_are_forgotten_and_new_ones_stay,
    an_account_that_does_much_forgets_its_own_events_alone,
    a_share_pushes_no_other_out,
    what_is_pushed_out_leaves_one_event_of_its_share,
}

async fn forget(db: &dyn Metadata, before: Time, most: u64) -> usize {
    let mut forgotten = 0;
    loop {
        match db.forget_events(before, most).await.unwrap() {
            0 => return forgotten,
            some => forgotten += some,
        }
    }
}

async fn old_events_are_forgotten_and_new_ones_stay(db: &dyn Metadata) {
    refuse(db, &here(), 1_500, 0).await;
    refuse(db, &here(), 3, 10).await;
    let most = u64::from(PLENTY) * 100;
    assert_eq!(forget(db, NOW, most).await, 0);
    assert_eq!(forget(db, NOW.plus(Duration::from_secs(10)), most).await, 1_500);
    assert_eq!(all(db, AuditFilter::default()).await.len(), 3);
}

async fn an_account_that_does_much_forgets_its_own_events_alone(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    refuse(db, &other, 5, 0).await;
    refuse(db, &here, 2_030, 0).await;
    assert_eq!(forget(db, Time(0), 200).await, 2_010);
    let of = async |tenant: Tenant| {
        all(db, AuditFilter { account: Some(tenant.account), ..AuditFilter::default() }).await.len()
    };
    assert_eq!((of(here).await, of(other).await), (21, 5), "and the event that says so");
}

/// Records this many events in each share, in turns, one per second.
async fn fill_all_shares(db: &dyn Metadata, count: u64) {
    let kinds = [
        EventKind::ServiceCreated,
        EventKind::ManifestPushed,
        EventKind::LoginRefused,
        EventKind::LoginIssued,
    ];
    for number in 0..count {
        for kind in kinds {
            note(db, &here(), kind, 1, number).await;
        }
    }
}

async fn kinds_left(db: &dyn Metadata) -> Vec<EventKind> {
    all(db, AuditFilter::default()).await.iter().map(|event| event.kind).collect()
}

async fn a_share_pushes_no_other_out(db: &dyn Metadata) {
    fill_all_shares(db, 20).await;
    note(db, &here(), EventKind::ManifestPushed, 500, 30).await;
    note(db, &here(), EventKind::LoginIssued, 500, 30).await;
    note(db, &here(), EventKind::LoginRefused, 500, 30).await;
    assert_eq!(forget(db, Time(0), 20).await, 510 + 516 + 518 + 16);
    let left = kinds_left(db).await;
    let count = |kind| left.iter().filter(|left| **left == kind).count();
    assert_eq!(count(EventKind::ManifestPushed), 10, "half");
    assert_eq!(count(EventKind::LoginRefused), 2, "a tenth");
    assert_eq!(count(EventKind::LoginIssued), 4, "a fifth");
    assert_eq!(count(EventKind::ServiceCreated), 4, "a fifth");
    assert_eq!(count(EventKind::EventsForgotten), 4, "one of each");
}

/// An event about forgotten events replaces the newest of them, and its count grows.
async fn what_is_pushed_out_leaves_one_event_of_its_share(db: &dyn Metadata) {
    let told = async || {
        let filter = AuditFilter { kind: Some(EventKind::EventsForgotten), ..AuditFilter::default() };
        let told = all(db, filter).await;
        told.into_iter().map(|event| (event.subject.unwrap(), event.count, event.at)).collect::<Vec<_>>()
    };
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    for number in 0..20 {
        note(db, &here(), EventKind::ManifestPushed, 1, number).await;
    }
    forget(db, Time(0), 20).await;
    assert_eq!(told().await, [("pushes".to_owned(), 10, at(9))]);
    note(db, &here(), EventKind::ManifestPushed, 5, 30).await;
    note(db, &here(), EventKind::LoginRefused, 3, 31).await;
    forget(db, Time(0), 20).await;
    let both = [("refusals".to_owned(), 1, at(31)), ("pushes".to_owned(), 15, at(14))];
    assert_eq!(told().await, both);
    let events = all(db, AuditFilter::default()).await;
    assert!(events.is_sorted_by(|newer, older| newer.id > older.id && newer.at >= older.at), "{events:?}");
    assert_eq!(events.last().unwrap().kind, EventKind::EventsForgotten);
    assert_eq!(events.last().unwrap().account, Some(here().account));
    // The new event is forgotten at the time at which the replaced event would have been forgotten.
    assert_eq!(forget(db, at(15), 20).await, 1);
    assert_eq!(told().await, [("refusals".to_owned(), 1, at(31))]);
}
