//! The objects that tests put into stores.

use std::collections::BTreeMap;

use gangplank_core::policy::{Limits as PolicyLimits, Preset, RepositoryPattern, TrustPolicy};
use gangplank_core::role::{Claims, TokenHash};
use gangplank_core::{
    AccessKeyId, AccountId, ImageName, Leases, LoginId, LoginLimits, Origin, Owner, Password, Permission,
    Power, Quotas, Reach, Region, Renewal, RoleId, RoleName, Scale, Scope, ServiceId, SessionName, Tenant,
    Time,
};
use gangplank_oci::{Digest, ManifestView, Reference, RepositoryName, Tag, media_type};
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{AccessKey, KeyChange, LastRootKey, NewState};
use gangplank_store::metadata::blobs::NewBlob;
use gangplank_store::metadata::container_images::{ContainerImage, ImageDeleted, ImageOutcome, NewImage};
use gangplank_store::metadata::container_services::{ContainerService, ServiceOutcome};
use gangplank_store::metadata::deployments::{
    DeployedService, DeploymentOutcome, ImageSource, NewDeployment, NewImage as DeployedFrom, Room,
};
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest, StoredManifest};
use gangplank_store::metadata::registry_logins::{LoginCreated, NewLogin, Requires};
use gangplank_store::metadata::role_sessions::{NewSession, SessionMade};
use gangplank_store::metadata::roles::{NewRole, Role, RoleMade};
use serde_json::{Value, json};

/// The time of the tests.
pub(crate) const NOW: Time = Time(1_800_000_000_000);

/// The renewal of a client that asks at `now`.
pub(crate) fn asked(now: Time) -> Renewal {
    Leases::default().renewal(now)
}

/// How many levels of indexes may be above an image.
pub(crate) const MAX_DEPTH: u32 = 4;

/// Quotas that no test reaches.
pub(crate) fn quotas() -> Quotas {
    Quotas::default()
}

/// A quota that no test reaches.
pub(crate) const PLENTY: u32 = 1_000;

pub(crate) fn tenant(account: &str, region: &str) -> Tenant {
    Tenant { account: AccountId::parse(account).unwrap(), region: Region::parse(region).unwrap() }
}

/// The root account in the first region. Tests use this tenant unless they need another one.
pub(crate) fn here() -> Tenant {
    tenant("000000000000", "us-east-1")
}

/// The usual tenant, the same account in another region, and another account in the same region.
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
        permission: None,
        limits: LoginLimits::default(),
        expires_at: None,
        description: String::new(),
        made_by: None,
        last_used_at: None,
    }
}

/// Some repositories and a network.
pub(crate) fn narrow() -> Reach {
    let patterns = ["team/*", "sr"].map(|text| RepositoryPattern::parse(text).unwrap());
    Reach::of(patterns.into(), vec!["10.0.0.0/8".parse().unwrap()])
}

/// The origin of an action by access key `number`, now.
pub(crate) fn by_key(number: u8) -> Origin {
    Origin { owner: Some(owner_of(number)), ..by() }
}

pub(crate) fn role_name(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

/// A trust policy for the CI jobs of this repository.
pub(crate) fn trust(repository: &str) -> TrustPolicy {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": "arn:aws:iam::000000000000:oidc-provider/ci.example" },
        "Condition": { "StringEquals": {
            "ci.example:aud": "https://registry.example", "ci.example:repository": repository,
        } },
    }] });
    TrustPolicy::parse(&policy.to_string()).unwrap()
}

/// A role of the tenant's account that may push.
pub(crate) fn new_role(tenant: &Tenant, name: &str) -> NewRole {
    NewRole {
        id: RoleId::generate(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap()),
        account: tenant.account.clone(),
        name: role_name(name),
        trust: trust("acme/web"),
        permission: Permission::of_preset(Preset::Push, PolicyLimits::default()).unwrap(),
        max_session: std::time::Duration::from_hours(1),
        limits: LoginLimits::default(),
        description: String::new(),
        created_at: NOW,
    }
}

/// Makes a role that may push.
pub(crate) async fn create_role(db: &dyn Metadata, tenant: &Tenant, name: &str) -> Role {
    match db.insert_role(&by(), new_role(tenant, name), PLENTY).await.unwrap() {
        RoleMade::Made(role) => *role,
        refused => panic!("{refused:?}"),
    }
}

/// The id of temporary key `number`.
pub(crate) fn session_key(number: u8) -> AccessKeyId {
    gangplank_core::role::session_key([number; 10])
}

/// Session `number` of a role. It lasts an hour and comes from run `number` of its job.
pub(crate) fn new_session(role: &Role, number: u8) -> NewSession {
    NewSession {
        role: role.clone(),
        key: session_key(number),
        sealed_secret: vec![number; 48],
        token: TokenHash::of(&number.to_string()),
        name: SessionName::parse("ci").unwrap(),
        policy: None,
        claims: [("repository".to_owned(), "acme/web".to_owned()), ("run_id".to_owned(), number.to_string())]
            .into(),
        remember: Claims::new(),
        created_at: NOW,
        expires_at: NOW.plus(std::time::Duration::from_hours(1)),
    }
}

/// Makes session `number` of a role.
pub(crate) async fn create_session(db: &dyn Metadata, role: &Role, number: u8) {
    let made = db.insert_session(&by(), new_session(role, number), PLENTY).await.unwrap();
    assert_eq!(made, SessionMade::Made);
}

/// A push login of session `number` of a role, whose password is `password(number)`.
pub(crate) fn session_login(tenant: &Tenant, role: &Role, number: u8) -> NewLogin {
    NewLogin { owner: role.owner(), session: Some(session_key(number)), ..push_login(tenant, number) }
}

/// The origin of an action by session `number` of a role, now.
pub(crate) fn by_session(role: &Role, number: u8) -> Origin {
    Origin { owner: Some(role.owner()), session: Some(session_key(number)), ..by() }
}

/// The owner of the things that key `number` makes.
pub(crate) fn owner_of(number: u8) -> Owner {
    Owner::from(&key_id(number))
}

/// The origin of an action by the server itself, now.
pub(crate) fn by() -> Origin {
    Origin::local(NOW)
}

/// Changes a key, unless it is the last root key.
pub(crate) async fn change_key(
    db: &dyn Metadata,
    account: Option<&AccountId>,
    id: &AccessKeyId,
    state: NewState,
) -> KeyChange {
    db.change_access_key(&by(), account, id, state, LastRootKey::Keep).await.unwrap()
}

pub(crate) fn password(number: u8) -> Password {
    Password::generate([number; 32])
}

/// A push login of key `number`, whose password is `password(number)`.
pub(crate) fn push_login(tenant: &Tenant, number: u8) -> NewLogin {
    NewLogin {
        tenant: tenant.clone(),
        owner: owner_of(number),
        scope: Scope::PUSH,
        service: None,
        reach: Reach::default(),
        session: None,
        password: password(number).hash(),
        created_at: NOW,
        expires_at: NOW.plus(gangplank_core::registry_login::LIFETIME),
    }
}

pub(crate) async fn create_login(db: &dyn Metadata, login: NewLogin) -> LoginId {
    match db.insert_login(&by(), login, Requires::Nothing, PLENTY).await.unwrap() {
        LoginCreated::Created(id) => id,
        refused => panic!("{refused:?}"),
    }
}

pub(crate) fn service(name: &str) -> ContainerService {
    ContainerService {
        id: ServiceId(0),
        name: name.to_owned(),
        uuid: uuid::Uuid::new_v4().to_string(),
        power: Power::Nano,
        scale: Scale::LEAST,
        is_disabled: false,
        puller_role_active: false,
        tags: Vec::new(),
        public_domain_names: BTreeMap::new(),
        created_at: NOW,
        last_version: 0,
        current_version: None,
        next_version: None,
        changes: 0,
        is_updating: false,
        damage: None,
    }
}

/// The outcome of a change of a service without deployments.
pub(crate) fn done(tenant: &Tenant, service: &ContainerService) -> ServiceOutcome {
    let (tenant, service) = (tenant.clone(), service.clone());
    ServiceOutcome::Done(Box::new(DeployedService {
        tenant,
        service,
        current: None,
        next: None,
        rollout: None,
    }))
}

pub(crate) async fn create_service(db: &dyn Metadata, tenant: &Tenant, name: &str) {
    let made = db.create_service(&by(), tenant, service(name), None, PLENTY).await.unwrap();
    assert!(matches!(made, ServiceOutcome::Done(_)), "{made:?}");
}

/// The number of a service. If it does not exist, a number that no service has.
pub(crate) async fn service_id(db: &dyn Metadata, tenant: &Tenant, name: &str) -> ServiceId {
    let found = db.service(tenant, name).await.unwrap();
    found.map_or(ServiceId(i64::MAX), |service| service.id)
}

pub(crate) async fn delete_service(db: &dyn Metadata, tenant: &Tenant, name: &str, now: Time) -> bool {
    let service = service_id(db, tenant, name).await;
    db.delete_service(&by(), tenant, service, now).await.unwrap()
}

pub(crate) async fn images_of(db: &dyn Metadata, tenant: &Tenant, name: &str) -> Option<Vec<ContainerImage>> {
    db.images(tenant, service_id(db, tenant, name).await).await.unwrap()
}

pub(crate) async fn delete_image(
    db: &dyn Metadata,
    tenant: &Tenant,
    name: &ImageName,
    now: Time,
) -> ImageDeleted {
    let service = service_id(db, tenant, &name.service).await;
    db.delete_image(&by(), tenant, service, &name.label, name.number, now).await.unwrap()
}

/// Registers an image on the service with this name.
pub(crate) async fn register_on(
    db: &dyn Metadata,
    tenant: &Tenant,
    name: &str,
    image: NewImage,
    quota: u32,
) -> ImageOutcome {
    let image = NewImage { service: service_id(db, tenant, name).await, ..image };
    db.register_image(&by(), tenant, image, quota).await.unwrap()
}

/// An image to register. The caller sets the service.
pub(crate) fn image_of(label: &str, digest: Digest) -> NewImage {
    NewImage { service: ServiceId(0), label: label.to_owned(), digest, created_at: NOW, invocation: None }
}

pub(crate) async fn register(
    db: &dyn Metadata,
    tenant: &Tenant,
    service: &str,
    manifest: &Document,
) -> ContainerImage {
    let image = image_of("app", manifest.digest());
    match register_on(db, tenant, service, image, PLENTY).await {
        ImageOutcome::Registered(image) => image,
        refused => panic!("{refused:?}"),
    }
}

/// More room than any test needs.
pub(crate) const ROOM: Room = Room { cpus: 1_000.0, memory: 1 << 50 };

/// A deployment with the containers `c0`, `c1` and so on, made of these images.
pub(crate) fn deployment(sources: &[ImageSource]) -> NewDeployment {
    let images = sources.iter().enumerate();
    NewDeployment {
        sealed_spec: b"sealed".to_vec(),
        images: images
            .map(|(number, source)| DeployedFrom { container: format!("c{number}"), source: source.clone() })
            .collect(),
        created_at: NOW,
        deadline: NOW.plus(std::time::Duration::from_mins(5)),
        invocation: None,
        room: ROOM,
    }
}

/// The image registered as `app` with this number, or the newest one.
pub(crate) fn registered(number: Option<i64>) -> ImageSource {
    ImageSource::Registered { label: "app".to_owned(), number }
}

/// Makes the next deployment of a service. It must be accepted.
pub(crate) async fn deploy(
    db: &dyn Metadata,
    tenant: &Tenant,
    name: &str,
    sources: &[ImageSource],
) -> DeployedService {
    let service = service_id(db, tenant, name).await;
    match db.create_deployment(&by(), tenant, service, deployment(sources)).await.unwrap() {
        DeploymentOutcome::Made(made) => *made,
        refused => panic!("{refused:?}"),
    }
}

/// Ends the next deployment of a service, if there is one. It becomes the current one, or it fails.
pub(crate) async fn end_next(
    db: &dyn Metadata,
    by: &Origin,
    tenant: &Tenant,
    name: &str,
    well: bool,
) -> Option<i64> {
    let service = db.service(tenant, name).await.unwrap().unwrap();
    let version = service.next_version?;
    let ended = if well {
        db.activate_deployment(by, service.id, version).await
    } else {
        db.fail_deployment(by, service.id, version, "it crashed").await
    };
    assert!(ended.unwrap());
    Some(version)
}

/// Makes the next deployment of a service the current one.
pub(crate) async fn activate(db: &dyn Metadata, tenant: &Tenant, name: &str) {
    end_next(db, &by(), tenant, name, true).await.unwrap();
}

/// A manifest, as a client sends it.
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

    /// The manifest as the store returns it.
    pub(crate) fn stored(&self) -> StoredManifest {
        StoredManifest {
            digest: self.digest().to_string(),
            media_type: self.media_type.to_owned(),
            body: self.body.clone(),
        }
    }

    /// The manifest to put without tags.
    pub(crate) fn put(&self) -> NewManifest {
        NewManifest {
            digest: self.digest(),
            body: self.body.clone(),
            view: self.view(),
            pushed_by: None,
            may_be_absent: Vec::new(),
            max_depth: MAX_DEPTH,
            quotas: quotas(),
            tags: Vec::new(),
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

/// A repository of a tenant.
#[derive(Clone)]
pub(crate) struct At<'a> {
    pub(crate) db: &'a dyn Metadata,
    /// The origin of the calls.
    pub(crate) by: Origin,
    pub(crate) tenant: Tenant,
    pub(crate) repository: RepositoryName,
}

impl<'a> At<'a> {
    pub(crate) fn new(db: &'a dyn Metadata, tenant: Tenant, name: &str) -> Self {
        Self { db, by: by(), tenant, repository: repository(name) }
    }

    /// The repository `sr` of the usual tenant.
    pub(crate) fn sr(db: &'a dyn Metadata) -> Self {
        Self::new(db, here(), "sr")
    }

    /// This repository, for calls with this login.
    pub(crate) fn with(&self, login: LoginId) -> Self {
        Self { by: Origin { login: Some(login), ..by() }, ..self.clone() }
    }

    /// Adds a blob; returns its content key.
    pub(crate) async fn add(&self, content: &str) -> ContentKey {
        let blob = blob(content, ContentKey::unused());
        self.db.add_blob(&self.tenant, &self.repository, blob, NOW).await.unwrap().unwrap()
    }

    /// Adds this blob. Returns the content key that the blob has afterwards.
    pub(crate) async fn add_with(&self, blob: NewBlob) -> Option<ContentKey> {
        self.db.add_blob(&self.tenant, &self.repository, blob, NOW).await.unwrap()
    }

    pub(crate) async fn put(&self, manifest: NewManifest) -> ManifestOutcome {
        self.db.put_manifest(&self.by, &self.tenant, &self.repository, manifest).await.unwrap()
    }

    /// Puts a manifest with tags. It must be accepted.
    pub(crate) async fn store(&self, document: &Document, tags: &[&str]) {
        let tags = tags.iter().map(|name| tag(name)).collect();
        let outcome = self.put(NewManifest { tags, ..document.put() }).await;
        assert_eq!(outcome, ManifestOutcome::Stored);
    }

    /// Adds blobs and puts an image that consists of them.
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

/// The discarded keys, oldest first.
pub(crate) async fn discarded(db: &dyn Metadata) -> Vec<ContentKey> {
    let found = db.discarded(Time(i64::MAX), 100_000).await.unwrap();
    found.into_iter().map(|discarded| discarded.key).collect()
}

pub(crate) fn blob(content: &str, key: ContentKey) -> NewBlob {
    NewBlob {
        within: None,
        digest: Digest::sha256(content.as_bytes()),
        size: content.len() as u64,
        key,
        damaged: None,
        put_by: None,
        session: None,
        quotas: quotas(),
    }
}
