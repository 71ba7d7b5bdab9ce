//! The contract of role sessions and their logins.

mod revoking;

use std::sync::Arc;
use std::time::Duration;

use gangplank_core::policy::PermissionPolicy;
use gangplank_core::{EventKind, LoginId, OverQuota, Principal, Quota, Time};
use gangplank_store::StoreError;
use gangplank_store::blobs::ContentKey;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::NewState;
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::registry_logins::{LoginCreated, LoginLookup, NewLogin, Requires};
use gangplank_store::metadata::role_sessions::{Credential, FoundSession, NewSession, SessionMade};
use gangplank_store::metadata::roles::{MOST_REMEMBERED, Role, RoleChange};
use gangplank_store::metadata::uploads::{UploadOpened, UploadOwner, UploadSession};

use super::uploads::session as upload_session;
use crate::world::{
    NOW, PLENTY, access_key, by, change_key, create_login, create_role, create_session, here, key_id,
    new_session, password, push_login, repository, role_name, session_key, session_login, tenants,
};

metadata_contract! {
    a_session_reads_back_with_its_role,
    a_key_id_names_one_thing,
    a_role_that_is_changed_rules_its_sessions_at_once,
    disabling_a_role_ends_its_sessions_and_logins_for_good,
    deleting_a_role_ends_its_sessions_and_logins_for_good,
    an_ended_session_makes_no_login,
    a_session_makes_no_login_for_others,
    what_a_role_uploads_ends_with_it,
    uploads_go_on_in_another_session_of_the_role,
    a_role_remembers_what_it_first_saw,
    a_role_remembers_so_much,
    an_account_and_a_role_have_so_many_live_sessions,
    live_sessions_are_listed_in_pages,
    sessions_are_forgotten_after_their_end,
    logins_outlive_the_row_of_their_session,
    an_access_key_is_found_by_the_same_question,
}

async fn found(db: &dyn Metadata, number: u8) -> Option<Arc<FoundSession>> {
    match db.credential(&session_key(number)).await.unwrap()? {
        Credential::Session(session) => Some(session),
        Credential::AccessKey(key) => panic!("{key:?}"),
    }
}

async fn is_live(db: &dyn Metadata, number: u8) -> bool {
    found(db, number).await.unwrap().role.is_some()
}

async fn opens(db: &dyn Metadata, number: u8) -> bool {
    matches!(db.login(&password(number).hash()).await.unwrap(), LoginLookup::Live(_))
}

async fn set_enabled(db: &dyn Metadata, enabled: bool) -> Role {
    let change = RoleChange { enabled: Some(enabled), ..RoleChange::default() };
    db.change_role(&by(), &here().account, &role_name("push"), change).await.unwrap().unwrap()
}

async fn a_session_reads_back_with_its_role(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lightsail:Get*","Resource":"*"}]}"#;
    let policy = PermissionPolicy::parse_session(text).unwrap();
    let new = NewSession { policy: Some(policy.clone()), ..new_session(&role, 1) };
    assert_eq!(db.insert_session(&by(), new.clone(), PLENTY).await.unwrap(), SessionMade::Made);
    let it = found(db, 1).await.unwrap();
    let session = &it.session;
    assert_eq!(
        (&session.key, &session.sealed_secret, session.token),
        (&new.key, &new.sealed_secret, new.token)
    );
    assert_eq!((&session.role, &session.role_name, &session.account), (&role.id, &role.name, &role.account));
    assert_eq!((&session.name, &session.claims), (&new.name, &new.claims));
    assert_eq!((session.created_at, session.expires_at), (new.created_at, new.expires_at));
    assert_eq!(session.policy.as_deref(), Some(&policy));
    assert_eq!(it.role, Some(Role { last_assumed_at: Some(NOW), ..role.clone() }));
    assert_eq!(session.owner(), role.owner());
    let principal = session.principal();
    assert_eq!(principal.arn(&role.account), "arn:aws:sts::000000000000:assumed-role/push/ci");
    assert!(matches!(principal, Principal::Session(_)));
    let events = db.audit_events(&AuditFilter::default(), None, 1).await.unwrap().events;
    assert_eq!(events[0].kind, EventKind::AssumeRoleWithWebIdentity);
    assert_eq!(events[0].subject.as_deref(), Some("push"));
}

async fn a_key_id_names_one_thing(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    let again = db.insert_session(&by(), new_session(&role, 1), PLENTY).await;
    assert!(matches!(again, Err(StoreError::Unavailable(_))), "{again:?}");
    let mut key = access_key(&here(), 9);
    key.id = session_key(1);
    assert!(!db.insert_access_key(&by(), key.clone(), PLENTY).await.unwrap());
    key.id = session_key(2);
    assert!(db.insert_access_key(&by(), key, PLENTY).await.unwrap());
    let found = db.credential(&session_key(2)).await.unwrap();
    assert!(matches!(found, Some(Credential::AccessKey(_))), "somebody chose it");
    for state in [NewState::Enabled, NewState::Deleted] {
        change_key(db, None, &session_key(2), state).await;
        let taken = db.insert_session(&by(), new_session(&role, 2), PLENTY).await;
        assert!(matches!(taken, Err(StoreError::Unavailable(_))), "{taken:?}");
    }
    assert!(db.access_key(&session_key(1)).await.unwrap().is_none(), "it is no access key");
}

async fn a_role_that_is_changed_rules_its_sessions_at_once(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    assert!(is_live(db, 1).await && is_live(db, 1).await);
    let description = Some("other".to_owned());
    let change = RoleChange { description, ..RoleChange::default() };
    db.change_role(&by(), &here().account, &role.name, change).await.unwrap();
    assert_eq!(found(db, 1).await.unwrap().role.as_ref().unwrap().description, "other");
}

async fn disabling_a_role_ends_its_sessions_and_logins_for_good(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    create_login(db, session_login(&here(), &role, 1)).await;
    assert!(is_live(db, 1).await && opens(db, 1).await);
    for enabled in [false, true] {
        set_enabled(db, enabled).await;
        assert!(!is_live(db, 1).await && !opens(db, 1).await);
    }
    let role = set_enabled(db, true).await;
    create_session(db, &role, 2).await;
    create_login(db, session_login(&here(), &role, 2)).await;
    assert!(is_live(db, 2).await && opens(db, 2).await && !is_live(db, 1).await && !opens(db, 1).await);
    // Other changes of an enabled role end no session.
    set_enabled(db, true).await;
    assert!(is_live(db, 2).await && opens(db, 2).await);
}

async fn deleting_a_role_ends_its_sessions_and_logins_for_good(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    create_login(db, session_login(&here(), &role, 1)).await;
    assert!(is_live(db, 1).await && opens(db, 1).await);
    db.delete_role(&by(), &here().account, &role.name).await.unwrap();
    assert!(!is_live(db, 1).await && !opens(db, 1).await);
    let again = create_role(db, &here(), "push").await;
    create_session(db, &again, 2).await;
    assert!(!is_live(db, 1).await && !opens(db, 1).await && is_live(db, 2).await);
    assert_ne!(role.owner(), again.owner());
}

async fn create(db: &dyn Metadata, login: NewLogin) -> LoginCreated {
    db.insert_login(&by(), login, Requires::Nothing, PLENTY).await.unwrap()
}

async fn an_ended_session_makes_no_login(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    set_enabled(db, false).await;
    let login = session_login(&here(), &role, 1);
    assert_eq!(create(db, login.clone()).await, LoginCreated::SessionEnded);
    set_enabled(db, true).await;
    assert_eq!(create(db, login.clone()).await, LoginCreated::SessionEnded);
    let unknown = NewLogin { session: Some(session_key(9)), ..login };
    assert_eq!(create(db, unknown).await, LoginCreated::SessionEnded);
    assert!(!opens(db, 1).await);
}

async fn a_session_makes_no_login_for_others(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    let role = create_role(db, &here, "push").await;
    create_session(db, &role, 1).await;
    let elsewhere = session_login(&other, &role, 1);
    assert_eq!(create(db, elsewhere).await, LoginCreated::SessionEnded);
    let of_key = NewLogin { session: Some(session_key(1)), ..push_login(&here, 1) };
    assert_eq!(create(db, of_key).await, LoginCreated::SessionEnded);
}

fn upload(role: &Role) -> UploadOwner {
    UploadOwner { tenant: here(), repository: repository("sr"), owner: role.owner() }
}

async fn open(db: &dyn Metadata, role: &Role, id: &str, login: LoginId) -> UploadOpened {
    let key = ContentKey::parse(id).unwrap_or_else(ContentKey::unused);
    let session = UploadSession { login: Some(login), key, ..upload_session(id) };
    db.open_upload(&upload(role), session, PLENTY).await.unwrap()
}

async fn what_a_role_uploads_ends_with_it(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    let login = create_login(db, session_login(&here(), &role, 1)).await;
    let staged = ContentKey::unused();
    assert_eq!(open(db, &role, staged.as_str(), login).await, UploadOpened::Opened);
    set_enabled(db, false).await;
    assert!(db.upload(&upload(&role), staged.as_str()).await.unwrap().is_none());
    assert_eq!(crate::world::discarded(db).await, [staged]);
    assert_eq!(open(db, &role, "two", login).await, UploadOpened::LoginEnded);
    set_enabled(db, true).await;
    assert_eq!(open(db, &role, "two", login).await, UploadOpened::LoginEnded, "for good");
    db.delete_role(&by(), &here().account, &role.name).await.unwrap();
    assert_eq!(open(db, &role, "two", login).await, UploadOpened::LoginEnded);
}

async fn uploads_go_on_in_another_session_of_the_role(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    for number in [1, 2] {
        create_session(db, &role, number).await;
        create_login(db, session_login(&here(), &role, number)).await;
    }
    open(db, &role, "one", LoginId(1)).await;
    let LoginLookup::Live(grant) = db.login(&password(2).hash()).await.unwrap() else { panic!("refused") };
    assert_eq!(grant.session, Some(session_key(2)));
    let owner = UploadOwner { owner: grant.owner, ..upload(&role) };
    assert!(db.upload(&owner, "one").await.unwrap().is_some());
}

async fn a_role_remembers_what_it_first_saw(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let remember = |number, id: &str, owner: Option<&str>| {
        let mut remember: gangplank_core::role::Claims = [("repository_id".to_owned(), id.to_owned())].into();
        remember.extend(owner.map(|owner| ("repository_owner_id".to_owned(), owner.to_owned())));
        NewSession { remember, ..new_session(&role, number) }
    };
    let made = |session| async { db.insert_session(&by(), session, PLENTY).await.unwrap() };
    assert_eq!(made(remember(1, "88", None)).await, SessionMade::Made);
    assert_eq!(made(remember(2, "88", Some("77"))).await, SessionMade::Made, "the role is as it was");
    let another = |key: &str, remembered: &str| SessionMade::RemembersAnother {
        key: key.to_owned(),
        remembered: remembered.to_owned(),
    };
    assert_eq!(made(remember(3, "89", Some("77"))).await, another("repository_id", "88"));
    assert_eq!(made(remember(3, "88", Some("78"))).await, another("repository_owner_id", "77"));
    assert!(found(db, 3).await.is_none());
    assert_eq!(made(new_session(&role, 3)).await, SessionMade::Made);
    let role = db.role(&here().account, &role.name).await.unwrap().unwrap();
    assert_eq!(role.remembered.values().collect::<Vec<_>>(), ["88", "77"]);
}

async fn a_role_remembers_so_much(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let names = |range: std::ops::Range<usize>| {
        range.map(|number| (format!("id of acme/{number}"), number.to_string())).collect()
    };
    let made = |remember, number| {
        let session = NewSession { remember, ..new_session(&role, number) };
        async { db.insert_session(&by(), session, PLENTY).await.unwrap() }
    };
    assert_eq!(made(names(0..MOST_REMEMBERED), 1).await, SessionMade::Made);
    assert_eq!(made(names(MOST_REMEMBERED..MOST_REMEMBERED + 1), 2).await, SessionMade::RemembersTooMuch);
    assert!(found(db, 2).await.is_none());
    assert_eq!(made(names(7..9), 2).await, SessionMade::Made, "these are known");
}

async fn an_account_and_a_role_have_so_many_live_sessions(db: &dyn Metadata) {
    let (one, two, three) = (
        create_role(db, &here(), "push").await,
        create_role(db, &here(), "two").await,
        create_role(db, &here(), "three").await,
    );
    let insert = |role: &Role, number, now: Time| {
        let expires_at = now.plus(Duration::from_hours(1));
        let session = NewSession { created_at: now, expires_at, ..new_session(role, number) };
        async move { db.insert_session(&by(), session, 4).await }
    };
    let over = |result| match result {
        Err(StoreError::OverQuota(OverQuota { quota, used, allowed })) => (quota, used, allowed),
        other => panic!("{other:?}"),
    };
    for (role, number) in [(&one, 1), (&one, 2), (&two, 3), (&two, 4)] {
        insert(role, number, NOW).await.unwrap();
    }
    assert_eq!(over(insert(&three, 5, NOW).await), (Quota::RoleSessions, 4, 4));
    assert!(found(db, 5).await.is_none());
    // Sessions that ended with their role or have expired do not count.
    set_enabled(db, false).await;
    let one = set_enabled(db, true).await;
    insert(&one, 5, NOW).await.unwrap();
    insert(&one, 6, NOW).await.unwrap();
    over(insert(&one, 7, NOW).await);
    let later = NOW.plus(Duration::from_hours(1));
    insert(&one, 7, later).await.unwrap();
    insert(&one, 8, later).await.unwrap();
    assert_eq!(over(insert(&one, 9, later).await), (Quota::SessionsOfRole, 2, 2));
}

async fn live_sessions_are_listed_in_pages(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    set_enabled(db, false).await;
    let role = set_enabled(db, true).await;
    let other = create_role(db, &here(), "other").await;
    for number in 2..7 {
        create_session(db, &role, number).await;
        create_session(db, &other, 100 + number).await;
    }
    let short = NewSession { expires_at: NOW, ..new_session(&role, 7) };
    db.insert_session(&by(), short, PLENTY).await.unwrap();
    let (mut keys, mut before) = (Vec::new(), None);
    loop {
        let page = db.sessions(&here().account, &role.name, NOW, before, 2).await.unwrap();
        assert!(page.sessions.len() <= 2);
        keys.extend(page.sessions.into_iter().map(|session| session.key));
        before = page.more;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(keys, [6, 5, 4, 3, 2].map(session_key));
}

async fn sessions_are_forgotten_after_their_end(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    for number in [1, 2] {
        let expires_at = NOW.plus(Duration::from_hours(number.into()));
        let session = NewSession { expires_at, ..new_session(&role, number) };
        db.insert_session(&by(), session, PLENTY).await.unwrap();
    }
    assert!(is_live(db, 1).await);
    assert_eq!(db.forget_sessions(NOW.plus(Duration::from_hours(1))).await.unwrap(), 0);
    assert_eq!(db.forget_sessions(NOW.plus(Duration::from_mins(90))).await.unwrap(), 1);
    assert_eq!(db.forget_sessions(NOW.plus(Duration::from_mins(90))).await.unwrap(), 0);
    assert!(found(db, 1).await.is_none() && is_live(db, 2).await);
}

async fn logins_outlive_the_row_of_their_session(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_session(db, &role, 1).await;
    create_login(db, session_login(&here(), &role, 1)).await;
    let listed = db.logins(&here(), NOW, None, 9).await.unwrap().logins;
    let (key, source) = listed[0].session.clone().unwrap();
    let source = source.unwrap();
    assert_eq!((key, source.name.as_str()), (session_key(1), "ci"));
    assert_eq!(source.claims, new_session(&role, 1).claims);
    assert!(!source.claims.is_empty());
    assert_eq!(db.forget_sessions(Time(i64::MAX)).await.unwrap(), 1);
    assert!(opens(db, 1).await);
    let listed = db.logins(&here(), NOW, None, 9).await.unwrap().logins;
    assert_eq!(listed[0].session, Some((session_key(1), None)));
    set_enabled(db, false).await;
    assert!(!opens(db, 1).await);
}

async fn an_access_key_is_found_by_the_same_question(db: &dyn Metadata) {
    assert!(db.credential(&key_id(1)).await.unwrap().is_none());
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    for state in [NewState::Enabled, NewState::Disabled] {
        change_key(db, None, &key_id(1), state).await;
        match db.credential(&key_id(1)).await.unwrap().unwrap() {
            Credential::AccessKey(key) => assert_eq!(key.enabled, state == NewState::Enabled),
            Credential::Session(session) => panic!("{session:?}"),
        }
    }
    change_key(db, None, &key_id(1), NewState::Deleted).await;
    assert!(db.credential(&key_id(1)).await.unwrap().is_none());
}
