//! The contract of roles.

use std::time::Duration;

use gangplank_core::policy::Preset;
use gangplank_core::{EventKind, LoginLimits, OverQuota, Permission, Quota, RoleName};
use gangplank_store::StoreError;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::role_sessions::{Credential, SessionMade};
use gangplank_store::metadata::roles::{NewRole, Role, RoleChange, RoleMade};

use crate::world::{
    NOW, PLENTY, by, by_key, create_role, create_session, here, narrow, new_role, new_session, owner_of,
    role_name, session_key, tenants, trust,
};

metadata_contract! {
    a_role_reads_back,
    a_name_is_unique_in_its_account,
    an_id_is_used_once_for_good,
    an_account_has_so_many_roles,
    roles_are_listed_by_name_in_pages,
    a_change_changes_what_it_names,
    another_trust_policy_forgets_what_was_remembered,
    a_change_that_changes_nothing_is_no_event,
    one_account_does_not_reach_anothers_roles,
    what_was_decided_by_an_earlier_state_is_not_done,
}

async fn find(db: &dyn Metadata, name: &str) -> Option<Role> {
    db.role(&here().account, &role_name(name)).await.unwrap()
}

async fn change(db: &dyn Metadata, change: RoleChange) -> Role {
    db.change_role(&by(), &here().account, &role_name("push"), change).await.unwrap().unwrap()
}

async fn kinds(db: &dyn Metadata) -> Vec<EventKind> {
    let events = db.audit_events(&AuditFilter::default(), None, 100).await.unwrap().events;
    events.iter().map(|event| event.kind).collect()
}

async fn a_role_reads_back(db: &dyn Metadata) {
    let limits = LoginLimits { max_life: Some(Duration::from_mins(30)), reach: narrow() };
    let new = NewRole { limits, description: "the builds".to_owned(), ..new_role(&here(), "push") };
    let made = db.insert_role(&by_key(1), new.clone(), PLENTY).await.unwrap();
    let RoleMade::Made(made) = made else { panic!("{made:?}") };
    assert_eq!(find(db, "push").await.as_ref(), Some(&*made));
    assert_eq!((&made.id, &made.limits, &made.permission), (&new.id, &new.limits, &new.permission));
    assert_eq!((&*made.trust, made.max_session, made.enabled), (&new.trust, new.max_session, true));
    assert_eq!((made.made_by.as_ref(), made.created_at), (Some(&owner_of(1)), NOW));
    assert_eq!((made.description.as_str(), made.last_assumed_at), ("the builds", None));
    assert_eq!(made.arn(), "arn:aws:iam::000000000000:role/push");
    assert_eq!(find(db, "other").await, None);
    assert_eq!(kinds(db).await, [EventKind::CreateRole]);
}

async fn a_name_is_unique_in_its_account(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    let first = create_role(db, &here, "push").await;
    let second = db.insert_role(&by(), new_role(&here, "push"), PLENTY).await.unwrap();
    assert_eq!(second, RoleMade::NameTaken);
    assert_ne!(create_role(db, &other, "push").await.id, first.id);
    assert_eq!(find(db, "push").await.unwrap().id, first.id);
}

async fn an_id_is_used_once_for_good(db: &dyn Metadata) {
    let first = create_role(db, &here(), "push").await;
    let again = NewRole { id: first.id.clone(), ..new_role(&here(), "again") };
    assert_eq!(db.insert_role(&by(), again.clone(), PLENTY).await.unwrap(), RoleMade::IdTaken);
    assert!(db.delete_role(&by(), &here().account, &first.name).await.unwrap());
    assert!(!db.delete_role(&by(), &here().account, &first.name).await.unwrap());
    assert_eq!(db.insert_role(&by(), again, PLENTY).await.unwrap(), RoleMade::IdTaken);
    assert_eq!(kinds(db).await, [EventKind::DeleteRole, EventKind::CreateRole]);
}

async fn an_account_has_so_many_roles(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for name in ["a", "b"] {
        db.insert_role(&by(), new_role(&here, name), 2).await.unwrap();
    }
    match db.insert_role(&by(), new_role(&here, "c"), 2).await {
        Err(StoreError::OverQuota(over)) => {
            assert_eq!(over, OverQuota { quota: Quota::Roles, used: 2, allowed: 2 });
        }
        made => panic!("{made:?}"),
    }
    db.insert_role(&by(), new_role(&other, "c"), 2).await.unwrap();
}

async fn roles_are_listed_by_name_in_pages(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    for name in ["b", "A", "d", "c"] {
        create_role(db, &here, name).await;
    }
    create_role(db, &other, "a").await;
    let (mut names, mut after): (Vec<String>, Option<RoleName>) = (Vec::new(), None);
    loop {
        let page = db.roles(&here.account, after.as_ref(), 3).await.unwrap();
        assert!(page.roles.len() <= 3);
        names.extend(page.roles.iter().map(|role| role.name.to_string()));
        after = page.more;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, ["A", "b", "c", "d"]);
}

async fn a_change_changes_what_it_names(db: &dyn Metadata) {
    let made = create_role(db, &here(), "push").await;
    let permission = Permission::of_preset(Preset::Read, gangplank_core::policy::Limits::default()).unwrap();
    let limits = LoginLimits { max_life: Some(Duration::from_mins(1)), ..LoginLimits::default() };
    for part in [
        RoleChange { permission: Some(permission.clone()), ..RoleChange::default() },
        RoleChange { limits: Some(limits.clone()), ..RoleChange::default() },
        RoleChange { max_session: Some(Duration::from_mins(15)), ..RoleChange::default() },
        RoleChange { description: Some("d".to_owned()), ..RoleChange::default() },
        RoleChange { trust: Some(trust("acme/api")), ..RoleChange::default() },
        RoleChange { enabled: Some(false), ..RoleChange::default() },
    ] {
        let changed = change(db, part).await;
        assert_eq!(find(db, "push").await, Some(changed));
    }
    let now = find(db, "push").await.unwrap();
    assert_eq!((&now.permission, &now.limits, now.enabled), (&permission, &limits, false));
    assert_eq!((now.max_session, now.description.as_str()), (Duration::from_mins(15), "d"));
    assert_eq!((&*now.trust, now.revision), (&trust("acme/api"), made.revision + 6));
    assert_eq!((now.id, now.created_at), (made.id, made.created_at));
}

async fn another_trust_policy_forgets_what_was_remembered(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let mut session = new_session(&role, 1);
    session.remember = [("repository_id".to_owned(), "88".to_owned())].into();
    assert_eq!(db.insert_session(&by(), session, PLENTY).await.unwrap(), SessionMade::Made);
    let remembered = |role: &Role| role.remembered.get("repository_id").cloned();
    assert_eq!(remembered(&find(db, "push").await.unwrap()).as_deref(), Some("88"));
    let same = RoleChange { trust: Some(trust("acme/web")), ..RoleChange::default() };
    assert_eq!(remembered(&change(db, same).await).as_deref(), Some("88"));
    let other = RoleChange { trust: Some(trust("acme/api")), ..RoleChange::default() };
    assert_eq!(remembered(&change(db, other).await), None);
}

async fn a_change_that_changes_nothing_is_no_event(db: &dyn Metadata) {
    let made = create_role(db, &here(), "push").await;
    for nothing in [RoleChange::default(), RoleChange { enabled: Some(true), ..RoleChange::default() }] {
        assert_eq!(change(db, nothing).await, made);
    }
    let off = RoleChange { enabled: Some(false), ..RoleChange::default() };
    change(db, off).await;
    assert_eq!(kinds(db).await, [EventKind::UpdateRole, EventKind::CreateRole]);
    let events = db.audit_events(&AuditFilter::default(), None, 1).await.unwrap().events;
    assert_eq!((events[0].subject.as_deref(), events[0].reason.as_deref()), (Some("push"), Some("disabled")));
}

async fn one_account_does_not_reach_anothers_roles(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    let role = create_role(db, &here, "push").await;
    create_session(db, &role, 1).await;
    let name = role_name("push");
    assert_eq!(db.role(&other.account, &name).await.unwrap(), None);
    assert!(db.roles(&other.account, None, 9).await.unwrap().roles.is_empty());
    let off = RoleChange { enabled: Some(false), ..RoleChange::default() };
    assert_eq!(db.change_role(&by(), &other.account, &name, off).await.unwrap(), None);
    assert!(!db.delete_role(&by(), &other.account, &name).await.unwrap());
    assert!(db.sessions(&other.account, &name, NOW, None, 9).await.unwrap().sessions.is_empty());
    assert!(find(db, "push").await.unwrap().enabled);
    let found = db.credential(&session_key(1)).await.unwrap();
    assert!(matches!(found, Some(Credential::Session(it)) if it.role.is_some()));
}

async fn what_was_decided_by_an_earlier_state_is_not_done(db: &dyn Metadata) {
    let asked = create_role(db, &here(), "push").await;
    let other = RoleChange { trust: Some(trust("acme/api")), ..RoleChange::default() };
    let changed = change(db, other).await;
    let refused = db.insert_session(&by(), new_session(&asked, 1), PLENTY).await.unwrap();
    assert_eq!(refused, SessionMade::RoleChanged);
    assert!(db.credential(&session_key(1)).await.unwrap().is_none());
    create_session(db, &changed, 1).await;
    let off = change(db, RoleChange { enabled: Some(false), ..RoleChange::default() }).await;
    let refused = db.insert_session(&by(), new_session(&off, 2), PLENTY).await.unwrap();
    assert_eq!(refused, SessionMade::RoleChanged, "a disabled role is not assumed");
    db.delete_role(&by(), &here().account, &asked.name).await.unwrap();
    let again = create_role(db, &here(), "push").await;
    let old = Role { revision: again.revision, ..asked };
    let refused = db.insert_session(&by(), new_session(&old, 2), PLENTY).await.unwrap();
    assert_eq!(refused, SessionMade::RoleChanged, "another of the same name");
    assert_eq!(find(db, "push").await.unwrap().last_assumed_at, None);
}
