//! Container services.

use std::collections::BTreeMap;

use gangplank_core::{Power, Scale, Tenant};
use gangplank_store::metadata::container_services::{
    ContainerService, ServiceChange, ServiceOutcome, ServiceUpdate,
};
use gangplank_store::metadata::{Invocation, Metadata};

use crate::world::{
    At, NOW, PLENTY, by, create_service, delete_service, done, here, images_of, owner_of, register, service,
    service_id, tenants,
};

metadata_contract! {
    a_service_is_kept_as_given,
    a_name_is_taken_once_in_a_tenant,
    a_retry_gets_the_service_again,
    a_retry_is_of_the_same_caller_and_call,
    the_quota_counts_a_tenants_services,
    services_are_listed_by_name,
    only_what_is_given_changes,
    tags_are_merged,
    tags_have_a_limit,
    domains_are_merged_by_certificate,
    four_domains_and_no_more,
    a_domain_belongs_to_one_service,
    an_unknown_service_is_not_changed,
    a_deleted_service_is_gone_with_its_images,
    the_ids_of_all_tenants_services_are_listed,
}

type Tags = Vec<(String, Option<String>)>;

fn tags(pairs: &[(&str, Option<&str>)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
}

fn domains(certificates: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let list = |domains: &[&str]| domains.iter().map(|domain| (*domain).to_owned()).collect();
    certificates.iter().map(|(name, domains)| ((*name).to_owned(), list(domains))).collect()
}

fn call(key: u8, id: &str) -> Invocation {
    Invocation { owner: owner_of(key), id: id.to_owned() }
}

async fn create(db: &dyn Metadata, service: &ContainerService) -> ServiceOutcome {
    db.create_service(&by(), &here(), service.clone(), None, PLENTY).await.unwrap()
}

async fn change(db: &dyn Metadata, name: &str, change: ServiceChange) -> ServiceOutcome {
    let service = service_id(db, &here(), name).await;
    db.change_service(&by(), &here(), service, change, 3).await.unwrap()
}

async fn update(db: &dyn Metadata, name: &str, update: ServiceUpdate) -> ServiceOutcome {
    change(db, name, ServiceChange::Update(update)).await
}

/// The stored service, with its number.
async fn kept(db: &dyn Metadata, tenant: &Tenant, service: ContainerService) -> ContainerService {
    ContainerService { id: service_id(db, tenant, &service.name).await, ..service }
}

async fn found(db: &dyn Metadata, name: &str) -> ContainerService {
    db.service(&here(), name).await.unwrap().unwrap()
}

async fn a_service_is_kept_as_given(db: &dyn Metadata) {
    let web = ContainerService {
        is_disabled: true,
        puller_role_active: true,
        scale: Scale::MOST,
        tags: tags(&[("z", Some("1")), ("a", None), ("empty", Some(""))]),
        public_domain_names: domains(&[("cert", &["b.example", "a.example"])]),
        ..service("web")
    };
    let made = create(db, &web).await;
    let web = kept(db, &here(), web).await;
    assert_eq!(made, done(&here(), &web));
    assert_eq!(found(db, "web").await, web);
    assert_eq!(db.service(&here(), "api").await.unwrap(), None);
}

async fn a_name_is_taken_once_in_a_tenant(db: &dyn Metadata) {
    for tenant in tenants() {
        let web = service("web");
        let made = db.create_service(&by(), &tenant, web.clone(), None, PLENTY).await.unwrap();
        let web = kept(db, &tenant, web).await;
        assert_eq!(made, done(&tenant, &web));
        let again = db.create_service(&by(), &tenant, service("web"), None, PLENTY).await.unwrap();
        assert_eq!(again, ServiceOutcome::NameTaken);
        assert_eq!(db.service(&tenant, "web").await.unwrap(), Some(web));
    }
}

async fn a_retry_gets_the_service_again(db: &dyn Metadata) {
    let web = service("web");
    let first = db.create_service(&by(), &here(), web.clone(), Some(call(1, "a")), 1).await.unwrap();
    let web = kept(db, &here(), web).await;
    assert_eq!(first, done(&here(), &web));
    // The retried service itself fills the quota.
    let retried = db.create_service(&by(), &here(), service("web"), Some(call(1, "a")), 1).await.unwrap();
    assert_eq!(retried, done(&here(), &web));
    assert_eq!(db.services(&here()).await.unwrap(), [web]);
}

async fn a_retry_is_of_the_same_caller_and_call(db: &dyn Metadata) {
    db.create_service(&by(), &here(), service("web"), Some(call(1, "a")), PLENTY).await.unwrap();
    for other in [Some(call(1, "b")), Some(call(2, "a")), None] {
        let taken = db.create_service(&by(), &here(), service("web"), other, PLENTY).await.unwrap();
        assert_eq!(taken, ServiceOutcome::NameTaken);
    }
    create_service(db, &here(), "api").await;
    let taken = db.create_service(&by(), &here(), service("api"), Some(call(1, "a")), PLENTY).await.unwrap();
    assert_eq!(taken, ServiceOutcome::NameTaken, "made by no call that can be retried");
}

async fn the_quota_counts_a_tenants_services(db: &dyn Metadata) {
    for tenant in tenants() {
        let create =
            async |name: &str| db.create_service(&by(), &tenant, service(name), None, 2).await.unwrap();
        assert!(matches!(create("a").await, ServiceOutcome::Done(_)));
        assert!(matches!(create("b").await, ServiceOutcome::Done(_)));
        assert_eq!(create("c").await, ServiceOutcome::QuotaReached);
        assert_eq!(create("b").await, ServiceOutcome::NameTaken);
        assert!(delete_service(db, &tenant, "a", NOW).await);
        assert!(matches!(create("c").await, ServiceOutcome::Done(_)));
    }
}

async fn services_are_listed_by_name(db: &dyn Metadata) {
    assert_eq!(db.services(&here()).await.unwrap(), []);
    for name in ["web", "api", "db-1"] {
        create_service(db, &here(), name).await;
    }
    let listed = db.services(&here()).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["api", "db-1", "web"]);
    assert_eq!(listed[2], found(db, "web").await);
}

async fn only_what_is_given_changes(db: &dyn Metadata) {
    let mut web = ContainerService {
        tags: tags(&[("a", None)]),
        public_domain_names: domains(&[("cert", &["a.example"])]),
        ..service("web")
    };
    create(db, &web).await;
    web = kept(db, &here(), web).await;
    create_service(db, &here(), "api").await;
    let api = found(db, "api").await;
    assert_eq!(update(db, "web", ServiceUpdate::default()).await, done(&here(), &web));
    web.scale = Scale::nearest(3);
    web.is_disabled = true;
    web.changes = 1;
    let scaled =
        ServiceUpdate { scale: Some(Scale::nearest(3)), is_disabled: Some(true), ..ServiceUpdate::default() };
    assert_eq!(update(db, "web", scaled).await, done(&here(), &web));
    web.power = Power::Micro;
    web.is_disabled = false;
    web.changes = 2;
    web.puller_role_active = true;
    let powered = ServiceUpdate {
        power: Some(Power::Micro),
        is_disabled: Some(false),
        puller_role_active: Some(true),
        ..ServiceUpdate::default()
    };
    assert_eq!(update(db, "web", powered).await, done(&here(), &web));
    assert_eq!(found(db, "web").await, web);
    assert_eq!(found(db, "api").await, api);
}

async fn tags_are_merged(db: &dyn Metadata) {
    create(db, &ContainerService { tags: tags(&[("a", Some("1")), ("b", None)]), ..service("web") }).await;
    change(db, "web", ServiceChange::Tag(tags(&[("c", None), ("a", None)]))).await;
    assert_eq!(found(db, "web").await.tags, tags(&[("a", None), ("b", None), ("c", None)]));
    let keys = vec!["b".to_owned(), "unheard of".to_owned()];
    change(db, "web", ServiceChange::Untag(keys)).await;
    assert_eq!(found(db, "web").await.tags, tags(&[("a", None), ("c", None)]));
}

async fn tags_have_a_limit(db: &dyn Metadata) {
    create(db, &ContainerService { tags: tags(&[("a", None), ("b", None)]), ..service("web") }).await;
    let two = tags(&[("c", None), ("d", None)]);
    let outcome = change(db, "web", ServiceChange::Tag(two.clone())).await;
    assert_eq!(outcome, ServiceOutcome::TooManyTags);
    assert_eq!(found(db, "web").await.tags.len(), 2, "nothing changes unless all of it can");
    change(db, "web", ServiceChange::Untag(vec!["a".to_owned()])).await;
    assert!(matches!(change(db, "web", ServiceChange::Tag(two)).await, ServiceOutcome::Done(_)));
}

async fn domains_are_merged_by_certificate(db: &dyn Metadata) {
    let names = domains(&[("one", &["a.example"]), ("two", &["b.example", "c.example"])]);
    create(db, &ContainerService { public_domain_names: names, ..service("web") }).await;
    let set = |names| ServiceUpdate { public_domain_names: Some(names), ..ServiceUpdate::default() };
    update(db, "web", set(domains(&[("two", &["d.example"]), ("three", &["e.example"])]))).await;
    let now = domains(&[("one", &["a.example"]), ("two", &["d.example"]), ("three", &["e.example"])]);
    assert_eq!(found(db, "web").await.public_domain_names, now);
    update(db, "web", set(domains(&[("one", &[]), ("three", &[]), ("four", &[])]))).await;
    assert_eq!(found(db, "web").await.public_domain_names, domains(&[("two", &["d.example"])]));
    update(db, "web", set(BTreeMap::new())).await;
    assert_eq!(found(db, "web").await.public_domain_names, domains(&[("two", &["d.example"])]));
}

async fn four_domains_and_no_more(db: &dyn Metadata) {
    let four = domains(&[("one", &["1.example", "2.example"]), ("two", &["3.example", "4.example"])]);
    let mut five = four.clone();
    five.insert("three".to_owned(), vec!["5.example".to_owned()]);
    let too_many = ContainerService { public_domain_names: five.clone(), ..service("web") };
    assert_eq!(create(db, &too_many).await, ServiceOutcome::TooManyDomains);
    assert_eq!(db.service(&here(), "web").await.unwrap(), None);
    let enough = ContainerService { public_domain_names: four.clone(), ..service("web") };
    assert!(matches!(create(db, &enough).await, ServiceOutcome::Done(_)));
    let more = ServiceUpdate { public_domain_names: Some(five), ..ServiceUpdate::default() };
    assert_eq!(update(db, "web", more).await, ServiceOutcome::TooManyDomains);
    assert_eq!(found(db, "web").await.public_domain_names, four);
}

async fn a_domain_belongs_to_one_service(db: &dyn Metadata) {
    let names = domains(&[("cert", &["a.example", "b.example"])]);
    let web = ContainerService { public_domain_names: names.clone(), ..service("web") };
    create(db, &web).await;
    let wanted = domains(&[("mine", &["c.example", "b.example"])]);
    let api = ContainerService { public_domain_names: wanted.clone(), ..service("api") };
    let taken = ServiceOutcome::DomainTaken("b.example".to_owned());
    assert_eq!(create(db, &api).await, taken);
    assert_eq!(db.service(&here(), "api").await.unwrap(), None);
    create_service(db, &here(), "api").await;
    let set = |names| ServiceUpdate { public_domain_names: Some(names), ..ServiceUpdate::default() };
    assert_eq!(update(db, "api", set(wanted.clone())).await, taken);
    assert_eq!(found(db, "api").await.public_domain_names, BTreeMap::new());
    // A service may set its own domains again. Other tenants cannot use them, because a request to a domain names no
    // tenant.
    assert!(matches!(update(db, "web", set(names.clone())).await, ServiceOutcome::Done(_)));
    for tenant in &tenants()[1..] {
        let made = db.create_service(&by(), tenant, web.clone(), None, PLENTY).await.unwrap();
        assert_eq!(made, ServiceOutcome::DomainTaken("a.example".to_owned()));
    }
    update(db, "web", set(domains(&[("cert", &[])]))).await;
    assert!(matches!(update(db, "api", set(wanted)).await, ServiceOutcome::Done(_)));
}

async fn an_unknown_service_is_not_changed(db: &dyn Metadata) {
    let scale = ServiceUpdate { scale: Some(Scale::nearest(2)), ..ServiceUpdate::default() };
    assert_eq!(update(db, "web", scale.clone()).await, ServiceOutcome::NoSuchService);
    create_service(db, &here(), "web").await;
    for other in &tenants()[1..] {
        let (web, change) = (service_id(db, &here(), "web").await, ServiceChange::Update(scale.clone()));
        let outcome = db.change_service(&by(), other, web, change, 3).await.unwrap();
        assert_eq!(outcome, ServiceOutcome::NoSuchService);
        assert!(!delete_service(db, other, "web", NOW).await);
    }
    assert_eq!(found(db, "web").await.scale, Scale::LEAST);
}

async fn a_deleted_service_is_gone_with_its_images(db: &dyn Metadata) {
    let image = At::sr(db).image(&["config", "layer"], &[]).await;
    for name in ["web", "api"] {
        create_service(db, &here(), name).await;
        register(db, &here(), name, &image).await;
    }
    assert!(delete_service(db, &here(), "web", NOW).await);
    assert!(!delete_service(db, &here(), "web", NOW).await);
    assert_eq!(db.service(&here(), "web").await.unwrap(), None);
    assert_eq!(images_of(db, &here(), "web").await, None);
    assert_eq!(images_of(db, &here(), "api").await.unwrap().len(), 1);
    create_service(db, &here(), "web").await;
    assert_eq!(images_of(db, &here(), "web").await, Some(Vec::new()));
}

async fn the_ids_of_all_tenants_services_are_listed(db: &dyn Metadata) {
    let mut expected = Vec::new();
    for tenant in tenants() {
        create_service(db, &tenant, "web").await;
        expected.push(db.service(&tenant, "web").await.unwrap().unwrap().uuid);
    }
    create_service(db, &here(), "gone").await;
    delete_service(db, &here(), "gone", NOW).await;
    let mut found = db.service_uuids().await.unwrap();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
