//! Garbage collection: what it removes, and when.

use gangplank_store::metadata::blobs::Mount;
use std::time::Duration;

use gangplank_core::{ImageName, Leases, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::collection::{Collected, GarbageKind, GarbageReason};
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};
use gangplank_store::metadata::progress::Mark;

use crate::world::{
    At, Document, NOW, asked, by, create_service, delete_image, delete_service, here, quotas, register,
    register_on, repository, tag, tagged, tenants,
};

metadata_contract! {
    a_blob_that_nobody_references_goes_when_its_lease_is_over,
    a_lease_is_renewed_by_every_answer_that_is_relied_on,
    a_manifest_goes_with_its_tags_and_its_blobs,
    a_tag_holds_nothing,
    what_is_registered_stays_with_all_it_needs,
    the_grace_period_begins_when_a_registration_ends,
    a_shared_blob_stays_with_the_image_that_stays,
    a_hold_in_another_repository_keeps_the_bytes,
    what_is_about_an_image_lives_with_it,
    an_index_that_holds_itself_goes,
    deleting_a_manifest_begins_the_grace_period_of_its_blobs,
    a_blob_that_comes_after_its_manifest_is_held,
    one_step_removes_as_much_as_it_was_asked,
    an_empty_repository_goes,
    damaged_content_is_no_blob_until_it_is_replaced,
    a_mark_of_damage_comes_off,
    damage_that_is_found_meanwhile_is_not_acknowledged,
    marks_are_kept,
}

const HOUR: Duration = Duration::from_hours(1);

fn later(hours: u32) -> Time {
    NOW.plus(HOUR * hours)
}

/// Collects at `now` as a server does, until nothing is left to do.
async fn collect(db: &dyn Metadata, now: Time) -> Collected {
    collect_with(db, Leases::default().over(now), now).await
}

async fn collect_with(db: &dyn Metadata, over: Time, now: Time) -> Collected {
    let announced = db.garbage(over).await.unwrap();
    let mut collected = Collected::default();
    loop {
        let step = db.collect(over, now, 2).await.unwrap();
        if step == Collected::default() {
            break;
        }
        collected.add(&step);
    }
    let count = |kind| announced.iter().filter(|garbage| garbage.kind == kind).count() as u64;
    let told = (count(GarbageKind::Manifest), count(GarbageKind::Blob));
    assert_eq!(told, (collected.manifests, collected.blobs), "what was announced: {announced:#?}");
    assert_eq!(announced.iter().map(|garbage| garbage.frees).sum::<u64>(), collected.bytes);
    collected
}

async fn end_registration(db: &dyn Metadata, image: &ImageName, now: Time) {
    delete_image(db, &here(), image, now).await;
}

async fn a_blob_that_nobody_references_goes_when_its_lease_is_over(db: &dyn Metadata) {
    let at = At::sr(db);
    let key = at.add("layer").await;
    assert_eq!(collect(db, later(24)).await, Collected::default());
    assert!(at.holds("layer").await);
    let announced = db.garbage(Leases::default().over(later(25))).await.unwrap();
    assert_eq!(announced[0].reason, GarbageReason::Unheld);
    assert_eq!((announced[0].tenant.clone(), announced[0].repository.as_str()), (here(), "sr"));
    assert_eq!((announced[0].size, announced[0].leased_at), (5, NOW));
    let collected = collect(db, later(25)).await;
    assert_eq!((collected.blobs, collected.contents, collected.bytes), (1, 1, 5));
    assert!(!at.holds("layer").await);
    assert_eq!(crate::world::discarded(db).await, [key]);
    assert_eq!(collect(db, later(99)).await, Collected::default());
}

async fn a_lease_is_renewed_by_every_answer_that_is_relied_on(db: &dyn Metadata) {
    let (at, other) = (At::sr(db), At::new(db, here(), "other"));
    for name in ["put", "asked", "mounted", "referenced"] {
        at.add(name).await;
    }
    let ask = async |name: &str| {
        let digest = Digest::sha256(name.as_bytes());
        db.find_blob(&here(), &at.repository, &digest, Some(asked(later(20)))).await.unwrap()
    };
    assert!(ask("asked").await.is_some());
    let again = crate::world::blob("put", gangplank_store::blobs::ContentKey::unused());
    db.add_blob(&here(), &at.repository, again, later(20)).await.unwrap();
    let mounted = Digest::sha256(b"mounted");
    db.mount_blob(
        &here(),
        &other.repository,
        Mount { from: Some(at.repository.clone()), digest: mounted, seen_by: None },
        later(20),
        &quotas(),
    )
    .await
    .unwrap();
    let image = Document::image(&["referenced"]);
    let put = NewManifest { lease: Leases::default().renewal(later(20)), ..image.put() };
    assert_eq!(at.put(put).await, ManifestOutcome::Stored);
    // The lookup renews only the link of the repository that was asked.
    let collected = collect(db, later(40)).await;
    assert_eq!((collected.blobs, collected.contents, collected.manifests), (1, 0, 0));
    assert!(other.holds("mounted").await && !at.holds("mounted").await);
    let found =
        db.manifest(&here(), &at.repository, &image.reference(), None, Some(asked(later(40)))).await.unwrap();
    assert!(found.is_some());
    assert_eq!(collect(db, later(46)).await.blobs, 3, "put, asked, mounted");
    assert!(at.holds("referenced").await, "its manifest was asked for");
    assert_eq!(collect(db, later(65)).await.manifests, 1);
    assert!(!at.holds("referenced").await);
}

async fn a_manifest_goes_with_its_tags_and_its_blobs(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &["v1"]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &["v2"]).await;
    at.store(&Document::image(&["config"]), &["v3"]).await;
    assert_eq!(collect(db, later(24)).await, Collected::default());
    let collected = collect(db, later(25)).await;
    assert_eq!((collected.manifests, collected.blobs, collected.contents), (3, 2, 2));
    for reference in [tagged("v1"), tagged("v2"), image.reference(), index.reference()] {
        assert_eq!(at.get(&reference).await, None);
    }
}

async fn a_tag_holds_nothing(db: &dyn Metadata) {
    let at = At::sr(db);
    at.image(&["config"], &["latest"]).await;
    assert_eq!(collect(db, later(25)).await.manifests, 1);
}

async fn what_is_registered_stays_with_all_it_needs(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &[]).await;
    let inner = Document::index(&[&image]);
    at.store(&inner, &[]).await;
    let outer = Document::index(&[&inner]);
    at.store(&outer, &["v1"]).await;
    register(db, &here(), "web", &outer).await;
    assert_eq!(collect_with(db, Time(i64::MAX), later(9_999)).await, Collected::default());
    assert!(at.holds("layer").await && at.get(&tagged("v1")).await.is_some());
}

async fn the_grace_period_begins_when_a_registration_ends(db: &dyn Metadata) {
    let at = At::sr(db);
    for by_service in [false, true] {
        create_service(db, &here(), "web").await;
        let image = at.image(&["config", "layer"], &[]).await;
        let index = Document::index(&[&image]);
        at.store(&index, &[]).await;
        let first = register(db, &here(), "web", &index).await;
        let second = register(db, &here(), "web", &index).await;
        end_registration(db, &first.name, later(100)).await;
        assert_eq!(collect(db, later(500)).await, Collected::default(), "still registered");
        if by_service {
            delete_service(db, &here(), "web", later(600)).await;
        } else {
            end_registration(db, &second.name, later(600)).await;
        }
        assert_eq!(collect(db, later(624)).await, Collected::default());
        let collected = collect(db, later(625)).await;
        assert_eq!((collected.manifests, collected.blobs), (2, 2));
        delete_service(db, &here(), "web", NOW).await;
    }
}

async fn a_shared_blob_stays_with_the_image_that_stays(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    at.image(&["config", "shared", "alone"], &[]).await;
    let kept = at.image(&["config", "shared"], &[]).await;
    register(db, &here(), "web", &kept).await;
    let collected = collect(db, later(25)).await;
    assert_eq!((collected.manifests, collected.blobs), (1, 1));
    assert!(at.holds("shared").await && at.holds("config").await && !at.holds("alone").await);
}

async fn a_hold_in_another_repository_keeps_the_bytes(db: &dyn Metadata) {
    let (at, other) = (At::sr(db), At::new(db, here(), "other"));
    let elsewhere = At::new(db, tenants()[2].clone(), "sr");
    for at in [&at, &other, &elsewhere] {
        at.add("layer").await;
    }
    let digest = Digest::sha256(b"layer");
    db.find_blob(&here(), &other.repository, &digest, Some(asked(later(20)))).await.unwrap();
    let collected = collect(db, later(30)).await;
    assert_eq!((collected.blobs, collected.contents), (2, 1), "other tenants have bytes of their own");
    assert!(other.holds("layer").await);
    assert_eq!(collect(db, later(50)).await.contents, 1);
}

async fn what_is_about_an_image_lives_with_it(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    let sbom = Document::about(&image, "application/sbom", &["config"]);
    let signature = Document::about(&sbom, "application/signature", &["config"]);
    // The subject may come before or after the manifest about it.
    at.store(&signature, &[]).await;
    at.store(&sbom, &[]).await;
    let of_nothing = Document::about(&Document::image(&["absent"]), "application/sbom", &["config"]);
    at.store(&of_nothing, &[]).await;
    let registered = register(db, &here(), "web", &image).await;
    assert_eq!(collect(db, later(25)).await.manifests, 1, "what is about nothing");
    assert!(at.get(&signature.reference()).await.is_some());
    end_registration(db, &registered.name, later(25)).await;
    assert_eq!(collect(db, later(50)).await.manifests, 3);
}

async fn an_index_that_holds_itself_goes(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    let (first, second) = (at.image(&["config"], &[]).await, at.image(&["config", "layer"], &[]).await);
    let (knot, kept) = (Document::index_about(&first, &[&first]), Document::index_about(&second, &[&second]));
    at.store(&knot, &[]).await;
    at.store(&kept, &[]).await;
    let registered = register(db, &here(), "web", &second).await;
    assert_eq!(collect(db, later(24)).await, Collected::default());
    assert_eq!(collect(db, later(25)).await.manifests, 2);
    assert!(at.get(&kept.reference()).await.is_some(), "it is about a registered image");
    assert_eq!(at.get(&knot.reference()).await, None);
    end_registration(db, &registered.name, later(30)).await;
    assert_eq!(collect(db, later(54)).await, Collected::default());
    assert_eq!(collect(db, later(55)).await.manifests, 2);
}

async fn deleting_a_manifest_begins_the_grace_period_of_its_blobs(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    let index = Document::index(&[&image]);
    at.store(&index, &[]).await;
    let sbom = Document::about(&index, "application/sbom", &["config"]);
    at.store(&sbom, &[]).await;
    db.delete_manifest(&by(), &here(), &at.repository, &index.digest(), later(100)).await.unwrap();
    assert_eq!(collect(db, later(124)).await, Collected::default());
    assert_eq!(collect(db, later(125)).await.manifests, 2);
}

async fn a_blob_that_comes_after_its_manifest_is_held(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    at.add("config").await;
    let image = Document::image(&["config", "foreign"]);
    let put = NewManifest { may_be_absent: vec![Digest::sha256(b"foreign")], ..image.put() };
    assert_eq!(at.put(put).await, ManifestOutcome::Stored);
    at.add("foreign").await;
    register(db, &here(), "web", &image).await;
    assert_eq!(collect(db, later(99)).await, Collected::default());
    assert!(at.holds("foreign").await);
}

async fn one_step_removes_as_much_as_it_was_asked(db: &dyn Metadata) {
    let at = At::sr(db);
    for number in 0..10 {
        at.add(&format!("layer {number}")).await;
    }
    let step = db.collect(later(1), later(30), 4).await.unwrap();
    assert_eq!(step.blobs, 4);
    for number in 0..10 {
        at.image(&[&format!("config {number}")], &[]).await;
    }
    let step = db.collect(later(1), later(30), 4).await.unwrap();
    assert_eq!((step.manifests, step.blobs), (2, 0), "manifests first; each has a reference");
}

async fn an_empty_repository_goes(db: &dyn Metadata) {
    let at = At::new(db, here(), "some/thing");
    at.image(&["config"], &["v1"]).await;
    assert_eq!(collect(db, later(25)).await.repositories, 1);
    assert_eq!(db.repositories(&here(), None, 9).await.unwrap(), Vec::<String>::new());
    assert_eq!(at.tags().await, None);
    at.image(&["config"], &["v1"]).await;
    assert_eq!(at.tags().await, Some(vec!["v1".to_owned()]));
}

async fn damaged_content_is_no_blob_until_it_is_replaced(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let (at, digest) = (At::sr(db), Digest::sha256(b"layer"));
    let image = at.image(&["config", "layer"], &[]).await;
    let content = async || db.tenant_content(&here(), &digest).await.unwrap().unwrap();
    let first = content().await.key;
    assert!(db.mark_damaged(&first).await.unwrap());
    assert!(content().await.damaged);
    let put = at.put(NewManifest { tags: vec![tag("v1")], ..image.put() }).await;
    assert_eq!(put, ManifestOutcome::BlobUnknown(digest));
    let registered = crate::world::image_of("app", image.digest());
    let outcome = register_on(db, &here(), "web", registered, 9).await;
    assert_eq!(outcome, gangplank_store::metadata::container_images::ImageOutcome::NoSuchManifest);
    let whole = crate::world::blob("layer", gangplank_store::blobs::ContentKey::unused());
    let whole = gangplank_store::metadata::blobs::NewBlob { damaged: Some(first.clone()), ..whole };
    let kept = db.add_blob(&here(), &repository("sr"), whole, NOW).await.unwrap();
    assert_eq!((content().await.key, content().await.damaged), (kept.unwrap(), false));
    assert!(!db.mark_damaged(&first).await.unwrap(), "nobody has it any more");
    assert!(!db.mark_whole(&first).await.unwrap(), "nor this");
    register(db, &here(), "web", &image).await;
}

async fn a_mark_of_damage_comes_off(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &[]).await;
    let key = db.tenant_content(&here(), &Digest::sha256(b"layer")).await.unwrap().unwrap().key;
    assert!(db.mark_damaged(&key).await.unwrap());
    assert!(db.mark_whole(&key).await.unwrap());
    assert_eq!(at.put(image.put()).await, ManifestOutcome::Stored);
}

/// The damage is found after the lookup of the blob and before the transaction that renews its lease.
async fn damage_that_is_found_meanwhile_is_not_acknowledged(db: &dyn Metadata) {
    let at = At::sr(db);
    let digest = Digest::sha256(b"layer");
    let first = at.add("layer").await;
    assert!(db.mark_damaged(&first).await.unwrap());
    let other = repository("other");
    for from in [Some(&at.repository), None] {
        assert!(
            !db.mount_blob(
                &here(),
                &other,
                Mount { from: from.cloned(), digest, seen_by: None },
                NOW,
                &quotas()
            )
            .await
            .unwrap()
        );
    }
    let second = gangplank_store::blobs::ContentKey::unused();
    let whole = crate::world::blob("layer", second.clone());
    assert_eq!(db.add_blob(&here(), &at.repository, whole, NOW).await.unwrap(), Some(second.clone()));
    let content = db.tenant_content(&here(), &digest).await.unwrap().unwrap();
    assert!(content.key == second && !content.damaged);
    assert!(
        db.mount_blob(
            &here(),
            &other,
            Mount { from: Some(at.repository.clone()), digest, seen_by: None },
            NOW,
            &quotas()
        )
        .await
        .unwrap()
    );
}

async fn marks_are_kept(db: &dyn Metadata) {
    assert_eq!(db.mark(Mark::ScrubPosition).await.unwrap(), None);
    db.set_marks(vec![(Mark::ScrubPosition, 7), (Mark::SteadyTime, NOW.0)]).await.unwrap();
    db.set_marks(vec![(Mark::ScrubPosition, 3)]).await.unwrap();
    assert_eq!(db.mark(Mark::ScrubPosition).await.unwrap(), Some(3));
    assert_eq!(db.mark(Mark::SteadyTime).await.unwrap(), Some(NOW.0));
    assert_eq!(db.mark(Mark::ScrubStarted).await.unwrap(), None);
}
