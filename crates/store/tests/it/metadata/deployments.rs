//! Deployments are made, hold images, count in quotas, end, and are forgotten.

mod room;
mod updates;

use gangplank_core::deployment::{DeploymentState, ServiceState, Step};
use gangplank_core::{ImageName, Origin, Power, Scale, Tenant};
use gangplank_store::metadata::audit::AuditFilter;
use gangplank_store::metadata::container_images::ImageDeleted;
use gangplank_store::metadata::container_services::{
    ContainerService, ServiceChange, ServiceOutcome, ServiceUpdate,
};
use gangplank_store::metadata::deployments::{
    DeployedService, Deployment, DeploymentOutcome, ImageSource, KEPT, NewDeployment, Promised, Registered,
    Rollout, Room,
};
use gangplank_store::metadata::{Invocation, Metadata};

use crate::world::{
    At, NOW, PLENTY, ROOM, activate, by, create_service, delete_image, delete_service, deploy, deployment,
    here, owner_of, register, registered, service, service_id, tenants,
};

metadata_contract! {
    a_deployment_is_the_next_until_it_is_the_current,
    a_failed_deployment_leaves_the_current_one,
    versions_count_up_and_are_never_given_again,
    one_deployment_at_a_time,
    a_disabled_service_takes_no_deployment,
    latest_is_pinned_when_the_deployment_is_made,
    an_image_that_is_not_registered_is_refused_with_its_container,
    a_retry_gets_the_first_attempts_deployment,
    fifty_are_kept_and_always_the_current_one,
    a_public_image_is_pinned_once,
    a_step_is_noted_as_long_as_the_deployment_is_on_its_way,
    an_image_in_use_is_not_deleted,
    a_service_and_its_first_deployment_are_made_together_or_not_at_all,
    a_deleted_service_takes_its_deployments_with_it,
    a_deployment_is_found_in_its_tenant_only,
    the_services_to_run_are_those_of_all_tenants,
    deployments_are_noted_in_the_trail,
}

/// A public image.
const PUBLIC: ImageSource = ImageSource::Public;

fn call(id: &str) -> Invocation {
    Invocation { owner: owner_of(1), id: id.to_owned() }
}

/// Makes a service with this many images registered as `app`.
async fn service_with_images(db: &dyn Metadata, name: &str, images: usize) {
    create_service(db, &here(), name).await;
    let at = At::sr(db);
    for number in 0..images {
        let image = at.image(&["config", &format!("layer {number}")], &[]).await;
        register(db, &here(), name, &image).await;
    }
}

async fn create(db: &dyn Metadata, name: &str, new: NewDeployment) -> DeploymentOutcome {
    let service = service_id(db, &here(), name).await;
    db.create_deployment(&by(), &here(), service, new).await.unwrap()
}

async fn now(db: &dyn Metadata, name: &str) -> DeployedService {
    let service = service_id(db, &here(), name).await;
    db.deployed_service(&here(), service).await.unwrap().unwrap()
}

async fn list(db: &dyn Metadata, name: &str) -> Vec<Deployment> {
    db.deployments(&here(), service_id(db, &here(), name).await).await.unwrap().unwrap()
}

async fn states(db: &dyn Metadata, name: &str) -> Vec<(i64, DeploymentState)> {
    list(db, name).await.into_iter().map(|it| (it.version, it.state)).collect()
}

fn state(deployed: &DeployedService) -> ServiceState {
    deployed.service.facts().state()
}

fn versions(deployed: &DeployedService) -> (Option<i64>, Option<i64>) {
    (deployed.current.as_ref().map(|it| it.version), deployed.next.as_ref().map(|it| it.version))
}

async fn fail(db: &dyn Metadata, name: &str, why: &str) {
    let service = db.service(&here(), name).await.unwrap().unwrap();
    assert!(db.fail_deployment(&by(), service.id, service.next_version.unwrap(), why).await.unwrap());
}

async fn update(db: &dyn Metadata, name: &str, change: ServiceUpdate) -> ServiceOutcome {
    let service = service_id(db, &here(), name).await;
    db.change_service(&by(), &here(), service, ServiceChange::Update(change), PLENTY).await.unwrap()
}

/// An empty change by a server that runs services.
fn change() -> ServiceUpdate {
    ServiceUpdate { room: Some(ROOM), ..ServiceUpdate::default() }
}

fn scale(nodes: i64) -> ServiceUpdate {
    ServiceUpdate { scale: Some(Scale::nearest(nodes)), ..change() }
}

fn disabled(is_disabled: bool) -> ServiceUpdate {
    ServiceUpdate { is_disabled: Some(is_disabled), ..change() }
}

/// The service after a change that was accepted.
fn taken(outcome: ServiceOutcome) -> DeployedService {
    match outcome {
        ServiceOutcome::Done(deployed) => *deployed,
        refused => panic!("{refused:?}"),
    }
}

async fn a_deployment_is_the_next_until_it_is_the_current(db: &dyn Metadata) {
    service_with_images(db, "web", 1).await;
    assert_eq!((list(db, "web").await, state(&now(db, "web").await)), (Vec::new(), ServiceState::Ready));
    let new = deployment(&[registered(Some(1)), PUBLIC]);
    let DeploymentOutcome::Made(made) = create(db, "web", new.clone()).await else { panic!("refused") };
    assert_eq!(*made, now(db, "web").await);
    assert_eq!((versions(&made), state(&made)), ((None, Some(1)), ServiceState::Deploying));
    let next = made.next.as_ref().unwrap();
    assert_eq!((next.state, &next.sealed_spec), (DeploymentState::Activating, &new.sealed_spec));
    assert_eq!((next.created_at, &next.failure), (NOW, &None));
    let image = &db.images(&here(), made.service.id).await.unwrap().unwrap()[0];
    assert_eq!(next.images.len(), 2);
    assert_eq!(next.images[0].container, "c0");
    assert_eq!(next.images[0].registered, Some(Registered { label: "app".to_owned(), number: 1 }));
    assert_eq!(next.images[0].digest.as_ref(), Some(&image.digest));
    assert_eq!((&next.images[1].registered, &next.images[1].digest), (&None, &None));
    let rollout = made.rollout.unwrap();
    assert_eq!((rollout.step, rollout.failures), (Step::CreatingDeployment, 0));
    assert_eq!((rollout.message, rollout.deadline), (None, new.deadline));

    assert!(db.activate_deployment(&by(), made.service.id, 1).await.unwrap());
    let active = now(db, "web").await;
    assert_eq!((versions(&active), state(&active)), ((Some(1), None), ServiceState::Running));
    assert_eq!((&active.rollout, active.current.unwrap().state), (&None, DeploymentState::Active));

    deploy(db, &here(), "web", &[PUBLIC]).await;
    let both = now(db, "web").await;
    assert_eq!((versions(&both), state(&both)), ((Some(1), Some(2)), ServiceState::Deploying));
    activate(db, &here(), "web").await;
    assert_eq!(states(db, "web").await, [(2, DeploymentState::Active), (1, DeploymentState::Inactive)]);
    assert!(
        !db.activate_deployment(&by(), made.service.id, 2).await.unwrap(),
        "it is not on its way any more"
    );
}

async fn a_failed_deployment_leaves_the_current_one(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    fail(db, "web", "it crashed").await;
    let first = now(db, "web").await;
    assert_eq!((versions(&first), state(&first), &first.rollout), ((None, None), ServiceState::Ready, &None));
    assert_eq!(list(db, "web").await[0].failure.as_deref(), Some("it crashed"));
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    fail(db, "web", "it crashed again").await;
    let third = now(db, "web").await;
    assert_eq!((versions(&third), state(&third)), ((Some(2), None), ServiceState::Running));
    let all = [(3, DeploymentState::Failed), (2, DeploymentState::Active), (1, DeploymentState::Failed)];
    assert_eq!(states(db, "web").await, all);
    let web = third.service.id;
    for version in [1, 2, 3, 4] {
        assert!(!db.fail_deployment(&by(), web, version, "late").await.unwrap());
    }
    assert_eq!(list(db, "web").await[0].failure.as_deref(), Some("it crashed again"));
}

async fn versions_count_up_and_are_never_given_again(db: &dyn Metadata) {
    for name in ["web", "api"] {
        create_service(db, &here(), name).await;
    }
    for version in 1..=3 {
        let made = deploy(db, &here(), "web", &[PUBLIC]).await;
        assert_eq!(made.next.unwrap().version, version);
        fail(db, "web", "").await;
    }
    assert_eq!(deploy(db, &here(), "api", &[PUBLIC]).await.next.unwrap().version, 1);
}

async fn one_deployment_at_a_time(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    assert_eq!(create(db, "web", deployment(&[PUBLIC])).await, DeploymentOutcome::InProgress(1));
    activate(db, &here(), "web").await;
    taken(update(db, "web", scale(2)).await);
    // While the service itself is changing, no deployment can be made.
    assert_eq!(create(db, "web", deployment(&[PUBLIC])).await, DeploymentOutcome::InProgress(1));
    let web = now(db, "web").await.service;
    assert!(db.settle_service(web.id, web.changes).await.unwrap());
    assert_eq!(deploy(db, &here(), "web", &[PUBLIC]).await.next.unwrap().version, 2);
}

async fn a_disabled_service_takes_no_deployment(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    taken(update(db, "web", disabled(true)).await);
    assert_eq!(create(db, "web", deployment(&[PUBLIC])).await, DeploymentOutcome::Disabled);
    assert_eq!(list(db, "web").await, []);
    taken(update(db, "web", disabled(false)).await);
    deploy(db, &here(), "web", &[PUBLIC]).await;
}

async fn latest_is_pinned_when_the_deployment_is_made(db: &dyn Metadata) {
    service_with_images(db, "web", 2).await;
    let of = |deployed: &DeployedService| {
        let image = deployed.next.as_ref().or(deployed.current.as_ref()).unwrap().images[0].clone();
        (image.registered.unwrap().number, image.digest.unwrap())
    };
    let pinned = of(&deploy(db, &here(), "web", &[registered(None)]).await);
    assert_eq!(pinned.0, 2);
    let newer = At::sr(db).image(&["config", "newer"], &[]).await;
    register(db, &here(), "web", &newer).await;
    activate(db, &here(), "web").await;
    assert_eq!(of(&now(db, "web").await), pinned);
    let next = of(&deploy(db, &here(), "web", &[registered(None)]).await);
    assert_eq!(next, (3, newer.digest().to_string()));
}

async fn an_image_that_is_not_registered_is_refused_with_its_container(db: &dyn Metadata) {
    service_with_images(db, "web", 1).await;
    service_with_images(db, "api", 2).await;
    let labelled = |label: &str, number| ImageSource::Registered { label: label.to_owned(), number };
    for missing in [registered(Some(2)), labelled("other", Some(1)), labelled("other", None)] {
        let outcome = create(db, "web", deployment(&[registered(Some(1)), missing])).await;
        assert_eq!(outcome, DeploymentOutcome::NoSuchImage("c1".to_owned()));
    }
    let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number: 1 };
    assert_eq!(delete_image(db, &here(), &name, NOW).await, ImageDeleted::Deleted);
    let outcome = create(db, "web", deployment(&[registered(None)])).await;
    assert_eq!(outcome, DeploymentOutcome::NoSuchImage("c0".to_owned()));
    assert_eq!((list(db, "web").await, now(db, "web").await.service.last_version), (Vec::new(), 0));
}

async fn a_retry_gets_the_first_attempts_deployment(db: &dyn Metadata) {
    for name in ["web", "api"] {
        create_service(db, &here(), name).await;
    }
    let new = NewDeployment { invocation: Some(call("a")), ..deployment(&[PUBLIC]) };
    let again = || create(db, "web", new.clone());
    let DeploymentOutcome::Made(first) = again().await else { panic!("refused") };
    assert_eq!(again().await, DeploymentOutcome::Made(first));
    activate(db, &here(), "web").await;
    assert_eq!(again().await, DeploymentOutcome::Made(Box::new(now(db, "web").await)));
    taken(update(db, "web", disabled(true)).await);
    assert!(matches!(again().await, DeploymentOutcome::Made(_)), "it was taken when it could be");
    assert_eq!(list(db, "web").await.len(), 1);
    // For another service, the same invocation id means another call.
    assert!(matches!(create(db, "api", new.clone()).await, DeploymentOutcome::Made(_)));
    assert_eq!(list(db, "api").await.len(), 1);
}

async fn fifty_are_kept_and_always_the_current_one(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    for _ in 0..KEPT {
        deploy(db, &here(), "web", &[PUBLIC]).await;
        assert!(list(db, "web").await.len() <= KEPT);
        fail(db, "web", "").await;
    }
    let kept: Vec<_> = list(db, "web").await.into_iter().map(|it| it.version).collect();
    let newest = i64::try_from(KEPT).unwrap() + 1;
    let expected: Vec<_> = (3..=newest).rev().chain([1]).collect();
    assert_eq!(kept, expected, "the second is forgotten, the first is current");
    assert_eq!(versions(&now(db, "web").await), (Some(1), None));
}

async fn a_public_image_is_pinned_once(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let web = deploy(db, &here(), "web", &[PUBLIC, PUBLIC]).await.service.id;
    db.pin_image(web, 1, "c1", "sha256:first").await.unwrap();
    db.pin_image(web, 1, "c1", "sha256:second").await.unwrap();
    db.pin_image(web, 2, "c0", "sha256:first").await.unwrap();
    let digests: Vec<_> = list(db, "web").await.remove(0).images.into_iter().map(|it| it.digest).collect();
    assert_eq!(digests, [None, Some("sha256:first".to_owned())]);
}

async fn a_step_is_noted_as_long_as_the_deployment_is_on_its_way(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let web = deploy(db, &here(), "web", &[PUBLIC]).await.service.id;
    for step in [Step::EvaluatingHealthCheck, Step::ActivatingDeployment, Step::ProvisioningService] {
        let rollout = Rollout { step, failures: 2, message: Some("slow".to_owned()), deadline: NOW };
        assert!(db.note_step(web, 1, rollout.clone()).await.unwrap());
        assert_eq!(now(db, "web").await.rollout, Some(rollout.clone()));
        assert!(!db.note_step(web, 2, rollout).await.unwrap());
    }
    let rollout = now(db, "web").await.rollout.unwrap();
    activate(db, &here(), "web").await;
    assert!(!db.note_step(web, 1, rollout).await.unwrap());
    assert_eq!(now(db, "web").await.rollout, None);
}

async fn an_image_in_use_is_not_deleted(db: &dyn Metadata) {
    service_with_images(db, "web", 3).await;
    let delete = async |number| {
        let name = ImageName { service: "web".to_owned(), label: "app".to_owned(), number };
        delete_image(db, &here(), &name, NOW).await
    };
    deploy(db, &here(), "web", &[registered(Some(1)), registered(Some(1)), PUBLIC]).await;
    assert_eq!(delete(1).await, ImageDeleted::InUse(1), "it is about to run");
    activate(db, &here(), "web").await;
    assert_eq!(delete(1).await, ImageDeleted::InUse(1), "it runs");
    deploy(db, &here(), "web", &[registered(None)]).await;
    assert_eq!((delete(1).await, delete(3).await), (ImageDeleted::InUse(1), ImageDeleted::InUse(2)));
    assert_eq!(delete(2).await, ImageDeleted::Deleted);
    fail(db, "web", "").await;
    assert_eq!(delete(3).await, ImageDeleted::Deleted, "the deployment has failed");
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    assert_eq!(delete(1).await, ImageDeleted::Deleted, "the deployment is inactive");
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    // The list still shows the image that the deployment ran.
    assert_eq!(list(db, "web").await.last().unwrap().images[0].registered.as_ref().unwrap().number, 1);
}

async fn a_service_and_its_first_deployment_are_made_together_or_not_at_all(db: &dyn Metadata) {
    let new = NewDeployment { invocation: Some(call("a")), ..deployment(&[PUBLIC]) };
    let create = async |service: ContainerService, new: &NewDeployment| {
        db.create_deployed_service(&by(), &here(), service, new.clone(), 1).await.unwrap()
    };
    let outcome = create(service("web"), &deployment(&[PUBLIC, registered(None)])).await;
    assert_eq!(outcome, ServiceOutcome::NoSuchImage("c1".to_owned()));
    let little = Room { cpus: 0.25, memory: 1 << 30 };
    let two_nodes = ContainerService { scale: Scale::nearest(2), ..service("web") };
    let outcome = create(two_nodes, &NewDeployment { room: little, ..new.clone() }).await;
    let none = Room { cpus: 0.0, memory: 0 };
    let promised = Promised { others: none, wanted: Room { cpus: 0.5, memory: 1 << 30 } };
    assert_eq!(outcome, ServiceOutcome::TooLittleRoom(promised));
    assert_eq!(db.services(&here()).await.unwrap(), []);

    let made = taken(create(service("web"), &new).await);
    assert_eq!((versions(&made), state(&made)), ((None, Some(1)), ServiceState::Deploying));
    assert_eq!(made, now(db, "web").await);
    assert_eq!(taken(create(service("web"), &new).await), made, "a retry gets what there is");
    let another = NewDeployment { invocation: Some(call("b")), ..new.clone() };
    assert_eq!(create(service("web"), &another).await, ServiceOutcome::NameTaken);
    assert_eq!(create(service("api"), &another).await, ServiceOutcome::QuotaReached);
}

async fn a_deleted_service_takes_its_deployments_with_it(db: &dyn Metadata) {
    service_with_images(db, "web", 1).await;
    deploy(db, &here(), "web", &[registered(Some(1))]).await;
    activate(db, &here(), "web").await;
    let web = deploy(db, &here(), "web", &[registered(Some(1))]).await.service.id;
    assert!(delete_service(db, &here(), "web", NOW).await, "whatever it is doing");
    assert_eq!(db.contradictions(NOW).await.unwrap(), []);
    assert_eq!(db.deployments(&here(), web).await.unwrap(), None);
    assert_eq!(db.deployed_service(&here(), web).await.unwrap(), None);
    let late = Rollout { step: Step::EvaluatingHealthCheck, failures: 0, message: None, deadline: NOW };
    assert!(!db.note_step(web, 2, late).await.unwrap());
    assert!(!db.activate_deployment(&by(), web, 2).await.unwrap());
    assert!(!db.fail_deployment(&by(), web, 2, "late").await.unwrap());
    assert!(!db.settle_service(web, 0).await.unwrap());
    assert_eq!(create(db, "web", deployment(&[PUBLIC])).await, DeploymentOutcome::NoSuchService);
    // A later service of the same name starts again at version 1.
    create_service(db, &here(), "web").await;
    assert_eq!(deploy(db, &here(), "web", &[PUBLIC]).await.next.unwrap().version, 1);
}

async fn a_deployment_is_found_in_its_tenant_only(db: &dyn Metadata) {
    create_service(db, &here(), "web").await;
    let web = deploy(db, &here(), "web", &[PUBLIC]).await.service.id;
    for other in &tenants()[1..] {
        assert_eq!(db.deployments(other, web).await.unwrap(), None);
        assert_eq!(db.deployed_service(other, web).await.unwrap(), None);
        assert_eq!(db.deployed_services(other).await.unwrap(), []);
        let outcome = db.create_deployment(&by(), other, web, deployment(&[PUBLIC])).await.unwrap();
        assert_eq!(outcome, DeploymentOutcome::NoSuchService);
    }
    create_service(db, &here(), "api").await;
    let all = db.deployed_services(&here()).await.unwrap();
    let names: Vec<_> = all.iter().map(|it| (it.service.name.as_str(), versions(it))).collect();
    assert_eq!(names, [("api", (None, None)), ("web", (None, Some(1)))]);
    assert_eq!(all[1], now(db, "web").await);
}

async fn the_services_to_run_are_those_of_all_tenants(db: &dyn Metadata) {
    for tenant in tenants() {
        for name in ["idle", "failed", "next", "current", "off"] {
            create_service(db, &tenant, name).await;
        }
        for name in ["failed", "next", "current"] {
            deploy(db, &tenant, name, &[PUBLIC]).await;
        }
        activate(db, &tenant, "current").await;
        let failed = service_id(db, &tenant, "failed").await;
        assert!(db.fail_deployment(&by(), failed, 1, "").await.unwrap());
        let off = service_id(db, &tenant, "off").await;
        let change = ServiceChange::Update(disabled(true));
        taken(db.change_service(&by(), &tenant, off, change, PLENTY).await.unwrap());
    }
    let key = |it: &DeployedService| {
        (it.tenant.account.to_string(), it.tenant.region.to_string(), it.service.name.clone())
    };
    let mut found: Vec<_> = db.services_to_run().await.unwrap().services;
    found.sort_by_key(key);
    let mut expected = Vec::new();
    for tenant in tenants() {
        let all = db.deployed_services(&tenant).await.unwrap();
        expected.extend(all.into_iter().filter(|it| !["idle", "failed"].contains(&it.service.name.as_str())));
    }
    expected.sort_by_key(key);
    assert_eq!(found, expected);
    assert_eq!(found.len(), 9);
}

async fn deployments_are_noted_in_the_trail(db: &dyn Metadata) {
    service_with_images(db, "web", 1).await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    fail(db, "web", "app: exited with 1, 3 times").await;
    deploy(db, &here(), "web", &[PUBLIC]).await;
    activate(db, &here(), "web").await;
    assert!(!db.activate_deployment(&by(), service_id(db, &here(), "web").await, 2).await.unwrap());
    assert_eq!(
        create(db, "web", deployment(&[registered(Some(7))])).await,
        DeploymentOutcome::NoSuchImage("c0".into())
    );
    let Tenant { account, .. } = here();
    let filter = AuditFilter { account: Some(account), ..AuditFilter::default() };
    let events = db.audit_events(&filter, None, 4).await.unwrap().events;
    let told: Vec<_> =
        events.iter().map(|it| (it.kind.as_str(), it.subject.as_deref(), it.reason.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("DeploymentActivated", Some("web.2"), None),
            ("CreateContainerServiceDeployment", Some("web.2"), None),
            ("DeploymentFailed", Some("web.1"), Some("app: exited with 1, 3 times")),
            ("CreateContainerServiceDeployment", Some("web.1"), None),
        ]
    );
    let Origin { owner, .. } = by();
    assert!(
        events.iter().all(|it| it.owner == owner && it.region.as_deref() == Some(here().region.as_str()))
    );
}
