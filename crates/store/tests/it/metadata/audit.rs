//! The audit trail: a change and its note are one.

use std::time::Duration;

use gangplank_core::{EventKind, ImageName, LoginId, Origin, Tenant, Time};
use gangplank_oci::Digest;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::audit::{AuditEvent, AuditFilter, LOOKED_AT, Refused};
use gangplank_store::metadata::manifests::ManifestOutcome;

use crate::world::{
    At, Document, NOW, PLENTY, access_key, create_login, create_service, here, image_of, key_id, push_login,
    register, service, tag, tenants,
};

metadata_contract! {
    every_change_is_noted_once_with_who_and_where,
    what_changes_nothing_is_noted_nowhere,
    an_account_is_shown_its_own_trail,
    a_question_is_answered_by_what_fits_all_of_it,
    refusals_that_are_alike_are_counted,
    a_question_looks_at_so_many_events_and_no_more,
    old_events_are_forgotten_and_new_ones_stay,
    an_account_that_does_much_forgets_its_own_events_alone,
    refusals_push_nothing_else_out,
}

/// Somebody, `seconds` after now by both times.
fn somebody(seconds: u64) -> Origin {
    Origin {
        at: NOW.plus(Duration::from_secs(seconds)),
        steady: NOW.plus(Duration::from_secs(seconds)),
        access_key: Some(key_id(1)),
        login: Some(LoginId(7)),
        address: Some([192, 0, 2, 1].into()),
        user_agent: Some("docker/28".to_owned()),
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

/// Does one of everything as somebody; says what should be noted of it, the newest first.
async fn do_everything(db: &dyn Metadata, tenant: &Tenant) -> Vec<(EventKind, Option<String>)> {
    // The last key of the root account could not be taken away.
    db.insert_access_key(access_key(tenant, 2)).await.unwrap();
    let db = db.on_behalf_of(somebody(0));
    let db = db.as_ref();
    db.insert_access_key(access_key(tenant, 1)).await.unwrap();
    db.enable_access_key(None, &key_id(1), false).await.unwrap();
    db.enable_access_key(None, &key_id(1), true).await.unwrap();
    create_service(db, tenant, "web").await;
    let login = create_login(db, push_login(tenant, 1)).await;
    let at = At::new(db, tenant.clone(), "sr");
    for content in ["config", "layer"] {
        at.add(content).await;
    }
    let image = Document::image(&["config", "layer"]);
    at.store(&image, &["a", "b"]).await;
    register(db, tenant, "web", &image).await;
    let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number: 1 };
    db.delete_image(tenant, &name, NOW).await.unwrap();
    db.delete_tag(tenant, &at.repository, &tag("a")).await.unwrap();
    db.delete_manifest(tenant, &at.repository, &image.digest(), NOW).await.unwrap();
    db.delete_blob(tenant, &at.repository, &Digest::sha256(b"layer")).await.unwrap();
    db.revoke_login(tenant, login, NOW).await.unwrap();
    db.delete_service(tenant, "web", NOW).await.unwrap();
    db.delete_access_key(None, &key_id(1)).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let key = text(key_id(1).as_str());
    vec![
        (EventKind::AccessKeyDeleted, key.clone()),
        (EventKind::ServiceDeleted, text("web")),
        (EventKind::LoginRevoked, None),
        (EventKind::BlobDeleted, None),
        (EventKind::ManifestDeleted, None),
        (EventKind::TagDeleted, text("a")),
        (EventKind::ImageDeleted, text(":web.app.1")),
        (EventKind::ImageRegistered, text(":web.app.1")),
        (EventKind::ManifestPushed, text("a,b")),
        (EventKind::LoginIssued, text("push")),
        (EventKind::ServiceCreated, text("web")),
        (EventKind::AccessKeyEnabled, key.clone()),
        (EventKind::AccessKeyDisabled, key.clone()),
        (EventKind::AccessKeyCreated, key),
    ]
}

async fn every_change_is_noted_once_with_who_and_where(db: &dyn Metadata) {
    let expected = do_everything(db, &here()).await;
    let noted = all(db, AuditFilter::default()).await;
    let kinds: Vec<_> = noted.iter().map(|event| (event.kind, event.subject.clone())).collect();
    assert_eq!(kinds, expected);
    for event in &noted {
        assert_eq!(event.account, Some(here().account));
        assert_eq!(event.access_key, Some(key_id(1)));
        assert_eq!(event.address.as_deref(), Some("192.0.2.1"));
        assert_eq!(event.user_agent.as_deref(), Some("docker/28"));
        assert_eq!((event.at, event.count), (NOW, 1));
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

async fn what_changes_nothing_is_noted_nowhere(db: &dyn Metadata) {
    do_everything(db, &here()).await;
    create_service(db, &here(), "web").await;
    let before = all(db, AuditFilter::default()).await.len();
    let by = db.on_behalf_of(somebody(0));
    let at = At::new(by.as_ref(), here(), "sr");
    let image = Document::image(&["missing"]);
    assert!(matches!(at.put(image.put()).await, ManifestOutcome::BlobUnknown(_)));
    by.create_service(&here(), service("web"), None, PLENTY).await.unwrap();
    by.register_image(&here(), image_of("web", "app", image.digest()), PLENTY).await.unwrap();
    by.delete_tag(&here(), &at.repository, &tag("none")).await.unwrap();
    by.delete_manifest(&here(), &at.repository, &image.digest(), NOW).await.unwrap();
    by.delete_blob(&here(), &at.repository, &image.digest()).await.unwrap();
    by.delete_service(&here(), "none", NOW).await.unwrap();
    by.revoke_login(&here(), LoginId(99), NOW).await.unwrap();
    by.enable_access_key(None, &key_id(9), false).await.unwrap();
    by.insert_access_key(access_key(&here(), 1)).await.unwrap();
    assert_eq!(all(db, AuditFilter::default()).await.len(), before);
}

async fn an_account_is_shown_its_own_trail(db: &dyn Metadata) {
    let [here, elsewhere, other] = tenants();
    for (tenant, name) in [(&here, "one"), (&elsewhere, "two"), (&other, "three")] {
        create_service(db.on_behalf_of(somebody(0)).as_ref(), tenant, name).await;
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
    let other = Origin { address: Some([192, 0, 2, 2].into()), access_key: None, ..somebody(60) };
    create_service(db.on_behalf_of(other).as_ref(), &here(), "later").await;
    let count = async |filter| all(db, filter).await.len();
    let any = AuditFilter::default;
    let later = NOW.plus(Duration::from_mins(1));
    assert_eq!(count(any()).await, 15);
    assert_eq!(count(AuditFilter { since: Some(later), ..any() }).await, 1);
    assert_eq!(count(AuditFilter { until: Some(later), ..any() }).await, 14);
    assert_eq!(count(AuditFilter { kind: Some(EventKind::ServiceCreated), ..any() }).await, 2);
    assert_eq!(count(AuditFilter { access_key: Some(key_id(1)), ..any() }).await, 14);
    assert_eq!(count(AuditFilter { login: Some(LoginId(7)), ..any() }).await, 13);
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
    let refused = |tenant, count| Refused {
        kind: EventKind::LoginRefused,
        origin: somebody(0),
        tenant,
        reason: "unknown".to_owned(),
        count,
    };
    db.note_refusals(vec![refused(None, 41), refused(Some(here()), 2)]).await.unwrap();
    let noted = all(db, AuditFilter::default()).await;
    assert_eq!(noted.iter().map(|event| event.count).collect::<Vec<_>>(), [2, 41]);
    assert_eq!(noted[1].account, None);
    assert_eq!(noted[1].reason.as_deref(), Some("unknown"));
    let own = AuditFilter { account: Some(here().account), ..AuditFilter::default() };
    assert_eq!(all(db, own).await.len(), 1, "what nobody is known for is in no account's trail");
}

/// Notes `count` refusals of a tenant, each `seconds` after now.
async fn refuse(db: &dyn Metadata, tenant: &Tenant, count: usize, seconds: u64) {
    let refused = Refused {
        kind: EventKind::LoginRefused,
        origin: somebody(seconds),
        tenant: Some(tenant.clone()),
        reason: String::new(),
        count: 1,
    };
    db.note_refusals(vec![refused; count]).await.unwrap();
}

async fn a_question_looks_at_so_many_events_and_no_more(db: &dyn Metadata) {
    create_service(db.on_behalf_of(somebody(0)).as_ref(), &here(), "web").await;
    refuse(db, &here(), LOOKED_AT, 0).await;
    let filter = AuditFilter { kind: Some(EventKind::ServiceCreated), ..AuditFilter::default() };
    let page = db.audit_events(&filter, None, 10).await.unwrap();
    assert!(page.events.is_empty() && page.more.is_some());
    assert_eq!(all(db, filter).await.len(), 1);
}

async fn forget(db: &dyn Metadata, before: Time, most: u64) -> usize {
    let mut forgotten = 0;
    loop {
        match db.forget_events(before, most).await.unwrap() {
            0 => return forgotten,
            some => forgotten += some,
        }
    }
}

async fn old_events_are_forgotten_and_new_ones_stay(db: &dyn Metadata) {
    refuse(db, &here(), 1_500, 0).await;
    refuse(db, &here(), 3, 10).await;
    let most = u64::from(PLENTY) * 100;
    assert_eq!(forget(db, NOW, most).await, 0);
    assert_eq!(forget(db, NOW.plus(Duration::from_secs(10)), most).await, 1_500);
    assert_eq!(all(db, AuditFilter::default()).await.len(), 3);
}

async fn an_account_that_does_much_forgets_its_own_events_alone(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    refuse(db, &other, 5, 0).await;
    refuse(db, &here, 2_030, 0).await;
    assert_eq!(forget(db, Time(0), 200).await, 2_010);
    let of = async |tenant: Tenant| {
        all(db, AuditFilter { account: Some(tenant.account), ..AuditFilter::default() }).await.len()
    };
    assert_eq!((of(here).await, of(other).await), (20, 5));
}

async fn refusals_push_nothing_else_out(db: &dyn Metadata) {
    let by = db.on_behalf_of(somebody(0));
    for name in ["one", "two", "three"] {
        create_service(by.as_ref(), &here(), name).await;
    }
    refuse(db, &here(), 500, 1).await;
    assert_eq!(forget(db, Time(0), 20).await, 498);
    let kinds: Vec<_> = all(db, AuditFilter::default()).await.iter().map(|event| event.kind).collect();
    let [refused, made] = [EventKind::LoginRefused, EventKind::ServiceCreated];
    assert_eq!(kinds, [refused, refused, made, made, made]);
    assert_eq!(forget(db, Time(0), 2).await, 3, "no refusal, and the newest that was done");
    assert_eq!(all(db, AuditFilter::default()).await.len(), 2);
}
