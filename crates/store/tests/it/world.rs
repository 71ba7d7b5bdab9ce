//! What the tests put into stores.

use std::collections::BTreeMap;

use gangplank_core::{
    AccessKeyId, AccountId, Leases, LoginId, Password, Region, Renewal, Scope, Tenant, Time,
};
use gangplank_oci::{Digest, ManifestView, Reference, RepositoryName, Tag, media_type};
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::AccessKey;
use gangplank_store::metadata::blobs::NewBlob;
use gangplank_store::metadata::container_images::{ContainerImage, ImageOutcome, NewImage};
use gangplank_store::metadata::container_services::{ContainerService, ServiceOutcome};
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest, StoredManifest};
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};
use serde_json::{Value, json};

/// When the tests take place.
pub(crate) const NOW: Time = Time(1_800_000_000_000);

/// The renewal of a client that asks at `now`.
pub(crate) fn asked(now: Time) -> Renewal {
    Leases::default().renewal(now)
}

/// How deep indexes may nest.
pub(crate) const MAX_DEPTH: u32 = 4;

/// More than any test has.
pub(crate) const PLENTY: u32 = 1_000;

pub(crate) fn tenant(account: &str, region: &str) -> Tenant {
    Tenant { account: AccountId::parse(account).unwrap(), region: Region::parse(region).unwrap() }
}

/// The root account in the first region: where a test is, if it does not say otherwise.
pub(crate) fn here() -> Tenant {
    tenant("000000000000", "us-east-1")
}

/// Here, the same account in another region, and another account in the same region.
pub(crate) fn tenants() -> [Tenant; 3] {
    [here(), tenant("000000000000", "eu-central-1"), tenant("123456789012", "us-east-1")]
}

pub(crate) fn repository(name: &str) -> RepositoryName {
    RepositoryName::parse(name).unwrap()
}

pub(crate) fn tag(name: &str) -> Tag {
    Tag::parse(name).unwrap()
}

pub(crate) fn tagged(name: &str) -> Reference {
    Reference::Tag(tag(name))
}

pub(crate) fn key_id(number: u8) -> AccessKeyId {
    AccessKeyId::generate([number; 10])
}

/// An enabled key of the tenant's account.
pub(crate) fn access_key(tenant: &Tenant, number: u8) -> AccessKey {
    AccessKey {
        id: key_id(number),
        account: tenant.account.clone(),
        sealed_secret: vec![number; 48],
        is_root: false,
        enabled: true,
        created_at: NOW,
    }
}

pub(crate) fn password(number: u8) -> Password {
    Password::generate([number; 32])
}

/// A push login of key `number`, whose password is `password(number)`.
pub(crate) fn push_login(tenant: &Tenant, number: u8) -> NewLogin {
    NewLogin {
        tenant: tenant.clone(),
        access_key: key_id(number),
        scope: Scope::PUSH,
        service: None,
        password: password(number).hash(),
        created_at: NOW,
        expires_at: gangplank_core::registry_login::expires_at(NOW),
    }
}

pub(crate) async fn create_login(db: &dyn Metadata, login: NewLogin) -> LoginId {
    match db.insert_login(login, Requires::Nothing).await.unwrap() {
        LoginCreated::Created(id) => id,
        refused => panic!("{refused:?}"),
    }
}

pub(crate) fn service(name: &str) -> ContainerService {
    ContainerService {
        name: name.to_owned(),
        uuid: uuid::Uuid::new_v4().to_string(),
        power: "nano".to_owned(),
        scale: 1,
        is_disabled: false,
        puller_role_active: false,
        tags: Vec::new(),
        public_domain_names: BTreeMap::new(),
        created_at: NOW,
    }
}

pub(crate) async fn create_service(db: &dyn Metadata, tenant: &Tenant, name: &str) {
    let made = db.create_service(tenant, service(name), None, PLENTY).await.unwrap();
    assert!(matches!(made, ServiceOutcome::Done(_)), "{made:?}");
}

pub(crate) fn image_of(service: &str, label: &str, digest: Digest) -> NewImage {
    NewImage {
        service: service.to_owned(),
        label: label.to_owned(),
        digest,
        created_at: NOW,
        invocation: None,
    }
}

pub(crate) async fn register(
    db: &dyn Metadata,
    tenant: &Tenant,
    service: &str,
    manifest: &Document,
) -> ContainerImage {
    let image = image_of(service, "app", manifest.digest());
    match db.register_image(tenant, image, PLENTY).await.unwrap() {
        ImageOutcome::Registered(image) => image,
        refused => panic!("{refused:?}"),
    }
}

/// The number of a service's row, which a pull login's grant carries.
pub(crate) async fn service_row(db: &dyn Metadata, tenant: &Tenant, name: &str) -> i64 {
    use gangplank_store::metadata::registry_logins::LoginLookup;

    let random: [u8; 32] =
        [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat().try_into().unwrap();
    let password = Password::generate(random);
    let account_key = AccessKeyId::generate(random[..10].try_into().unwrap());
    db.insert_access_key(AccessKey { id: account_key.clone(), ..access_key(tenant, 0) }).await.unwrap();
    let login = NewLogin {
        scope: Scope::PULL,
        service: Some(name.to_owned()),
        password: password.hash(),
        access_key: account_key,
        ..push_login(tenant, 0)
    };
    create_login(db, login).await;
    match db.login(&password.hash()).await.unwrap() {
        LoginLookup::Live(grant) => grant.service.unwrap().id,
        other => panic!("{other:?}"),
    }
}

/// A manifest as a client sends it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Document {
    fn new(media_type: &'static str, body: &Value) -> Self {
        Self { media_type, body: serde_json::to_vec(body).unwrap() }
    }

    /// An image whose configuration is the first of `blobs`.
    pub(crate) fn image(blobs: &[&str]) -> Self {
        let body = image_body(blobs);
        Self::new(media_type::OCI_MANIFEST, &body)
    }

    /// An artifact about `subject`.
    pub(crate) fn about(subject: &Document, artifact_type: &str, blobs: &[&str]) -> Self {
        let mut body = image_body(blobs);
        body["artifactType"] = artifact_type.into();
        body["subject"] = subject.descriptor();
        body["annotations"] = json!({ "of": "the tests" });
        Self::new(media_type::OCI_MANIFEST, &body)
    }

    pub(crate) fn index(children: &[&Document]) -> Self {
        let children: Vec<Value> = children.iter().map(|child| child.descriptor()).collect();
        let body = json!({ "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children });
        Self::new(media_type::OCI_INDEX, &body)
    }

    /// An index about `subject`.
    pub(crate) fn index_about(subject: &Document, children: &[&Document]) -> Self {
        let mut body: Value = serde_json::from_slice(&Self::index(children).body).unwrap();
        body["subject"] = subject.descriptor();
        Self::new(media_type::OCI_INDEX, &body)
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::sha256(&self.body)
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference::Digest(self.digest())
    }

    pub(crate) fn view(&self) -> ManifestView {
        ManifestView::parse(&self.body, Some(self.media_type)).unwrap()
    }

    /// As the store hands it back.
    pub(crate) fn stored(&self) -> StoredManifest {
        StoredManifest {
            digest: self.digest().to_string(),
            media_type: self.media_type.to_owned(),
            body: self.body.clone(),
        }
    }

    /// To be put by a login that there is not, under no tag.
    pub(crate) fn put(&self) -> NewManifest {
        NewManifest {
            digest: self.digest(),
            body: self.body.clone(),
            view: self.view(),
            may_be_absent: Vec::new(),
            max_depth: MAX_DEPTH,
            tags: Vec::new(),
            login: LoginId(i64::MAX),
            now: NOW,
            lease: Leases::default().renewal(NOW),
        }
    }

    fn descriptor(&self) -> Value {
        let (digest, size) = (self.digest().to_string(), self.body.len());
        json!({ "mediaType": self.media_type, "digest": digest, "size": size })
    }
}

fn image_body(blobs: &[&str]) -> Value {
    let describe = |media_type: &str, content: &&str| {
        let digest = Digest::sha256(content.as_bytes()).to_string();
        json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
    };
    let layers: Vec<Value> =
        blobs[1..].iter().map(|blob| describe(media_type::OCI_LAYER_GZIP, blob)).collect();
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": describe(media_type::OCI_CONFIG, &blobs[0]),
        "layers": layers,
    })
}

/// One repository of one tenant.
#[derive(Clone)]
pub(crate) struct At<'a> {
    pub(crate) db: &'a dyn Metadata,
    pub(crate) tenant: Tenant,
    pub(crate) repository: RepositoryName,
}

impl<'a> At<'a> {
    pub(crate) fn new(db: &'a dyn Metadata, tenant: Tenant, name: &str) -> Self {
        Self { db, tenant, repository: repository(name) }
    }

    /// The repository `sr`, here.
    pub(crate) fn sr(db: &'a dyn Metadata) -> Self {
        Self::new(db, here(), "sr")
    }

    /// Adds a blob; returns the key its bytes are kept under.
    pub(crate) async fn add(&self, content: &str) -> ContentKey {
        let blob = blob(content, ContentKey::unused());
        self.db.add_blob(&self.tenant, &self.repository, blob, NOW).await.unwrap()
    }

    pub(crate) async fn put(&self, manifest: NewManifest) -> ManifestOutcome {
        self.db.put_manifest(&self.tenant, &self.repository, manifest).await.unwrap()
    }

    /// Puts a manifest under tags; it must be taken.
    pub(crate) async fn store(&self, document: &Document, tags: &[&str]) {
        let tags = tags.iter().map(|name| tag(name)).collect();
        let outcome = self.put(NewManifest { tags, ..document.put() }).await;
        assert_eq!(outcome, ManifestOutcome::Stored);
    }

    /// Adds the blobs and puts the image made of them.
    pub(crate) async fn image(&self, blobs: &[&str], tags: &[&str]) -> Document {
        for content in blobs {
            self.add(content).await;
        }
        let image = Document::image(blobs);
        self.store(&image, tags).await;
        image
    }

    pub(crate) async fn get(&self, reference: &Reference) -> Option<StoredManifest> {
        self.db.manifest(&self.tenant, &self.repository, reference, None, None).await.unwrap()
    }

    /// Whether the repository holds a blob.
    pub(crate) async fn holds(&self, content: &str) -> bool {
        let digest = Digest::sha256(content.as_bytes());
        self.db.find_blob(&self.tenant, &self.repository, &digest, Some(asked(NOW))).await.unwrap().is_some()
    }

    pub(crate) async fn tags(&self) -> Option<Vec<String>> {
        self.db.tags(&self.tenant, &self.repository, None, 1_000).await.unwrap()
    }
}

/// A blob to be added.
pub(crate) fn blob(content: &str, key: ContentKey) -> NewBlob {
    NewBlob {
        digest: Digest::sha256(content.as_bytes()),
        size: content.len() as u64,
        key,
        damaged: None,
        session: None,
    }
}
