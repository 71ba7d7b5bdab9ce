//! The end of a session that is revoked.

use super::*;

metadata_contract! {
    a_session_is_revoked_alone_and_for_good,
    a_session_is_revoked_by_its_role_and_account,
}

async fn revoke(db: &dyn Metadata, role: &str, number: u8) -> bool {
    let (account, role) = (here().account, role_name(role));
    db.revoke_session(&by(), &account, &role, &session_key(number), NOW).await.unwrap()
}

async fn a_session_is_revoked_alone_and_for_good(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    let [near, region, _] = tenants();
    let mut uploads = Vec::new();
    for number in [1, 2] {
        create_session(db, &role, number).await;
        let login = create_login(db, session_login(&near, &role, number)).await;
        let staged = ContentKey::unused();
        open(db, &role, staged.as_str(), login).await;
        uploads.push(staged);
    }
    // A second login of the first session, in another region.
    let far = NewLogin { password: password(3).hash(), ..session_login(&region, &role, 1) };
    create_login(db, far).await;
    // These lookups put the answers into the cache.
    assert!(is_live(db, 1).await && opens(db, 1).await && opens(db, 3).await);
    assert!(revoke(db, "push", 1).await);
    let ended = async || !is_live(db, 1).await && !opens(db, 1).await && !opens(db, 3).await;
    assert!(ended().await);
    assert_eq!(crate::world::discarded(db).await, [uploads[0].clone()]);
    assert!(is_live(db, 2).await && opens(db, 2).await, "the other goes on");
    assert!(db.upload(&upload(&role), uploads[1].as_str()).await.unwrap().is_some());
    let live = db.sessions(&here().account, &role.name, NOW, None, 9).await.unwrap().sessions;
    assert_eq!(live.iter().map(|session| &session.key).collect::<Vec<_>>(), [&session_key(2)]);
    assert_eq!(
        create(db, NewLogin { password: password(4).hash(), ..session_login(&near, &role, 1) }).await,
        LoginCreated::SessionEnded
    );
    let events = db.audit_events(&AuditFilter::default(), None, 1).await.unwrap().events;
    let subject = format!("push/{}", session_key(1));
    assert_eq!((events[0].kind, events[0].subject.clone()), (EventKind::RevokeRoleSession, Some(subject)));
    // Revoking again records no further event. Enabling the role again does not bring the session back.
    assert!(revoke(db, "push", 1).await);
    let again = db.audit_events(&AuditFilter::default(), None, 1).await.unwrap().events;
    assert_eq!(again[0].id, events[0].id);
    for enabled in [false, true] {
        set_enabled(db, enabled).await;
        assert!(ended().await);
    }
    assert!(db.forget_sessions(Time(i64::MAX)).await.unwrap() > 0);
    assert!(!opens(db, 1).await && !opens(db, 3).await, "what is forgotten opens nothing");
}

async fn a_session_is_revoked_by_its_role_and_account(db: &dyn Metadata) {
    let role = create_role(db, &here(), "push").await;
    create_role(db, &here(), "other").await;
    create_session(db, &role, 1).await;
    for (role, number) in [("push", 2), ("other", 1), ("absent", 1)] {
        assert!(!revoke(db, role, number).await, "{role} {number}");
    }
    let [_, _, elsewhere] = tenants();
    let theirs = db.revoke_session(&by(), &elsewhere.account, &role.name, &session_key(1), NOW).await;
    assert!(!theirs.unwrap() && is_live(db, 1).await);
    // An ended session leaves room for another one.
    let new = async |number| db.insert_session(&by(), new_session(&role, number), 2).await;
    assert!(matches!(new(2).await, Err(StoreError::OverQuota(_))), "half of the account's");
    assert!(revoke(db, "push", 1).await);
    assert_eq!(new(2).await.unwrap(), SessionMade::Made);
}
