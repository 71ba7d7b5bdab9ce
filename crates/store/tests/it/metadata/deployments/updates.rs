//! Changes of a service that runs, and when they are settled.

use super::*;

metadata_contract! {
    a_change_of_the_nodes_is_an_update_until_it_is_settled,
    what_is_no_difference_is_no_update,
    without_a_current_deployment_or_an_engine_a_change_is_over_at_once,
    while_something_is_in_progress_nodes_and_domains_stay,
    an_update_is_settled_by_its_own_number,
}

async fn a_change_of_the_nodes_is_an_update_until_it_is_settled(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    let changes = [
        (scale(2), ServiceState::Running),
        (ServiceUpdate { power: Some(Power::Micro), ..change() }, ServiceState::Running),
        (disabled(true), ServiceState::Disabled),
        (disabled(false), ServiceState::Running),
    ];
    for (number, (change, settled)) in (1..).zip(changes) {
        let changed = taken(update(db, "web", change).await);
        assert_eq!((state(&changed), changed.service.changes), (ServiceState::Updating, number));
        assert_eq!(versions(&changed), (Some(1), None));
        assert_eq!(now(db, "web").await, changed);
        assert!(db.settle_service(changed.service.id, number).await.unwrap());
        assert_eq!(state(&now(db, "web").await), settled);
    }
}

async fn what_is_no_difference_is_no_update(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    // An update that changes nothing is accepted even then.
    let same = ServiceUpdate {
        power: Some(Power::Nano),
        scale: Some(Scale::LEAST),
        is_disabled: Some(false),
        public_domain_names: Some([("cert".to_owned(), Vec::new())].into()),
        ..change()
    };
    let unchanged = taken(update(db, "web", same.clone()).await);
    assert_eq!((state(&unchanged), unchanged.service.changes), (ServiceState::Deploying, 0));
    activate(db, &here(), "web").await;
    let unchanged = taken(update(db, "web", same).await);
    assert_eq!((state(&unchanged), unchanged.service.changes), (ServiceState::Running, 0));
    let role = ServiceUpdate { puller_role_active: Some(true), ..change() };
    let changed = taken(update(db, "web", role).await);
    assert_eq!((state(&changed), changed.service.changes), (ServiceState::Running, 0));
}

async fn without_a_current_deployment_or_an_engine_a_change_is_over_at_once(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    assert_eq!(state(&taken(update(db, "web", scale(2)).await)), ServiceState::Ready);
    assert_eq!(state(&taken(update(db, "web", disabled(true)).await)), ServiceState::Disabled);
    taken(update(db, "web", disabled(false)).await);
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    let without_engine = ServiceUpdate { room: None, ..scale(3) };
    let changed = taken(update(db, "web", without_engine).await);
    assert_eq!((state(&changed), changed.service.scale), (ServiceState::Running, Scale::nearest(3)));
    // A disabled service has no nodes.
    let off = taken(update(db, "web", disabled(true)).await).service;
    assert!(db.settle_service(off.id, off.changes).await.unwrap());
    assert_eq!(state(&taken(update(db, "web", scale(4)).await)), ServiceState::Disabled);
}

async fn while_something_is_in_progress_nodes_and_domains_stay(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let domains = ServiceUpdate {
        public_domain_names: Some([("cert".to_owned(), vec!["a.example".to_owned()])].into()),
        ..change()
    };
    let power = ServiceUpdate { power: Some(Power::Micro), ..change() };
    let changes = [scale(2), power, disabled(true), domains];
    let check = async |version| {
        let before = now(db, "web").await;
        for change in &changes {
            assert_eq!(update(db, "web", change.clone()).await, ServiceOutcome::InProgress(version));
        }
        assert_eq!(now(db, "web").await, before);
        for (number, change) in
            [ServiceChange::Tag(vec![("a".to_owned(), None)]), ServiceChange::Untag(vec!["a".to_owned()])]
                .into_iter()
                .enumerate()
        {
            let changed = db.change_service(&by(), &here(), before.service.id, change, PLENTY).await.unwrap();
            assert_eq!(taken(changed).service.tags.len(), 1 - number);
        }
    };
    deploy(db, &here(), "web", &[PUBLIC]).await;
    check(1).await;
    activate(db, &here(), "web").await;
    taken(update(db, "web", scale(5)).await);
    check(1).await;
    let web = now(db, "web").await.service;
    assert!(db.settle_service(web.id, web.changes).await.unwrap());
    deploy(db, &here(), "web", &[PUBLIC]).await;
    check(2).await;
    fail(db, "web", "").await;
    for change in changes.into_iter().rev() {
        let changed = taken(update(db, "web", change).await).service;
        assert!(db.settle_service(changed.id, changed.changes).await.unwrap());
    }
}

async fn an_update_is_settled_by_its_own_number(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let web = deploy(db, &here(), "web", &[PUBLIC]).await.service.id;
    activate(db, &here(), "web").await;
    taken(update(db, "web", scale(2)).await);
    assert!(!db.settle_service(web, 0).await.unwrap());
    assert_eq!(state(&now(db, "web").await), ServiceState::Updating);
    assert!(db.settle_service(web, 1).await.unwrap());
    taken(update(db, "web", scale(3)).await);
    assert!(!db.settle_service(web, 1).await.unwrap(), "another has begun since");
    assert_eq!(state(&now(db, "web").await), ServiceState::Updating);
}
