//! Pull logins read the content of the images registered on their service.

use gangplank_core::{ImageName, ServiceId};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::StoredBlob;

use crate::world::{At, Document, NOW, create_service, delete_image, here, register, service_id, tenants};

metadata_contract! {
    a_registered_manifest_is_found_by_its_name,
    a_registered_manifest_is_found_by_its_digest,
    what_an_index_holds_is_found_through_it,
    a_blob_is_found_through_its_image,
    another_service_reads_nothing,
    another_tenant_reads_nothing,
    what_is_not_registered_is_not_read,
    nothing_is_read_after_the_deletion,
}

fn digest_of(content: &str) -> Digest {
    Digest::sha256(content.as_bytes())
}

/// An image, an index of it, an index of that index, and an image that is in none.
struct Images {
    image: Document,
    inner: Document,
    outer: Document,
    stranger: Document,
}

async fn images(at: &At<'_>) -> Images {
    let image = at.image(&["config", "layer"], &[]).await;
    let inner = Document::index(&[&image]);
    at.store(&inner, &[]).await;
    let outer = Document::index(&[&inner]);
    at.store(&outer, &[]).await;
    let stranger = at.image(&["stranger's config", "layer"], &["latest"]).await;
    Images { image, inner, outer, stranger }
}

async fn with_service(db: &dyn Metadata) -> (Images, ServiceId) {
    create_service(db, &here(), "web").await;
    let row = service_id(db, &here(), "web").await;
    (images(&At::sr(db)).await, row)
}

async fn finds(db: &dyn Metadata, service: ServiceId, manifest: &Document) -> bool {
    let found = db.image_manifest_by_digest(&here(), service, &manifest.digest()).await.unwrap();
    assert!(found.as_ref().is_none_or(|found| *found == manifest.stored()));
    found.is_some()
}

async fn finds_blob(db: &dyn Metadata, service: ServiceId, content: &str) -> Option<StoredBlob> {
    db.image_blob(&here(), service, &digest_of(content)).await.unwrap()
}

async fn a_registered_manifest_is_found_by_its_name(db: &dyn Metadata) {
    let (Images { image, outer, .. }, web) = with_service(db).await;
    register(db, &here(), "web", &image).await;
    register(db, &here(), "web", &outer).await;
    let find = async |label, number| db.image_manifest(&here(), web, label, number).await.unwrap();
    assert_eq!(find("app", 1).await, Some(image.stored()));
    assert_eq!(find("app", 2).await, Some(outer.stored()));
    assert_eq!(find("app", 3).await, None);
    assert_eq!(find("proxy", 1).await, None);
}

async fn a_registered_manifest_is_found_by_its_digest(db: &dyn Metadata) {
    let (Images { image, inner, .. }, web) = with_service(db).await;
    assert!(!finds(db, web, &image).await);
    register(db, &here(), "web", &image).await;
    assert!(finds(db, web, &image).await);
    assert!(!finds(db, web, &inner).await, "an index of it is not registered with it");
}

async fn what_an_index_holds_is_found_through_it(db: &dyn Metadata) {
    let (Images { image, inner, outer, stranger }, web) = with_service(db).await;
    register(db, &here(), "web", &outer).await;
    for manifest in [&outer, &inner, &image] {
        assert!(finds(db, web, manifest).await);
    }
    assert!(!finds(db, web, &stranger).await);
    for blob in ["config", "layer"] {
        assert!(finds_blob(db, web, blob).await.is_some());
    }
    assert_eq!(finds_blob(db, web, "stranger's config").await, None);
}

async fn a_blob_is_found_through_its_image(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let web = service_id(db, &here(), "web").await;
    let at = At::sr(db);
    at.add("config").await;
    let key = at.add("layer").await;
    let image = at.image(&["config", "layer"], &[]).await;
    assert_eq!(finds_blob(db, web, "layer").await, None);
    register(db, &here(), "web", &image).await;
    assert_eq!(finds_blob(db, web, "layer").await, Some(StoredBlob { size: 5, key, damaged: false }));
    // The digest of a manifest is no digest of a blob.
    assert_eq!(db.image_blob(&here(), web, &image.digest()).await.unwrap(), None);
}

async fn another_service_reads_nothing(db: &dyn Metadata) {
    let (Images { image, outer, .. }, _) = with_service(db).await;
    register(db, &here(), "web", &outer).await;
    create_service(db, &here(), "api").await;
    let api = service_id(db, &here(), "api").await;
    assert_eq!(db.image_manifest(&here(), api, "app", 1).await.unwrap(), None);
    assert!(!finds(db, api, &outer).await);
    assert!(!finds(db, api, &image).await);
    assert_eq!(finds_blob(db, api, "layer").await, None);
}

/// The number of another tenant's service gives no access.
async fn another_tenant_reads_nothing(db: &dyn Metadata) {
    let (Images { outer, .. }, web) = with_service(db).await;
    register(db, &here(), "web", &outer).await;
    for other in &tenants()[1..] {
        // The other tenant has the same content, but unregistered.
        images(&At::new(db, other.clone(), "sr")).await;
        assert_eq!(db.image_manifest(other, web, "app", 1).await.unwrap(), None);
        let found = db.image_manifest_by_digest(other, web, &outer.digest()).await.unwrap();
        assert_eq!(found, None);
        assert_eq!(db.image_blob(other, web, &digest_of("layer")).await.unwrap(), None);
    }
}

async fn what_is_not_registered_is_not_read(db: &dyn Metadata) {
    let (Images { image, .. }, web) = with_service(db).await;
    register(db, &here(), "web", &image).await;
    let sbom = Document::about(&image, "application/sbom", &["sbom"]);
    let at = At::sr(db);
    at.add("sbom").await;
    at.store(&sbom, &[]).await;
    assert!(!finds(db, web, &sbom).await, "what is about an image is no part of it");
    assert_eq!(finds_blob(db, web, "sbom").await, None);
    // The same image in another repository has the same digest, so it is found. Other images in that repository are
    // not found.
    let other = At::new(db, here(), "other");
    let neighbour = other.image(&["config", "layer", "more"], &[]).await;
    other.image(&["config", "layer"], &[]).await;
    assert!(finds(db, web, &image).await);
    assert!(!finds(db, web, &neighbour).await);
    assert_eq!(finds_blob(db, web, "more").await, None);
}

async fn nothing_is_read_after_the_deletion(db: &dyn Metadata) {
    let (Images { image, outer, .. }, web) = with_service(db).await;
    register(db, &here(), "web", &outer).await;
    register(db, &here(), "web", &image).await;
    let name = |number| ImageName { service: "web".to_owned(), label: "app".to_owned(), number };
    delete_image(db, &here(), &name(1), NOW).await;
    assert!(!finds(db, web, &outer).await);
    assert!(finds(db, web, &image).await);
    assert!(finds_blob(db, web, "layer").await.is_some());
    delete_image(db, &here(), &name(2), NOW).await;
    assert!(!finds(db, web, &image).await);
    assert_eq!(finds_blob(db, web, "layer").await, None);
    assert_eq!(db.image_manifest(&here(), web, "app", 2).await.unwrap(), None);
}
