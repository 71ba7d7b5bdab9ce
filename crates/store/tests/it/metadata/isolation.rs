//! Three tenants with the same names and the same content. A call for the wrong tenant finds nothing and
//! changes nothing.

use gangplank_core::{LoginId, ServiceId, Tenant};
use gangplank_oci::Digest;
use gangplank_store::coordination::Epoch;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::blobs::{BlobDeleted, Mount};
use gangplank_store::metadata::container_images::{ImageDeleted, ImageOutcome, NewImage};
use gangplank_store::metadata::container_services::{ServiceChange, ServiceOutcome};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest};
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};
use gangplank_store::metadata::uploads::{Leaves, UploadOpened, UploadOwner};

use super::uploads::session;
use crate::world::{
    At, Document, NOW, PLENTY, access_key, by, create_login, create_service, delete_service, image_of,
    images_of, owner_of, push_login, quotas, register, repository, service_id, tag, tagged, tenants,
};

metadata_contract! {
    the_wrong_tenant_finds_nothing,
    the_wrong_tenant_changes_nothing,
    tenants_with_the_same_names_do_not_meet,
}

/// The rows of a tenant, by their numbers.
struct Estate {
    tenant: Tenant,
    login: LoginId,
    service: ServiceId,
    image: Document,
    index: Document,
}

impl Estate {
    /// Fills a tenant. The key and the login depend on `number`, because the server chooses them. Everything
    /// else is equal in all tenants.
    async fn fill(db: &dyn Metadata, tenant: &Tenant, number: u8) -> Self {
        db.insert_access_key(&by(), access_key(tenant, number), PLENTY).await.unwrap();
        let login = create_login(db, push_login(tenant, number)).await;
        create_service(db, tenant, "web").await;
        let at = At::new(db, tenant.clone(), "sr");
        let image = at.image(&["config", "layer"], &["latest"]).await;
        let index = Document::index(&[&image]);
        at.with(login).put(NewManifest { tags: vec![tag("index")], ..index.put() }).await;
        at.add("note").await;
        at.store(&Document::about(&image, "application/note", &["note"]), &[]).await;
        register(db, tenant, "web", &index).await;
        let service = service_id(db, tenant, "web").await;
        let estate = Self { tenant: tenant.clone(), login, service, image, index };
        let session = session(&estate.session(tenant));
        assert_eq!(
            db.open_upload(&estate.owner(tenant), session, PLENTY).await.unwrap(),
            UploadOpened::Opened
        );
        estate
    }

    fn session(&self, tenant: &Tenant) -> String {
        let _ = self;
        format!("session of {tenant}")
    }

    fn owner(&self, tenant: &Tenant) -> UploadOwner {
        let _ = self;
        UploadOwner { tenant: tenant.clone(), repository: repository("sr"), owner: owner_of(9) }
    }

    /// The names of the lookups for `tenant` that find something of this estate.
    async fn findings(&self, db: &dyn Metadata, tenant: &Tenant) -> Vec<&'static str> {
        let sr = repository("sr");
        let layer = Digest::sha256(b"layer");
        let (index, image) = (self.index.digest(), self.image.digest());
        let at = At::new(db, tenant.clone(), "sr");
        let by_login = db.manifest(tenant, &sr, &index.into(), Some(self.login), None).await.unwrap();
        let session = self.session(&self.tenant);
        let asked = [
            ("service", db.service(tenant, "web").await.unwrap().is_some()),
            ("services", !db.services(tenant).await.unwrap().is_empty()),
            ("images", images_of(db, tenant, "web").await.is_some()),
            ("logins", !db.logins(tenant, NOW, None, 1_000).await.unwrap().logins.is_empty()),
            (
                "find_blob",
                db.find_blob(tenant, &sr, &layer, Some(crate::world::asked(NOW))).await.unwrap().is_some(),
            ),
            ("tenant_content", db.tenant_content(tenant, &layer).await.unwrap().is_some()),
            ("upload", db.upload(&self.owner(tenant), &session).await.unwrap().is_some()),
            ("manifest by tag", at.get(&tagged("latest")).await.is_some()),
            ("manifest by digest", at.get(&image.into()).await.is_some()),
            ("manifest by login", by_login.is_some()),
            ("referrers", !db.referrers(tenant, &sr, &image, None, None, 0).await.unwrap().page.is_empty()),
            ("tags", at.tags().await.is_some()),
            ("repositories", !db.repositories(tenant, None, 9).await.unwrap().is_empty()),
            ("image_manifest", db.image_manifest(tenant, self.service, "app", 1).await.unwrap().is_some()),
            (
                "image_manifest_by_digest",
                db.image_manifest_by_digest(tenant, self.service, &image).await.unwrap().is_some(),
            ),
            ("image_blob", db.image_blob(tenant, self.service, &layer).await.unwrap().is_some()),
        ];
        asked.into_iter().filter_map(|(how, found)| found.then_some(how)).collect()
    }
}

async fn the_wrong_tenant_finds_nothing(db: &dyn Metadata) {
    let [owner, ..] = tenants();
    let estate = Estate::fill(db, &owner, 1).await;
    assert_eq!(estate.findings(db, &owner).await.len(), 16);
    for tenant in &tenants()[1..] {
        assert_eq!(estate.findings(db, tenant).await, [""; 0], "{tenant}");
    }
}

async fn the_wrong_tenant_changes_nothing(db: &dyn Metadata) {
    let [owner, ..] = tenants();
    let estate = Estate::fill(db, &owner, 1).await;
    let before = estate.findings(db, &owner).await;
    let sr = repository("sr");
    for tenant in &tenants()[1..] {
        let (image, layer) = (estate.image.digest(), Digest::sha256(b"layer"));
        let service = estate.service;
        let change = ServiceChange::Untag(Vec::new());
        let changed = db.change_service(&by(), tenant, service, change, PLENTY).await.unwrap();
        assert_eq!(changed, ServiceOutcome::NoSuchService);
        assert!(!db.delete_service(&by(), tenant, service, NOW).await.unwrap());
        let new = NewImage { service, ..image_of("app", image) };
        let registered = db.register_image(&by(), tenant, new, PLENTY).await.unwrap();
        assert_eq!(registered, ImageOutcome::NoSuchService);
        let ended = db.delete_image(&by(), tenant, service, "app", 1, NOW).await.unwrap();
        assert_eq!(ended, ImageDeleted::NoSuchService);
        assert_eq!(db.images(tenant, service).await.unwrap(), None);
        let pull = NewLogin { service: Some(service), ..push_login(tenant, 9) };
        assert_eq!(
            db.insert_login(&by(), pull, Requires::Nothing, PLENTY).await.unwrap(),
            LoginCreated::NoSuchService
        );
        assert!(!db.revoke_login(&by(), tenant, estate.login, NOW).await.unwrap());
        assert!(
            !db.mount_blob(
                tenant,
                &repository("x"),
                Mount { from: Some(sr.clone()), digest: layer, seen_by: None },
                NOW,
                &quotas()
            )
            .await
            .unwrap()
        );
        assert_eq!(db.delete_blob(&by(), tenant, &sr, &layer).await.unwrap(), BlobDeleted::NoSuchBlob);
        let deleted = db.delete_manifest(&by(), tenant, &sr, &image, NOW).await.unwrap();
        assert_eq!(deleted, ManifestDeleted::NoSuchManifest);
        assert!(!db.delete_tag(&by(), tenant, &sr, &tag("latest")).await.unwrap());
        let put = db.put_manifest(&by(), tenant, &sr, estate.index.put()).await.unwrap();
        assert_eq!(put, ManifestOutcome::ChildUnknown(image));
        let session = estate.session(&owner);
        assert!(
            !db.close_upload(&estate.owner(tenant), &session, Epoch::NONE, Leaves::Nothing).await.unwrap()
        );
        assert!(estate.findings(db, tenant).await.is_empty());
    }
    assert_eq!(estate.findings(db, &owner).await, before);
}

async fn tenants_with_the_same_names_do_not_meet(db: &dyn Metadata) {
    let mut estates = Vec::new();
    for (number, tenant) in (1..).zip(tenants()) {
        estates.push(Estate::fill(db, &tenant, number).await);
    }
    for estate in &estates {
        assert_eq!(estate.findings(db, &estate.tenant).await.len(), 16);
        assert_eq!(images_of(db, &estate.tenant, "web").await.unwrap()[0].name.number, 1);
        for other in estates.iter().filter(|other| other.tenant != estate.tenant) {
            // The numbers of one tenant's login, service and session find nothing in another tenant.
            let found = estate.findings(db, &other.tenant).await;
            for by_number in
                ["upload", "manifest by login", "image_manifest", "image_manifest_by_digest", "image_blob"]
            {
                assert!(!found.contains(&by_number), "{by_number}");
            }
        }
    }
    // One tenant deletes everything. The others lose nothing.
    let [first, others @ ..] = &estates[..] else { panic!("no estates") };
    let sr = repository("sr");
    delete_service(db, &first.tenant, "web", NOW).await;
    for manifest in [&first.index, &first.image] {
        db.delete_manifest(&by(), &first.tenant, &sr, &manifest.digest(), NOW).await.unwrap();
    }
    for content in ["config", "layer", "note"] {
        let digest = Digest::sha256(content.as_bytes());
        assert_eq!(db.delete_blob(&by(), &first.tenant, &sr, &digest).await.unwrap(), BlobDeleted::Deleted);
    }
    for other in others {
        assert_eq!(other.findings(db, &other.tenant).await.len(), 16);
    }
}
