//! The audit trail: no change without its event, and no event without its change.

mod forgetting;

use std::time::Duration;

use gangplank_core::{EventKind, Leases, LoginId, Origin, Scale, ServiceId, Tenant, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::{KeyChange, LastRootKey, NewState};
use gangplank_store::metadata::audit::{AuditEvent, AuditFilter, LOOKED_AT, Tallied};
use gangplank_store::metadata::container_images::NewImage;
use gangplank_store::metadata::container_services::{ServiceChange, ServiceOutcome, ServiceUpdate};
use gangplank_store::metadata::deployments::{DeploymentOutcome, ImageSource};
use gangplank_store::metadata::manifests::{ManifestOutcome, NewManifest};
use gangplank_store::metadata::registry_logins::{LoginCreated, Requires};
use gangplank_store::metadata::role_sessions::SessionMade;
use gangplank_store::metadata::roles::{RoleChange, RoleMade};

use super::console_logins::{new_console_login, new_link};
use crate::world::{
    At, Document, NOW, PLENTY, access_key, by, change_key, create_login, create_service, delete_service,
    deployment, end_next, here, image_of, key_id, new_role, new_session, owner_of, push_login, register_on,
    service, service_id, session_key, tag, tenants,
};

metadata_contract! {
    every_change_is_noted_once_with_who_and_where,
    what_changes_nothing_is_noted_nowhere,
    a_request_makes_one_change,
    an_account_is_shown_its_own_trail,
    a_question_is_answered_by_what_fits_all_of_it,
    refusals_that_are_alike_are_counted,
    a_question_looks_at_so_many_events_and_no_more,
    a_put_that_changes_nothing_is_no_event,
}

/// An origin `seconds` after now, by both clocks.
fn somebody(seconds: u64) -> Origin {
    Origin {
        session: None,
        at: NOW.plus(Duration::from_secs(seconds)),
        steady: NOW.plus(Duration::from_secs(seconds)),
        owner: Some(owner_of(2)),
        login: Some(LoginId(7)),
        address: Some([192, 0, 2, 1].into()),
        user_agent: Some("docker/28".to_owned()),
        by_console: true,
        request: None,
    }
}

async fn all(db: &dyn Metadata, filter: AuditFilter) -> Vec<AuditEvent> {
    let (mut events, mut before) = (Vec::new(), None);
    loop {
        let page = db.audit_events(&filter, before, 1_000).await.unwrap();
        events.extend(page.events);
        before = page.more;
        if before.is_none() {
            return events;
        }
    }
}

/// Makes a service.
async fn make_service(db: &dyn Metadata, by: &Origin, tenant: &Tenant, name: &str) -> ServiceId {
    match db.create_service(by, tenant, service(name), None, PLENTY).await.unwrap() {
        ServiceOutcome::Done(made) => made.service.id,
        refused => panic!("{refused:?}"),
    }
}

/// Makes one change of each kind. Returns the expected events, newest first.
async fn do_everything(db: &dyn Metadata, tenant: &Tenant) -> Vec<(EventKind, Option<String>)> {
    let by = &somebody(0);
    db.insert_access_key(by, access_key(tenant, 1), PLENTY).await.unwrap();
    for state in [NewState::Disabled, NewState::Enabled] {
        db.change_access_key(by, None, &key_id(1), state, LastRootKey::Keep).await.unwrap();
    }
    let RoleMade::Made(role) = db.insert_role(by, new_role(tenant, "push"), PLENTY).await.unwrap() else {
        panic!("refused")
    };
    let made = db.insert_session(by, new_session(&role, 1), PLENTY).await.unwrap();
    assert_eq!(made, SessionMade::Made);
    db.revoke_session(by, &tenant.account, &role.name, &session_key(1), NOW).await.unwrap();
    let off = RoleChange { enabled: Some(false), ..RoleChange::default() };
    db.change_role(by, &tenant.account, &role.name, off).await.unwrap();
    db.delete_role(by, &tenant.account, &role.name).await.unwrap();
    let web = make_service(db, by, tenant, "web").await;
    for well in [false, true] {
        let made = db.create_deployment(by, tenant, web, deployment(&[ImageSource::Public])).await.unwrap();
        assert!(matches!(made, DeploymentOutcome::Made(_)), "{made:?}");
        end_next(db, by, tenant, "web", well).await.unwrap();
    }
    let update = ServiceUpdate { is_disabled: Some(true), ..ServiceUpdate::default() };
    let tag_of_service = ("team".to_owned(), Some("a".to_owned()));
    for change in [
        ServiceChange::Update(update),
        ServiceChange::Tag(vec![tag_of_service]),
        ServiceChange::Untag(vec!["team".to_owned()]),
    ] {
        db.change_service(by, tenant, web, change, PLENTY).await.unwrap();
    }
    let login = match db.insert_login(by, push_login(tenant, 1), Requires::Nothing, PLENTY).await.unwrap() {
        LoginCreated::Created(login) => login,
        refused => panic!("{refused:?}"),
    };
    let at = At { by: by.clone(), ..At::new(db, tenant.clone(), "sr") };
    for content in ["config", "layer"] {
        at.add(content).await;
    }
    let image = Document::image(&["config", "layer"]);
    at.store(&image, &["a", "b"]).await;
    let new = NewImage { service: web, ..image_of("app", image.digest()) };
    db.register_image(by, tenant, new, PLENTY).await.unwrap();
    db.delete_image(by, tenant, web, "app", 1, NOW).await.unwrap();
    db.delete_tag(by, tenant, &at.repository, &tag("a")).await.unwrap();
    db.delete_manifest(by, tenant, &at.repository, &image.digest(), NOW).await.unwrap();
    db.delete_blob(by, tenant, &at.repository, &Digest::sha256(b"layer")).await.unwrap();
    db.revoke_login(by, tenant, login, NOW).await.unwrap();
    db.insert_console_link(by, new_link(1)).await.unwrap();
    db.insert_console_login(by, new_console_login(1, 1)).await.unwrap();
    db.end_console_logins_of(by, tenant, &key_id(1)).await.unwrap();
    db.delete_service(by, tenant, web, NOW).await.unwrap();
    db.change_access_key(by, None, &key_id(1), NewState::Deleted, LastRootKey::Keep).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let key = text(key_id(1).as_str());
    vec![
        (EventKind::AccessKeyDeleted, key.clone()),
        (EventKind::ServiceDeleted, text("web")),
        (EventKind::ConsoleSignedOut, key.clone()),
        (EventKind::ConsoleSignedIn, key.clone()),
        (EventKind::CreateConsoleLink, key.clone()),
        (EventKind::LoginRevoked, None),
        (EventKind::BlobDeleted, None),
        (EventKind::ManifestDeleted, None),
        (EventKind::TagDeleted, text("a")),
        (EventKind::ImageDeleted, text(":web.app.1")),
        (EventKind::ImageRegistered, text(":web.app.1")),
        (EventKind::ManifestPushed, text("a,b")),
        (EventKind::LoginIssued, text("push")),
        (EventKind::UntagResource, text("web")),
        (EventKind::TagResource, text("web")),
        (EventKind::UpdateContainerService, text("web")),
        (EventKind::DeploymentActivated, text("web.2")),
        (EventKind::CreateContainerServiceDeployment, text("web.2")),
        (EventKind::DeploymentFailed, text("web.1")),
        (EventKind::CreateContainerServiceDeployment, text("web.1")),
        (EventKind::ServiceCreated, text("web")),
        (EventKind::DeleteRole, text("push")),
        (EventKind::UpdateRole, text("push")),
        (EventKind::RevokeRoleSession, Some(format!("push/{}", session_key(1)))),
        (EventKind::AssumeRoleWithWebIdentity, text("push")),
        (EventKind::CreateRole, text("push")),
        (EventKind::AccessKeyEnabled, key.clone()),
        (EventKind::AccessKeyDisabled, key.clone()),
        (EventKind::AccessKeyCreated, key),
    ]
}

/// A new kind of change must be added to [`do_everything`].
async fn every_change_is_noted_once_with_who_and_where(db: &dyn Metadata) {
    let expected = do_everything(db, &here()).await;
    let noted = all(db, AuditFilter::default()).await;
    let kinds: Vec<_> = noted.iter().map(|event| (event.kind, event.subject.clone())).collect();
    assert_eq!(kinds, expected);
    for kind in EventKind::ALL {
        // Refusals and pulls change no other row, and a cycle is no single transaction. These events are
        // recorded on their own.
        let is_counted = EventKind::REFUSALS.contains(kind)
            || [EventKind::ImagePulled, EventKind::CollectGarbage, EventKind::EventsForgotten].contains(kind);
        // One deployment fails, and one becomes active.
        let times =
            if *kind == EventKind::CreateContainerServiceDeployment { 2 } else { usize::from(!is_counted) };
        assert_eq!(kinds.iter().filter(|(noted, _)| noted == kind).count(), times, "{kind:?}");
    }
    for event in &noted {
        assert_eq!(event.account, Some(here().account));
        assert_eq!(event.owner, Some(owner_of(2)));
        assert_eq!(event.address.as_deref(), Some("192.0.2.1"));
        assert_eq!(event.user_agent.as_deref(), Some("docker/28"));
        assert_eq!((event.at, event.count, event.by_console), (NOW, 1, true));
    }
    let of = |kind| noted.iter().find(|event| event.kind == kind).unwrap();
    let pushed = of(EventKind::ManifestPushed);
    let digest = Document::image(&["config", "layer"]).digest().to_string();
    assert_eq!(pushed.digest.as_ref(), Some(&digest));
    assert_eq!((pushed.repository.as_deref(), pushed.login), (Some("sr"), Some(LoginId(7))));
    assert_eq!(of(EventKind::ImageRegistered).digest, Some(digest));
    assert_eq!(of(EventKind::LoginIssued).login, of(EventKind::LoginRevoked).login);
    assert_ne!(of(EventKind::LoginIssued).login, Some(LoginId(7)), "the login that was issued");
}

/// If the same login puts a manifest with the same tags again, there is no event. A put by another login is an
/// event, and so is a tag that moves.
async fn a_put_that_changes_nothing_is_no_event(db: &dyn Metadata) {
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    let (one, other) =
        (create_login(db, push_login(&here(), 1)).await, create_login(db, push_login(&here(), 2)).await);
    let at = At::sr(db).with(one);
    let (image, second) = (at.image(&["config", "layer"], &["a"]).await, at.image(&["config"], &["a"]).await);
    let pushes = async || {
        let filter = AuditFilter { kind: Some(EventKind::ManifestPushed), ..AuditFilter::default() };
        all(db, filter).await.len()
    };
    assert_eq!(pushes().await, 2);
    for (puts, told) in [(&second, 2), (&image, 3), (&image, 3), (&second, 4)] {
        at.store(puts, &["a"]).await;
        assert_eq!(pushes().await, told);
    }
    at.store(&image, &[]).await;
    assert_eq!(pushes().await, 4, "no tag, and nothing moves");
    for told in [5, 5] {
        at.with(other).store(&image, &[]).await;
        assert_eq!(pushes().await, told);
    }
    let later = Leases::default().renewal(NOW.plus(Duration::from_hours(30)));
    at.put(NewManifest { lease: later, ..image.put() }).await;
    let over = NOW.plus(Duration::from_hours(29));
    assert!(
        db.garbage(over).await.unwrap().iter().all(|garbage| garbage.digest != image.digest().to_string())
    );
}

async fn what_changes_nothing_is_noted_nowhere(db: &dyn Metadata) {
    do_everything(db, &here()).await;
    create_service(db, &here(), "web").await;
    let web = service_id(db, &here(), "web").await;
    let before = all(db, AuditFilter::default()).await.len();
    let (at, tenant) = (At::sr(db), &here());
    let image = Document::image(&["missing"]);
    assert!(matches!(at.put(image.put()).await, ManifestOutcome::BlobUnknown(_)));
    db.create_service(&by(), tenant, service("web"), None, PLENTY).await.unwrap();
    register_on(db, tenant, "web", image_of("app", image.digest()), PLENTY).await;
    db.delete_image(&by(), tenant, web, "app", 9, NOW).await.unwrap();
    db.delete_tag(&by(), tenant, &at.repository, &tag("none")).await.unwrap();
    db.delete_manifest(&by(), tenant, &at.repository, &image.digest(), NOW).await.unwrap();
    db.delete_blob(&by(), tenant, &at.repository, &image.digest()).await.unwrap();
    delete_service(db, tenant, "none", NOW).await;
    let untag = ServiceChange::Untag(Vec::new());
    db.change_service(&by(), tenant, ServiceId(i64::MAX), untag, PLENTY).await.unwrap();
    db.revoke_login(&by(), tenant, LoginId(99), NOW).await.unwrap();
    let revoked = all(db, AuditFilter::default()).await;
    let revoked = revoked.iter().find(|event| event.kind == EventKind::LoginRevoked).unwrap().login.unwrap();
    assert!(db.revoke_login(&by(), tenant, revoked, NOW).await.unwrap(), "a second time");
    let same = ServiceUpdate { is_disabled: Some(false), ..ServiceUpdate::default() };
    db.change_service(&by(), tenant, web, ServiceChange::Update(same), PLENTY).await.unwrap();
    change_key(db, None, &key_id(9), NewState::Disabled).await;
    db.insert_access_key(&by(), access_key(tenant, 1), PLENTY).await.unwrap();
    assert_eq!(all(db, AuditFilter::default()).await.len(), before);
    // Repeated calls change nothing.
    db.insert_access_key(&by(), access_key(tenant, 3), PLENTY).await.unwrap();
    let login = create_login(db, push_login(tenant, 3)).await;
    db.revoke_login(&by(), tenant, login, NOW).await.unwrap();
    let before = all(db, AuditFilter::default()).await.len();
    assert!(db.revoke_login(&by(), tenant, login, NOW).await.unwrap());
    assert_eq!(change_key(db, None, &key_id(3), NewState::Enabled).await, KeyChange::Done);
    let same = ServiceUpdate { scale: Some(Scale::LEAST), ..ServiceUpdate::default() };
    db.change_service(&by(), tenant, web, ServiceChange::Update(same), PLENTY).await.unwrap();
    assert_eq!(all(db, AuditFilter::default()).await.len(), before);
}

/// Two changes cannot have the same request id. So a change whose answer was lost can be found by its request
/// id.
async fn a_request_makes_one_change(db: &dyn Metadata) {
    let by = Origin { request: Some("a request".to_owned()), ..somebody(0) };
    make_service(db, &by, &here(), "one").await;
    assert!(db.create_service(&by, &here(), service("two"), None, PLENTY).await.is_err());
    assert_eq!(db.service(&here(), "two").await.unwrap(), None, "nothing of it stays");
    refuse(db, &here(), 2, 0).await;
}

async fn an_account_is_shown_its_own_trail(db: &dyn Metadata) {
    let [here, elsewhere, other] = tenants();
    for (tenant, name) in [(&here, "one"), (&elsewhere, "two"), (&other, "three")] {
        make_service(db, &somebody(0), tenant, name).await;
    }
    let subjects = async |account| {
        let noted = all(db, AuditFilter { account, ..AuditFilter::default() }).await;
        noted.into_iter().filter_map(|event| event.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects(Some(here.account.clone())).await, ["two", "one"]);
    assert_eq!(subjects(Some(other.account.clone())).await, ["three"]);
    assert_eq!(subjects(None).await, ["three", "two", "one"]);
}

async fn a_question_is_answered_by_what_fits_all_of_it(db: &dyn Metadata) {
    do_everything(db, &here()).await;
    let other = Origin { address: Some([192, 0, 2, 2].into()), owner: None, ..somebody(60) };
    make_service(db, &other, &here(), "later").await;
    let count = async |filter| all(db, filter).await.len();
    let any = AuditFilter::default;
    let later = NOW.plus(Duration::from_mins(1));
    assert_eq!(count(any()).await, 30);
    assert_eq!(count(AuditFilter { since: Some(later), ..any() }).await, 1);
    assert_eq!(count(AuditFilter { until: Some(later), ..any() }).await, 29);
    assert_eq!(count(AuditFilter { kind: Some(EventKind::ServiceCreated), ..any() }).await, 2);
    assert_eq!(count(AuditFilter { access_key: Some(key_id(2)), ..any() }).await, 29);
    assert_eq!(count(AuditFilter { login: Some(LoginId(7)), ..any() }).await, 28);
    assert_eq!(count(AuditFilter { repository: Some("sr".to_owned()), ..any() }).await, 4);
    let digest = Some(Digest::sha256(b"layer").to_string());
    assert_eq!(count(AuditFilter { digest: digest.clone(), ..any() }).await, 1);
    assert_eq!(count(AuditFilter { digest, kind: Some(EventKind::TagDeleted), ..any() }).await, 0);
    assert_eq!(count(AuditFilter { address: Some([192, 0, 2, 2].into()), ..any() }).await, 1);
    let page = db.audit_events(&any(), None, 3).await.unwrap();
    assert_eq!(page.events.len(), 3);
    let next = db.audit_events(&any(), page.more, 3).await.unwrap();
    assert!(next.events[0].id < page.events[2].id);
}

async fn refusals_that_are_alike_are_counted(db: &dyn Metadata) {
    let refused = |tenant, count| Tallied {
        kind: EventKind::LoginRefused,
        origin: somebody(0),
        tenant,
        reason: Some("unknown".to_owned()),
        action: Some("HeadBlob".to_owned()),
        repository: None,
        digest: None,
        subject: None,
        count,
    };
    db.note(vec![refused(None, 41), refused(Some(here()), 2)]).await.unwrap();
    let noted = all(db, AuditFilter::default()).await;
    assert_eq!(noted.iter().map(|event| event.count).collect::<Vec<_>>(), [2, 41]);
    assert_eq!(noted[1].account, None);
    assert_eq!((noted[1].reason.as_deref(), noted[1].action.as_deref()), (Some("unknown"), Some("HeadBlob")));
    let own = AuditFilter { account: Some(here().account), ..AuditFilter::default() };
    assert_eq!(all(db, own).await.len(), 1, "what nobody is known for is in no account's trail");
}

/// Records `count` refusals in a tenant, `seconds` after now.
async fn refuse(db: &dyn Metadata, tenant: &Tenant, count: usize, seconds: u64) {
    note(db, tenant, EventKind::LoginRefused, count, seconds).await;
}

/// Records `count` events of a kind, `seconds` after now.
async fn note(db: &dyn Metadata, tenant: &Tenant, kind: EventKind, count: usize, seconds: u64) {
    let event = Tallied {
        kind,
        origin: somebody(seconds),
        tenant: Some(tenant.clone()),
        reason: None,
        action: None,
        repository: None,
        digest: None,
        subject: None,
        count: 1,
    };
    db.note(vec![event; count]).await.unwrap();
}

async fn a_question_looks_at_so_many_events_and_no_more(db: &dyn Metadata) {
    make_service(db, &somebody(0), &here(), "web").await;
    refuse(db, &here(), LOOKED_AT, 0).await;
    let filter = AuditFilter { kind: Some(EventKind::ServiceCreated), ..AuditFilter::default() };
    let page = db.audit_events(&filter, None, 10).await.unwrap();
    assert!(page.events.is_empty() && page.more.is_some());
    assert_eq!(all(db, filter).await.len(), 1);
}
