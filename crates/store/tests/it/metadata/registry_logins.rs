//! Registry logins.

use gangplank_core::{Grant, LoginId, Owner, Reach, Scope, Time};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::registry_logins::{LoginCreated, LoginLookup, NewLogin, Requires};

use crate::world::{
    NOW, PLENTY, access_key, by, change_key, create_login, create_service, delete_service, here, key_id,
    narrow, owner_of, password, push_login, service_id, tenants,
};
use gangplank_store::metadata::access_keys::{AccessKey, NewState};

metadata_contract! {
    logins_are_listed_in_pages,
    a_login_opens_what_it_was_made_for,
    an_unknown_password_opens_nothing,
    an_ended_login_is_still_found,
    a_login_ends_with_its_key,
    a_password_is_taken_once,
    a_revoked_login_opens_nothing,
    another_tenant_cannot_revoke,
    a_disabled_keys_logins_stop_and_start_with_it,
    a_deleted_keys_logins_are_refused_for_good,
    a_key_of_another_account_makes_no_live_login,
    a_login_of_the_servers_own_needs_no_key,
    a_pull_login_carries_its_service,
    a_pull_login_ends_with_its_service,
    a_login_is_refused_without_its_service,
    a_push_login_can_require_a_service,
    lists_show_the_tenants_unended_logins,
    ended_logins_are_forgotten,
    a_login_carries_what_it_is_narrowed_to,
}

async fn a_login_carries_what_it_is_narrowed_to(db: &dyn Metadata) {
    for number in [1, 2] {
        db.insert_access_key(&by(), access_key(&here(), number), PLENTY).await.unwrap();
    }
    let login = NewLogin { reach: narrow(), ..push_login(&here(), 1) };
    create_login(db, login).await;
    create_login(db, push_login(&here(), 2)).await;
    // The second lookup comes from the cache.
    for _ in 0..2 {
        assert_eq!(live(db, 1).await.reach.as_deref(), Some(&narrow()));
        assert!(live(db, 2).await.reach.is_none());
    }
    let listed = db.logins(&here(), NOW, None, 9).await.unwrap().logins;
    assert_eq!((&listed[0].reach, &listed[1].reach), (&Reach::default(), &narrow()));
    assert_eq!(listed[0].session, None);
}

async fn lookup(db: &dyn Metadata, number: u8) -> LoginLookup {
    db.login(&password(number).hash()).await.unwrap()
}

async fn live(db: &dyn Metadata, number: u8) -> Grant {
    match lookup(db, number).await {
        LoginLookup::Live(grant) => grant,
        other => panic!("{other:?}"),
    }
}

async fn is_revoked(db: &dyn Metadata, number: u8) -> bool {
    matches!(lookup(db, number).await, LoginLookup::Revoked(_))
}

async fn is_unknown(db: &dyn Metadata, number: u8) -> bool {
    matches!(lookup(db, number).await, LoginLookup::Unknown)
}

/// Makes a key and a push login of it.
async fn with_login(db: &dyn Metadata, number: u8) -> LoginId {
    db.insert_access_key(&by(), access_key(&here(), number), PLENTY).await.unwrap();
    create_login(db, push_login(&here(), number)).await
}

/// A pull login of key `number` for a service of this tenant.
async fn pull_login(db: &dyn Metadata, service: &str, number: u8) -> NewLogin {
    let service = Some(service_id(db, &here(), service).await);
    NewLogin { scope: Scope::PULL, service, ..push_login(&here(), number) }
}

async fn a_login_opens_what_it_was_made_for(db: &dyn Metadata) {
    for (number, tenant) in (1..).zip(tenants()) {
        db.insert_access_key(&by(), access_key(&tenant, number), PLENTY).await.unwrap();
        let scope = Scope { push: number == 1, pull: number == 2, delete: number == 3 };
        let login = NewLogin { scope, ..push_login(&tenant, number) };
        let id = create_login(db, login.clone()).await;
        let grant = live(db, number).await;
        assert_eq!((grant.login, &grant.tenant, &grant.owner), (id, &tenant, &owner_of(number)));
        assert_eq!((grant.scope, grant.service, grant.expires_at), (scope, None, login.expires_at));
    }
}

async fn an_unknown_password_opens_nothing(db: &dyn Metadata) {
    with_login(db, 1).await;
    assert!(is_unknown(db, 2).await);
}

async fn an_ended_login_is_still_found(db: &dyn Metadata) {
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    create_login(db, NewLogin { expires_at: Time(1), ..push_login(&here(), 1) }).await;
    assert_eq!(live(db, 1).await.expires_at, Time(1));
}

async fn a_login_ends_with_its_key(db: &dyn Metadata) {
    let key = AccessKey { expires_at: Some(Time(NOW.0 + 7)), ..access_key(&here(), 1) };
    assert!(db.insert_access_key(&by(), key, PLENTY).await.unwrap());
    create_login(db, push_login(&here(), 1)).await;
    assert_eq!(live(db, 1).await.expires_at, Time(NOW.0 + 7));
}

async fn a_password_is_taken_once(db: &dyn Metadata) {
    let first = with_login(db, 1).await;
    assert!(db.insert_login(&by(), push_login(&here(), 1), Requires::Nothing, PLENTY).await.is_err());
    assert_eq!(live(db, 1).await.login, first);
}

async fn a_revoked_login_opens_nothing(db: &dyn Metadata) {
    let first = with_login(db, 1).await;
    with_login(db, 2).await;
    assert!(db.revoke_login(&by(), &here(), first, NOW).await.unwrap());
    assert!(is_revoked(db, 1).await);
    assert_eq!(live(db, 2).await.owner, owner_of(2));
    assert!(db.revoke_login(&by(), &here(), first, Time(NOW.0 + 1)).await.unwrap());
    let listed = db.logins(&here(), NOW, None, 1_000).await.unwrap().logins;
    assert_eq!(listed[1].revoked_at, Some(NOW), "the first time counts");
    assert!(!db.revoke_login(&by(), &here(), LoginId(99), NOW).await.unwrap());
}

async fn another_tenant_cannot_revoke(db: &dyn Metadata) {
    let login = with_login(db, 1).await;
    for other in &tenants()[1..] {
        assert!(!db.revoke_login(&by(), other, login, NOW).await.unwrap());
    }
    live(db, 1).await;
}

async fn a_disabled_keys_logins_stop_and_start_with_it(db: &dyn Metadata) {
    with_login(db, 1).await;
    with_login(db, 2).await;
    change_key(db, None, &key_id(1), NewState::Disabled).await;
    assert!(is_revoked(db, 1).await);
    live(db, 2).await;
    change_key(db, None, &key_id(1), NewState::Enabled).await;
    live(db, 1).await;
}

async fn a_deleted_keys_logins_are_refused_for_good(db: &dyn Metadata) {
    with_login(db, 1).await;
    with_login(db, 2).await;
    change_key(db, None, &key_id(1), NewState::Deleted).await;
    assert!(is_revoked(db, 1).await);
    live(db, 2).await;
    // Whether or not a key with the same id can be inserted again, the old login stays refused.
    let _ = db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    assert!(is_revoked(db, 1).await);
}

async fn a_key_of_another_account_makes_no_live_login(db: &dyn Metadata) {
    let [here, _, other] = tenants();
    db.insert_access_key(&by(), access_key(&here, 1), PLENTY).await.unwrap();
    create_login(db, push_login(&other, 1)).await;
    assert!(is_revoked(db, 1).await);
}

async fn a_login_of_the_servers_own_needs_no_key(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let login = NewLogin { owner: Owner::server(), ..pull_login(db, "web", 1).await };
    let id = create_login(db, login).await;
    assert_eq!(live(db, 1).await.owner, Owner::server());
    assert!(db.revoke_login(&by(), &here(), id, NOW).await.unwrap());
    assert!(is_revoked(db, 1).await);
}

async fn a_pull_login_carries_its_service(db: &dyn Metadata) {
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    create_service(db, &here(), "web").await;
    create_service(db, &here(), "api").await;
    create_login(db, pull_login(db, "web", 1).await).await;
    create_login(db, pull_login(db, "api", 2).await).await;
    assert!(is_revoked(db, 2).await, "there is no key 2");
    let grant = live(db, 1).await;
    assert_eq!((grant.scope, grant.service.unwrap().name.as_str()), (Scope::PULL, "web"));
}

async fn a_pull_login_ends_with_its_service(db: &dyn Metadata) {
    with_login(db, 1).await;
    db.insert_access_key(&by(), access_key(&here(), 2), PLENTY).await.unwrap();
    create_service(db, &here(), "web").await;
    create_login(db, pull_login(db, "web", 2).await).await;
    assert!(delete_service(db, &here(), "web", NOW).await);
    assert!(is_revoked(db, 2).await);
    create_service(db, &here(), "web").await;
    assert!(is_revoked(db, 2).await, "a new service of the same name is another one");
    live(db, 1).await;
    let listed = db.logins(&here(), NOW, None, 1_000).await.unwrap().logins;
    assert_eq!(listed.len(), 1, "it must not look like a login for every repository");
}

async fn a_login_is_refused_without_its_service(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    for tenant in [&there, &other] {
        create_service(db, tenant, "web").await;
    }
    for requires in [Requires::Nothing, Requires::AnyService] {
        let refused = db.insert_login(&by(), pull_login(db, "web", 1).await, requires, PLENTY).await.unwrap();
        assert_eq!(refused, LoginCreated::NoSuchService);
    }
    assert!(is_unknown(db, 1).await);
    assert!(db.logins(&here, NOW, None, 1_000).await.unwrap().logins.is_empty());
}

async fn a_push_login_can_require_a_service(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    create_service(db, &there, "web").await;
    create_service(db, &other, "web").await;
    let login = push_login(&here, 1);
    assert_eq!(
        db.insert_login(&by(), login.clone(), Requires::AnyService, PLENTY).await.unwrap(),
        LoginCreated::NoServiceYet
    );
    assert!(is_unknown(db, 1).await);
    create_service(db, &here, "api").await;
    assert!(matches!(
        db.insert_login(&by(), login, Requires::AnyService, PLENTY).await.unwrap(),
        LoginCreated::Created(_)
    ));
}

async fn lists_show_the_tenants_unended_logins(db: &dyn Metadata) {
    let [here, there, other] = tenants();
    db.insert_access_key(&by(), access_key(&here, 1), PLENTY).await.unwrap();
    create_service(db, &here, "web").await;
    let first = create_login(db, push_login(&here, 1)).await;
    let second = create_login(db, pull_login(db, "web", 2).await).await;
    let ended = NewLogin { expires_at: NOW, ..push_login(&here, 3) };
    create_login(db, ended).await;
    create_login(db, push_login(&there, 4)).await;
    let theirs = create_login(db, push_login(&other, 5)).await;
    let listed = db.logins(&here, NOW, None, 1_000).await.unwrap().logins;
    let [newest, oldest] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((newest.id, newest.scope, newest.service.as_deref()), (second, Scope::PULL, Some("web")));
    assert_eq!((oldest.id, oldest.scope, oldest.service.as_deref()), (first, Scope::PUSH, None));
    assert_eq!((&oldest.owner, oldest.created_at), (&owner_of(1), NOW));
    assert_eq!((oldest.expires_at, oldest.revoked_at), (push_login(&here, 1).expires_at, None));
    let listed = db.logins(&other, NOW, None, 1_000).await.unwrap().logins;
    assert_eq!(listed.into_iter().map(|login| login.id).collect::<Vec<_>>(), [theirs]);
}

async fn ended_logins_are_forgotten(db: &dyn Metadata) {
    db.insert_access_key(&by(), access_key(&here(), 1), PLENTY).await.unwrap();
    let mut ids = Vec::new();
    for number in 1..=3u8 {
        let expires_at = Time(i64::from(number) * 100);
        ids.push(
            create_login(db, NewLogin { expires_at, owner: owner_of(1), ..push_login(&here(), number) })
                .await,
        );
    }
    assert_eq!(db.forget_logins(Time(200)).await.unwrap(), 1, "200 did not end before 200");
    assert!(is_unknown(db, 1).await);
    live(db, 2).await;
    assert_eq!(db.forget_logins(Time(1_000)).await.unwrap(), 2);
    let next = create_login(db, push_login(&here(), 1)).await;
    assert!(!ids.contains(&next), "a forgotten number would open what another login put");
}

async fn logins_are_listed_in_pages(db: &dyn Metadata) {
    let mut made = Vec::new();
    for number in 0..7 {
        let expires_at = if number == 3 { NOW } else { Time(NOW.0 + 1) };
        let login = create_login(db, NewLogin { expires_at, ..push_login(&here(), number) }).await;
        if number != 3 {
            made.insert(0, login);
        }
    }
    for size in [1, 2, 3, 6, 7] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = db.logins(&here(), NOW, before, size).await.unwrap();
            assert!(page.logins.len() <= size);
            found.extend(page.logins.iter().map(|login| login.id));
            before = page.more;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, made, "{size}");
    }
    assert!(db.logins(&tenants()[1], NOW, None, 9).await.unwrap().logins.is_empty());
}
