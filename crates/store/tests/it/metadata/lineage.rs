//! The identity of a store, its history, and the numbers that a restored database skips.

use std::time::Duration;

use gangplank_core::Time;
use gangplank_store::blobs::{Checkpoint, ContentKey};
use gangplank_store::identity::{History, Identity};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::{Discarded, NewBlob};
use gangplank_store::metadata::container_images::ImageOutcome;

use crate::world::{
    At, NOW, PLENTY, blob, create_service, discarded, here, image_of, register_on, service_id,
};

metadata_contract! {
    a_database_gets_its_identity_once,
    a_noted_history_is_found_again,
    a_restored_database_gives_no_number_again,
    old_content_without_a_row_is_discarded,
    a_key_that_may_be_an_orphan_gets_no_row,
    content_is_listed_by_its_part,
}

async fn a_database_gets_its_identity_once(db: &dyn Metadata) {
    assert_eq!(db.identity().await.unwrap(), None);
    let (first, second) = (Identity::new(), Identity::new());
    assert_eq!(db.identify(first).await.unwrap(), first);
    assert_eq!(db.identify(second).await.unwrap(), first, "the first one counts");
    assert_eq!(db.identity().await.unwrap(), Some(first));
    let restored = first.restored();
    db.restored(restored.incarnation, None).await.unwrap();
    assert_eq!(db.identity().await.unwrap(), Some(restored));
    assert_ne!(first, restored);
}

async fn a_noted_history_is_found_again(db: &dyn Metadata) {
    assert_eq!(db.noted_history().await.unwrap(), None);
    let mut history = History { system: i64::MAX, timeline: 1, table: 16_384 };
    for timeline in 1..3 {
        history.timeline = timeline;
        db.note_history(history).await.unwrap();
        assert_eq!(db.noted_history().await.unwrap(), Some(history));
    }
    let now = db.history().await.unwrap();
    assert_eq!(db.history().await.unwrap(), now, "it stands still");
    db.restored(1, now).await.unwrap();
    assert_eq!(db.noted_history().await.unwrap(), now.or(Some(history)));
}

async fn number(db: &dyn Metadata, at: &At<'_>, layer: &str) -> i64 {
    let image = at.image(&["config", layer], &[]).await;
    match register_on(db, &here(), "web", image_of("app", image.digest()), PLENTY).await {
        ImageOutcome::Registered(image) => image.name.number,
        other => panic!("{other:?}"),
    }
}

async fn a_restored_database_gives_no_number_again(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    assert_eq!(number(db, &at, "one").await, 1);
    assert_eq!(db.restored(1, None).await.unwrap(), 1, "one service");
    assert_eq!(number(db, &at, "two").await, 1_002);
    // Numbers of rows were skipped as well. Everything still works.
    create_service(db, &here(), "other").await;
    let other = service_id(db, &here(), "other").await;
    assert!(other.0 > 1_000_000, "{other:?}");
    assert!(at.holds("one").await);
}

/// A key that looks as if it was made `age` ago.
fn old_key(age: Duration) -> ContentKey {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let made = uuid::Timestamp::from_unix(uuid::NoContext, now.saturating_sub(age).as_secs(), 0);
    ContentKey::parse(&uuid::Uuid::new_v7(made).simple().to_string()).unwrap()
}

const DAY: Duration = Duration::from_hours(24);

async fn old_content_without_a_row_is_discarded(db: &dyn Metadata) {
    let at = At::sr(db);
    let (old, upload, young, used) = (old_key(DAY * 4), old_key(DAY * 4), old_key(DAY * 2), old_key(DAY * 4));
    at.add_with(blob("used", used.clone())).await;
    let orphan = |key: &ContentKey| Discarded { key: key.clone(), upload: None };
    let of_upload = Discarded { key: upload.clone(), upload: Some(Checkpoint::to_cancel(vec![1, 2])) };
    let found = vec![orphan(&old), of_upload.clone(), orphan(&young), orphan(&used)];
    assert_eq!(db.discard_orphans(found.clone(), DAY * 3, NOW).await.unwrap(), 2);
    let mut gone = discarded(db).await;
    gone.sort();
    let mut expected = vec![old.clone(), upload];
    expected.sort();
    assert_eq!(gone, expected, "the young one may get its row, and the used one has it");
    let listed = db.discarded(Time(i64::MAX), 9).await.unwrap();
    assert!(listed.contains(&of_upload), "the upload can be cancelled: {listed:?}");
    assert!(db.discarded(NOW.minus(DAY), 9).await.unwrap().is_empty(), "the restore window begins now");
    assert_eq!(db.discard_orphans(found, DAY * 3, NOW).await.unwrap(), 0, "it is known now");
    assert_eq!(db.unknown_content(vec![old, young.clone()]).await.unwrap(), [young]);
}

async fn a_key_that_may_be_an_orphan_gets_no_row(db: &dyn Metadata) {
    let at = At::sr(db);
    let within = Some(DAY * 2);
    let add =
        async |key: &ContentKey, within| at.add_with(NewBlob { within, ..blob("layer", key.clone()) }).await;
    let (old, orphan, new) = (old_key(DAY * 3), old_key(DAY * 4), ContentKey::unused());
    assert_eq!(add(&old, within).await, None, "nobody adds so old a key");
    let found = vec![Discarded { key: orphan.clone(), upload: None }];
    assert_eq!(db.discard_orphans(found, DAY * 3, NOW).await.unwrap(), 1);
    assert_eq!(add(&orphan, Some(DAY * 9)).await, None, "its bytes may be gone");
    assert!(!at.holds("layer").await);
    assert_eq!(add(&new, within).await, Some(new.clone()));
    assert_eq!(add(&new, within).await, Some(new), "the same call again");
    assert_eq!(add(&old, None).await.map(|key| key == old), Some(false), "the older content stays");
}

async fn content_is_listed_by_its_part(db: &dyn Metadata) {
    let at = At::sr(db);
    let mut keys = Vec::new();
    while keys.len() < 5 {
        let key = ContentKey::unused();
        if key.part() < 2 {
            at.add_with(blob(&format!("layer {}", keys.len()), key.clone())).await;
            keys.push(key);
        }
    }
    at.add("elsewhere").await;
    for part in 0..2 {
        let mut expected: Vec<ContentKey> = keys.iter().filter(|key| key.part() == part).cloned().collect();
        expected.sort();
        let (mut found, mut after) = (Vec::new(), None);
        while let Some(content) = db.contents_of_part(part, after, 1).await.unwrap().pop() {
            after = Some(content.key.clone());
            found.push(content.key);
        }
        found.retain(|key| keys.contains(key));
        assert_eq!(found, expected);
    }
}
