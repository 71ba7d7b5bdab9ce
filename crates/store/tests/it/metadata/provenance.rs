//! The contract of provenance.

use gangplank_core::{EventKind, Origin, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{AccessKey, NewState};
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::container_images::ImageOutcome;
use gangplank_store::metadata::provenance::{ImageSources, Puts, SessionSource, Source};
use gangplank_store::metadata::roles::Role;

use crate::world::{
    At, Document, NOW, PLENTY, access_key, by, by_session, change_key, create_login, create_role,
    create_service, create_session, here, image_of, key_id, new_session, owner_of, push_login, service_id,
    session_login, tenants,
};

metadata_contract! {
    the_session_that_put_and_the_one_that_registered_are_told,
    of_a_key_its_description_is_told,
    what_was_known_stays_when_all_else_is_gone,
    all_that_put_a_digest_are_known_before_it_is_registered,
    jobs_that_put_the_same_are_told_each_once,
    the_audit_trail_tells_the_session,
    another_tenant_is_told_nothing,
}

fn source_of(role: &Role, number: u8) -> Source {
    let new = new_session(role, number);
    let session = Some(SessionSource { name: new.name, claims: new.claims });
    Source { owner: role.owner(), session, description: None }
}

/// A CI job: a role's session and one of its logins.
async fn job(db: &dyn Metadata, role: &Role, number: u8) -> Origin {
    create_session(db, role, number).await;
    let login = create_login(db, session_login(&here(), role, number)).await;
    Origin { login: Some(login), ..by_session(role, number) }
}

async fn push(db: &dyn Metadata, by: &Origin, blobs: &[&str]) -> Document {
    At { by: by.clone(), ..At::sr(db) }.image(blobs, &["latest"]).await
}

async fn register(db: &dyn Metadata, by: &Origin, image: &Document) -> i64 {
    let service = service_id(db, &here(), "web").await;
    let new =
        gangplank_store::metadata::container_images::NewImage { service, ..image_of("app", image.digest()) };
    match db.register_image(by, &here(), new, PLENTY).await.unwrap() {
        ImageOutcome::Registered(image) => image.name.number,
        refused => panic!("{refused:?}"),
    }
}

async fn sources(db: &dyn Metadata, number: i64) -> Option<ImageSources> {
    let service = service_id(db, &here(), "web").await;
    db.image_sources(&here(), service, "app", number).await.unwrap()
}

async fn the_session_that_put_and_the_one_that_registered_are_told(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let role = create_role(db, &here(), "push").await;
    let (pusher, registrar) = (job(db, &role, 1).await, job(db, &role, 2).await);
    let image = push(db, &pusher, &["config"]).await;
    let number = register(db, &Origin { login: None, ..registrar }, &image).await;
    let told = sources(db, number).await.unwrap();
    assert_eq!(told.image.digest, image.digest().to_string());
    assert_eq!(told.registered, Some(source_of(&role, 2)));
    assert_eq!(told.puts, [source_of(&role, 1)]);
    assert_eq!(sources(db, number + 1).await, None);
}

async fn of_a_key_its_description_is_told(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let key = AccessKey { description: "the old build machine".to_owned(), ..access_key(&here(), 1) };
    db.insert_access_key(&by(), key, PLENTY).await.unwrap();
    let login = create_login(db, push_login(&here(), 1)).await;
    let origin = Origin { owner: Some(owner_of(1)), login: Some(login), ..by() };
    let image = push(db, &origin, &["config"]).await;
    let number = register(db, &by(), &image).await;
    let told = sources(db, number).await.unwrap();
    let description = Some("the old build machine".to_owned());
    assert_eq!(told.puts, [Source { owner: owner_of(1), session: None, description }]);
    let server = Source { owner: gangplank_core::Owner::server(), session: None, description: None };
    assert_eq!(told.registered, Some(server));
}

async fn what_was_known_stays_when_all_else_is_gone(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let role = create_role(db, &here(), "push").await;
    let key = AccessKey { description: "a laptop".to_owned(), ..access_key(&here(), 9) };
    db.insert_access_key(&by(), key, PLENTY).await.unwrap();
    let pusher = job(db, &role, 1).await;
    let image = push(db, &pusher, &["config"]).await;
    let number = register(db, &Origin { owner: Some(owner_of(9)), ..by() }, &image).await;
    let before = sources(db, number).await.unwrap();
    assert_eq!(before.registered.as_ref().unwrap().description.as_deref(), Some("a laptop"));
    db.delete_role(&by(), &here().account, &role.name).await.unwrap();
    change_key(db, None, &key_id(9), NewState::Deleted).await;
    let end = Time(i64::MAX);
    while db.forget_sessions(end).await.unwrap() + db.forget_logins(end).await.unwrap() > 0 {}
    db.forget_sessions(end).await.unwrap();
    while db.forget_events(end, 0).await.unwrap() > 0 {}
    db.forget_sessions(end).await.unwrap();
    assert_eq!(sources(db, number).await, Some(before));
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
}

async fn all_that_put_a_digest_are_known_before_it_is_registered(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let pusher = job(db, &role, 1).await;
    let at = At { by: pusher, ..At::sr(db) };
    let image = at.image(&["config"], &["latest"]).await;
    let elsewhere = At { by: Origin { owner: Some(owner_of(1)), ..by() }, ..At::new(db, here(), "team/app") };
    elsewhere.image(&["config"], &[]).await;
    at.image(&["config"], &["again"]).await;
    let puts = db.puts(&here(), &image.digest()).await.unwrap();
    let mut repositories = puts.repositories.clone();
    repositories.sort();
    assert_eq!(repositories, ["sr", "team/app"]);
    assert_eq!(puts.owners.len(), 2);
    assert!(puts.owners.contains(&role.owner()) && puts.owners.contains(&owner_of(1)));
    assert_eq!(db.puts(&here(), &Digest::sha256(b"none")).await.unwrap(), Puts::default());
    for tenant in &tenants()[1..] {
        assert_eq!(db.puts(tenant, &image.digest()).await.unwrap(), Puts::default());
    }
}

async fn jobs_that_put_the_same_are_told_each_once(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let role = create_role(db, &here(), "push").await;
    let mut image = None;
    for number in 1..4 {
        let pusher = job(db, &role, number).await;
        for _ in 0..2 {
            image = Some(push(db, &pusher, &["config"]).await);
        }
    }
    let number = register(db, &by(), &image.unwrap()).await;
    let expected = [1, 2, 3].map(|number| source_of(&role, number));
    assert_eq!(sources(db, number).await.unwrap().puts, expected);
    while db.forget_logins(Time(i64::MAX)).await.unwrap() > 0 {}
    assert_eq!(sources(db, number).await.unwrap().puts, expected);
    // An operation of the API has no login.
    let index = by_session(&role, 3);
    push(db, &index, &["config"]).await;
    assert_eq!(sources(db, number).await.unwrap().puts, expected);
}

async fn the_audit_trail_tells_the_session(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let pusher = job(db, &role, 1).await;
    push(db, &pusher, &["config"]).await;
    let of_key = Origin { owner: Some(owner_of(1)), ..by() };
    push(db, &of_key, &["config", "layer"]).await;
    db.forget_sessions(Time(i64::MAX)).await.unwrap();
    db.forget_sessions(Time(i64::MAX)).await.unwrap();
    let filter = AuditFilter { kind: Some(EventKind::ManifestPushed), ..AuditFilter::default() };
    let events = db.audit_events(&filter, None, 9).await.unwrap().events;
    let sessions: Vec<_> = events.into_iter().map(|event| event.session).collect();
    assert_eq!(sessions, [None, source_of(&role, 1).session]);
}

async fn another_tenant_is_told_nothing(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let image = push(db, &by(), &["config"]).await;
    let number = register(db, &by(), &image).await;
    let service = service_id(db, &here(), "web").await;
    assert!(db.image_sources(&here(), service, "app", number).await.unwrap().is_some());
    for tenant in &tenants()[1..] {
        assert_eq!(db.image_sources(tenant, service, "app", number).await.unwrap(), None);
    }
    assert_eq!(db.image_sources(&here(), service, "other", number).await.unwrap(), None);
}
