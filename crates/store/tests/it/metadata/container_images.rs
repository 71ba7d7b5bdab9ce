//! Registering container images.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use gangplank_core::{ImageName, Tenant, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::container_images::{ImageDeleted, ImageOutcome, NewImage};
use gangplank_store::metadata::manifests::ManifestDeleted;
use gangplank_store::metadata::{Invocation, Metadata};

use crate::world::{
    At, Document, NOW, PLENTY, by, create_service, delete_image, delete_service, here, image_of, images_of,
    owner_of, register, register_on, tenants,
};

metadata_contract! {
    an_image_is_named_and_listed,
    one_counter_numbers_every_label_of_a_service,
    a_number_is_never_used_again,
    registrations_at_once_get_numbers_of_their_own,
    a_retry_gets_the_first_registration,
    a_retry_is_of_the_same_call_and_image,
    the_quota_counts_a_services_images,
    images_are_listed_newest_first,
    nothing_is_registered_without_its_service,
    nothing_is_registered_without_its_manifest,
    a_manifest_that_lost_content_is_not_registered,
    a_manifest_is_found_in_any_repository,
    an_image_is_deleted_by_its_whole_name,
    a_manifest_stays_until_its_last_registration_is_deleted,
}

async fn service_with_image(db: &dyn Metadata) -> Document {
    create_service(db, &here(), "web").await;
    At::sr(db).image(&["config", "layer"], &["latest"]).await
}

fn name(label: &str, number: i64) -> ImageName {
    ImageName { service: "web".to_owned(), label: label.to_owned(), number }
}

async fn try_register(db: &dyn Metadata, image: NewImage) -> ImageOutcome {
    register_on(db, &here(), "web", image, PLENTY).await
}

/// The names of a service's images, in the order of the list.
async fn names(db: &dyn Metadata, tenant: &Tenant) -> Vec<String> {
    let images = images_of(db, tenant, "web").await.unwrap();
    images.into_iter().map(|image| image.name.to_string()).collect()
}

async fn an_image_is_named_and_listed(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    let image = NewImage { created_at: Time(NOW.0 + 5), ..image_of("app", manifest.digest()) };
    let ImageOutcome::Registered(registered) = try_register(db, image).await else { panic!("refused") };
    assert_eq!(registered.name, name("app", 1));
    assert_eq!(registered.digest, manifest.digest().to_string());
    assert_eq!(registered.created_at, Time(NOW.0 + 5));
    assert_eq!(images_of(db, &here(), "web").await, Some(vec![registered]));
}

async fn one_counter_numbers_every_label_of_a_service(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    create_service(db, &here(), "api").await;
    for (service, label, number) in
        [("web", "app", 1), ("web", "proxy", 2), ("api", "app", 1), ("web", "app", 3), ("api", "x", 2)]
    {
        let image = image_of(label, manifest.digest());
        let outcome = register_on(db, &here(), service, image, PLENTY).await;
        let ImageOutcome::Registered(image) = outcome else { panic!("refused") };
        assert_eq!(image.name.to_string(), format!(":{service}.{label}.{number}"));
    }
}

async fn a_number_is_never_used_again(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    for number in 1..=4 {
        assert_eq!(register(db, &here(), "web", &manifest).await.name.number, number);
        let deleted = delete_image(db, &here(), &name("app", number), NOW).await;
        assert_eq!(deleted, ImageDeleted::Deleted);
    }
    assert_eq!(images_of(db, &here(), "web").await, Some(Vec::new()));
}

async fn registrations_at_once_get_numbers_of_their_own(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    let runtime = tokio::runtime::Handle::current();
    let numbers: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let (runtime, manifest) = (runtime.clone(), &manifest);
                scope.spawn(move || {
                    runtime.block_on(async { register(db, &here(), "web", manifest).await.name.number })
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: BTreeSet<i64> = numbers.iter().copied().collect();
    assert_eq!(distinct.len(), 20, "{numbers:?}");
    let listed = images_of(db, &here(), "web").await.unwrap();
    assert!(listed.iter().map(|image| image.name.number).eq(distinct.into_iter().rev()));
}

async fn a_retry_gets_the_first_registration(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    let invocation = Some(Invocation { owner: owner_of(1), id: "call".to_owned() });
    let attempt = |late: i64| NewImage {
        invocation: invocation.clone(),
        created_at: Time(NOW.0 + late),
        ..image_of("app", manifest.digest())
    };
    let tenant = here();
    let attempts = (0..5).map(|late| register_on(db, &tenant, "web", attempt(late), 1));
    let outcomes: Vec<ImageOutcome> = join_all(attempts).await;
    assert!(matches!(&outcomes[0], ImageOutcome::Registered(image) if image.name.number == 1));
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    assert_eq!(names(db, &here()).await, [":web.app.1"]);
}

async fn a_retry_is_of_the_same_call_and_image(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    let other = At::sr(db).image(&["config"], &[]).await;
    let call = |key, id: &str| Some(Invocation { owner: owner_of(key), id: id.to_owned() });
    let attempts = [
        (call(1, "a"), "app", &manifest),
        (call(1, "b"), "app", &manifest),
        (call(2, "a"), "app", &manifest),
        (call(1, "a"), "proxy", &manifest),
        (call(1, "a"), "app", &other),
        (None, "app", &manifest),
        (None, "app", &manifest),
    ];
    for (number, (invocation, label, manifest)) in (1..).zip(attempts) {
        let image = NewImage { invocation, ..image_of(label, manifest.digest()) };
        let ImageOutcome::Registered(image) = try_register(db, image).await else { panic!("refused") };
        assert_eq!(image.name.number, number);
    }
}

async fn the_quota_counts_a_services_images(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    create_service(db, &here(), "api").await;
    let register = async |service, label: &str| {
        register_on(db, &here(), service, image_of(label, manifest.digest()), 2).await
    };
    for label in ["app", "proxy"] {
        assert!(matches!(register("web", label).await, ImageOutcome::Registered(_)));
    }
    assert_eq!(register("web", "app").await, ImageOutcome::QuotaReached);
    assert!(matches!(register("api", "app").await, ImageOutcome::Registered(_)));
    delete_image(db, &here(), &name("app", 1), NOW).await;
    let ImageOutcome::Registered(image) = register("web", "app").await else { panic!("refused") };
    assert_eq!(image.name.number, 3, "a refusal costs no number");
}

async fn images_are_listed_newest_first(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    for label in ["b", "a", "c"] {
        // All images have the same time, so their numbers decide.
        try_register(db, image_of(label, manifest.digest())).await;
    }
    assert_eq!(names(db, &here()).await, [":web.c.3", ":web.a.2", ":web.b.1"]);
}

async fn nothing_is_registered_without_its_service(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    let unknown = register_on(db, &here(), "api", image_of("app", manifest.digest()), PLENTY).await;
    assert_eq!(unknown, ImageOutcome::NoSuchService);
    assert_eq!(images_of(db, &here(), "api").await, None);
    for other in &tenants()[1..] {
        let image = image_of("app", manifest.digest());
        let outcome = register_on(db, other, "web", image, PLENTY).await;
        assert_eq!(outcome, ImageOutcome::NoSuchService);
    }
}

async fn nothing_is_registered_without_its_manifest(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    for other in &tenants()[1..] {
        create_service(db, other, "web").await;
        let image = image_of("app", manifest.digest());
        let outcome = register_on(db, other, "web", image, PLENTY).await;
        assert_eq!(outcome, ImageOutcome::NoSuchManifest, "it is another tenant's");
    }
    // The digest of a blob is no manifest.
    for digest in [Digest::sha256(b"unheard of"), Digest::sha256(b"layer")] {
        let outcome = try_register(db, image_of("app", digest)).await;
        assert_eq!(outcome, ImageOutcome::NoSuchManifest);
    }
    assert_eq!(names(db, &here()).await, [""; 0]);
    assert_eq!(register(db, &here(), "web", &manifest).await.name.number, 1);
}

/// A manifest whose layers were deleted cannot be registered.
async fn a_manifest_that_lost_content_is_not_registered(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::sr(db);
    let image = at.image(&["config", "layer"], &[]).await;
    let inner = Document::index(&[&image]);
    let outer = Document::index(&[&inner]);
    at.store(&inner, &[]).await;
    at.store(&outer, &[]).await;
    let all = [&image, &inner, &outer];
    db.delete_blob(&by(), &here(), &at.repository, &Digest::sha256(b"layer")).await.unwrap();
    for manifest in all {
        let outcome = try_register(db, image_of("app", manifest.digest())).await;
        assert_eq!(outcome, ImageOutcome::NoSuchManifest);
    }
    // Another repository has the complete image, so it is registered from there.
    let whole = At::new(db, here(), "other");
    whole.image(&["config", "layer"], &[]).await;
    register(db, &here(), "web", &image).await;
    let deleted = db.delete_manifest(&by(), &here(), &whole.repository, &image.digest(), NOW).await.unwrap();
    assert_eq!(deleted, ManifestDeleted::Registered);
    // When the layer has been added again, the image can be registered from here too.
    at.add("layer").await;
    let deleted = db.delete_manifest(&by(), &here(), &at.repository, &inner.digest(), NOW).await.unwrap();
    assert_eq!(deleted, ManifestDeleted::Deleted);
    let outcome = try_register(db, image_of("app", outer.digest())).await;
    assert_eq!(outcome, ImageOutcome::NoSuchManifest, "its child is gone");
    at.store(&inner, &[]).await;
    register(db, &here(), "web", &outer).await;
}

async fn a_manifest_is_found_in_any_repository(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let at = At::new(db, here(), "team/app");
    let image = at.image(&["config"], &[]).await;
    register(db, &here(), "web", &image).await;
    let deleted = db.delete_manifest(&by(), &here(), &at.repository, &image.digest(), NOW).await.unwrap();
    assert_eq!(deleted, ManifestDeleted::Registered);
}

async fn an_image_is_deleted_by_its_whole_name(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    register(db, &here(), "web", &manifest).await;
    let delete = async |tenant: &Tenant, name: &ImageName| delete_image(db, tenant, name, NOW).await;
    for wrong in [name("proxy", 1), name("app", 2), name("app", -1)] {
        assert_eq!(delete(&here(), &wrong).await, ImageDeleted::NoSuchImage);
    }
    let elsewhere = ImageName { service: "api".to_owned(), ..name("app", 1) };
    assert_eq!(delete(&here(), &elsewhere).await, ImageDeleted::NoSuchService);
    for other in &tenants()[1..] {
        assert_eq!(delete(other, &name("app", 1)).await, ImageDeleted::NoSuchService);
        create_service(db, other, "web").await;
        assert_eq!(delete(other, &name("app", 1)).await, ImageDeleted::NoSuchImage);
    }
    assert_eq!(names(db, &here()).await, [":web.app.1"]);
    assert_eq!(delete(&here(), &name("app", 1)).await, ImageDeleted::Deleted);
    assert_eq!(delete(&here(), &name("app", 1)).await, ImageDeleted::NoSuchImage);
}

async fn a_manifest_stays_until_its_last_registration_is_deleted(db: &dyn Metadata) {
    let manifest = service_with_image(db).await;
    create_service(db, &here(), "api").await;
    register(db, &here(), "web", &manifest).await;
    register(db, &here(), "web", &manifest).await;
    register(db, &here(), "api", &manifest).await;
    let at = At::sr(db);
    let delete =
        async || db.delete_manifest(&by(), &here(), &at.repository, &manifest.digest(), NOW).await.unwrap();
    for number in [1, 2] {
        assert_eq!(delete().await, ManifestDeleted::Registered);
        delete_image(db, &here(), &name("app", number), NOW).await;
    }
    assert_eq!(delete().await, ManifestDeleted::Registered);
    delete_service(db, &here(), "api", NOW).await;
    assert_eq!(delete().await, ManifestDeleted::Deleted);
}
