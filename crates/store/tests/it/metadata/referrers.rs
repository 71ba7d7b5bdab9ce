//! Manifests about other manifests.

use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::manifests::ManifestDeleted;

use crate::world::{At, Document, NOW, by, here, tenants};

metadata_contract! {
    referrers_are_listed_oldest_first,
    referrers_are_filtered_by_their_type,
    a_subject_may_be_absent,
    referrers_are_a_repositorys_own,
    a_deleted_referrer_is_not_listed,
}

async fn listed(at: &At<'_>, subject: &Document, artifact_type: Option<&str>) -> Vec<String> {
    let digest = subject.digest();
    let found =
        at.db.referrers(&at.tenant, &at.repository, &digest, artifact_type, None, 0).await.unwrap().page;
    found.into_iter().map(|referrer| referrer.digest).collect()
}

fn digests(documents: &[&Document]) -> Vec<String> {
    documents.iter().map(|document| document.digest().to_string()).collect()
}

async fn about(at: &At<'_>, subject: &Document, artifact_type: &str, blob: &str) -> Document {
    at.add(blob).await;
    let document = Document::about(subject, artifact_type, &[blob]);
    at.store(&document, &[]).await;
    document
}

async fn referrers_are_listed_oldest_first(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    assert_eq!(listed(&at, &image, None).await, [""; 0]);
    let first = about(&at, &image, "application/sbom", "sbom").await;
    let second = about(&at, &image, "application/signature", "signature").await;
    at.store(&first, &["again"]).await;
    assert_eq!(listed(&at, &image, None).await, digests(&[&first, &second]));
    let found = db.referrers(&here(), &at.repository, &image.digest(), None, None, 0).await.unwrap().page;
    assert_eq!(found[0].media_type, first.media_type);
    assert_eq!(found[0].size, first.body.len() as u64);
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/sbom"));
    let annotations: serde_json::Value = serde_json::from_str(&found[0].annotations).unwrap();
    assert_eq!(annotations, serde_json::json!({ "of": "the tests" }));
}

async fn referrers_are_filtered_by_their_type(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    let sbom = about(&at, &image, "application/sbom", "sbom").await;
    about(&at, &image, "application/signature", "signature").await;
    assert_eq!(listed(&at, &image, Some("application/sbom")).await, digests(&[&sbom]));
    assert_eq!(listed(&at, &image, Some("application/SBOM")).await, [""; 0]);
}

async fn a_subject_may_be_absent(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = Document::image(&["config"]);
    let sbom = about(&at, &image, "application/sbom", "sbom").await;
    assert_eq!(listed(&at, &image, None).await, digests(&[&sbom]));
    at.image(&["config"], &[]).await;
    assert_eq!(listed(&at, &image, None).await, digests(&[&sbom]));
    let deleted = db.delete_manifest(&by(), &here(), &at.repository, &image.digest(), NOW).await.unwrap();
    assert_eq!(deleted, ManifestDeleted::Deleted);
    assert_eq!(listed(&at, &image, None).await, digests(&[&sbom]), "and may be deleted");
}

async fn referrers_are_a_repositorys_own(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    about(&at, &image, "application/sbom", "sbom").await;
    for tenant in tenants() {
        let other = At::new(db, tenant, "other");
        assert_eq!(listed(&other, &image, None).await, [""; 0]);
        other.image(&["config"], &[]).await;
        assert_eq!(listed(&other, &image, None).await, [""; 0]);
    }
    let unknown = Digest::sha256(b"unheard of");
    assert!(db.referrers(&here(), &at.repository, &unknown, None, None, 0).await.unwrap().page.is_empty());
}

async fn a_deleted_referrer_is_not_listed(db: &dyn Metadata) {
    let at = At::sr(db);
    let image = at.image(&["config"], &[]).await;
    let sbom = about(&at, &image, "application/sbom", "sbom").await;
    db.delete_manifest(&by(), &here(), &at.repository, &sbom.digest(), NOW).await.unwrap();
    assert_eq!(listed(&at, &image, None).await, [""; 0]);
}
