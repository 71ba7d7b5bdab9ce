//! The room of the machine, and what a deployment or a change takes of it.

use super::*;

metadata_contract! {
    the_machine_promises_no_more_than_it_has,
    a_service_that_wants_no_more_is_not_refused,
}

async fn the_machine_promises_no_more_than_it_has(db: &dyn Metadata) {
    let room = Room { cpus: 1.0, memory: 2 << 30 };
    let new = || NewDeployment { room, ..deployment(&[PUBLIC]) };
    let [here_, there, other] = tenants();
    for (tenant, name, nodes) in [(&here_, "web", 2), (&there, "web", 1), (&other, "web", 1)] {
        let made = ContainerService { scale: Scale::nearest(nodes), ..service(name) };
        let outcome = db.create_service(&by(), tenant, made, None, PLENTY).await.unwrap();
        let id = taken(outcome).service.id;
        let outcome = db.create_deployment(&by(), tenant, id, new()).await.unwrap();
        assert!(matches!(outcome, DeploymentOutcome::Made(_)), "{outcome:?}");
    }
    // Four nodes of 0.25 processors fit. A service without a deployment does not count, and any scale of it is
    // accepted. Its first deployment is refused if it does not fit.
    create_service(db, &here(), "more").await;
    taken(update(db, "more", ServiceUpdate { room: Some(room), ..scale(2) }).await);
    let full =
        Promised { others: Room { cpus: 1.0, memory: 2 << 30 }, wanted: Room { cpus: 0.5, memory: 1 << 30 } };
    assert_eq!(create(db, "more", new()).await, DeploymentOutcome::TooLittleRoom(full));
    assert_eq!(list(db, "more").await, []);
    // A disabled service does not count either. It can only be enabled again if it fits.
    activate(db, &here(), "web").await;
    let within = |change: ServiceUpdate| ServiceUpdate { room: Some(room), ..change };
    let web = taken(update(db, "web", within(disabled(true))).await).service;
    assert!(db.settle_service(web.id, web.changes).await.unwrap());
    assert!(matches!(create(db, "more", new()).await, DeploymentOutcome::Made(_)));
    assert_eq!(update(db, "web", within(disabled(false))).await, ServiceOutcome::TooLittleRoom(full));
    // A smaller scale fits.
    taken(update(db, "web", within(scale(1))).await);
    activate(db, &here(), "more").await;
    let more = taken(update(db, "more", within(scale(1))).await).service;
    assert!(db.settle_service(more.id, more.changes).await.unwrap());
    taken(update(db, "web", within(disabled(false))).await);
    let memory = ServiceUpdate { power: Some(Power::Micro), ..change() };
    let too_much = Promised {
        others: Room { cpus: 0.75, memory: 3 << 29 },
        wanted: Room { cpus: 0.25, memory: 1 << 30 },
    };
    assert_eq!(update(db, "more", within(memory)).await, ServiceOutcome::TooLittleRoom(too_much));
}

async fn a_service_that_wants_no_more_is_not_refused(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    taken(update(db, "web", ServiceUpdate { room: None, ..scale(4) }).await);
    // The operator has given the engine a smaller machine.
    let little = Room { cpus: 0.25, memory: 512 << 20 };
    let new = NewDeployment { room: little, ..deployment(&[PUBLIC]) };
    assert!(matches!(create(db, "web", new).await, DeploymentOutcome::Made(_)));
    fail(db, "web", "").await;
    let outcome = update(db, "web", ServiceUpdate { room: Some(little), ..scale(5) }).await;
    assert!(matches!(outcome, ServiceOutcome::TooLittleRoom(_)), "{outcome:?}");
    taken(update(db, "web", ServiceUpdate { room: Some(little), ..scale(3) }).await);
}
