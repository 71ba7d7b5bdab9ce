//! Services with deployments, as the API shows and changes them. The store itself writes the deployments between two
//! runs. These servers are configured with an engine that does not exist.

use std::time::Duration;

use gangplank_core::deployment::{Container, Endpoint, HealthCheck, Protocol, Spec, Values};
use gangplank_core::{Origin, Tenant, Time};
use gangplank_server::data_dir::DataDir;
use gangplank_server::{MasterKey, all_access_keys};
use gangplank_store::metadata::container_services::ContainerService;
use gangplank_store::metadata::deployments::{DeploymentOutcome, ImageSource, NewDeployment, NewImage, Room};
use gangplank_store::metadata::{ContainerServices as _, Deployments as _, Sqlite};
use gangplank_testkit::{Api, Image, TestServer};
use serde_json::{Value, json};

use crate::builder;

/// The end of a deployment that is written into the rows.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Stays,
    Active,
    Failed,
}

/// A container of the newest image of the service, on port 8080.
fn spec() -> Spec {
    let app = Container {
        image: ":web.app.latest".to_owned(),
        command: Vec::new(),
        environment: Values([("PASSWORD".to_owned(), "hunter2".to_owned())].into()),
        ports: [(8080, Protocol::Http)].into(),
    };
    let endpoint = Endpoint { container: "app".to_owned(), port: 8080, health_check: HealthCheck::default() };
    Spec { containers: [("app".to_owned(), app)].into(), endpoint: Some(endpoint) }
}

/// Writes deployments of the service `web` into the rows of a server.
fn plant(server: &mut TestServer, ends: &[End]) {
    server.terminate();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let data_dir = DataDir::take(&server.data_dir()).unwrap();
        let rows = Sqlite::open(&data_dir.database()).unwrap();
        let master = MasterKey::of(&data_dir, None, &all_access_keys(&rows).await.unwrap()).unwrap();
        let (by, tenant) = (Origin::local(Time(1_800_000_000_000)), here());
        let web: ContainerService = rows.service(&tenant, "web").await.unwrap().unwrap();
        for end in ends {
            let new = NewDeployment {
                sealed_spec: master.seal_spec(&web.uuid, &spec()).unwrap(),
                images: vec![NewImage {
                    container: "app".to_owned(),
                    source: ImageSource::Registered { label: "app".to_owned(), number: None },
                }],
                created_at: by.at,
                deadline: by.steady.plus(Duration::from_hours(1_000_000)),
                invocation: None,
                room: Room { cpus: 100.0, memory: 1 << 40 },
            };
            let outcome = rows.create_deployment(&by, &tenant, web.id, new).await.unwrap();
            let DeploymentOutcome::Made(made) = outcome else { panic!("{outcome:?}") };
            let version = made.service.last_version;
            match end {
                End::Stays => {}
                End::Active => assert!(rows.activate_deployment(&by, web.id, version).await.unwrap()),
                End::Failed => {
                    assert!(rows.fail_deployment(&by, web.id, version, "it crashed").await.unwrap());
                }
            }
        }
    });
    server.restart();
}

fn here() -> Tenant {
    let (account, region) = (gangplank_core::AccountId::root(), gangplank_core::Region::default_region());
    Tenant { account, region }
}

/// A server with the service `web` and two images registered on it.
fn server_with_images() -> TestServer {
    server_with_images_on("docker")
}

/// A server with the same content, and with this engine, which does not exist.
fn server_with_images_on(engine: &str) -> TestServer {
    let server = builder()
        .env("GANGPLANK_ENGINE", engine)
        .env("GANGPLANK_ENGINE_HOST", "unix:///nowhere/docker.sock")
        .start();
    let api = server.api();
    api.ensure_service("web");
    let registry = server.registry_as(&api.push_login());
    for number in 1..=2 {
        let digest = registry.push_image("sr", &format!("v{number}"), &Image::unique(1));
        api.register("web", "app", &digest);
    }
    server
}

fn get(api: &Api) -> Value {
    let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": "web" }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let all = api.lightsail("GetContainerServices", &json!({})).body["containerServices"].clone();
    assert_eq!(all, answer.body["containerServices"], "one is shown as all are");
    all[0].clone()
}

fn list(api: &Api) -> Value {
    let answer = api.lightsail("GetContainerServiceDeployments", &json!({ "serviceName": "web" }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["deployments"].clone()
}

fn states(api: &Api) -> Vec<(i64, String)> {
    let list = list(api);
    let state = |it: &Value| (it["version"].as_i64().unwrap(), it["state"].as_str().unwrap().to_owned());
    list.as_array().unwrap().iter().map(state).collect()
}

fn update(api: &Api, mut input: Value) -> gangplank_testkit::ApiAnswer {
    input["serviceName"] = json!("web");
    api.lightsail("UpdateContainerService", &input)
}

#[test]
fn a_deployment_is_shown_as_it_was_given_with_the_defaults() {
    let mut server = server_with_images();
    plant(&mut server, &[End::Active, End::Stays]);
    let api = server.api();
    let service = get(&api);
    assert_eq!((&service["state"], &service["isDisabled"]), (&json!("DEPLOYING"), &json!(false)));
    assert_eq!(service["stateDetail"]["code"], "CREATING_DEPLOYMENT");
    assert!(service["stateDetail"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{service}");
    let (current, next) = (&service["currentDeployment"], &service["nextDeployment"]);
    assert_eq!((&current["version"], &current["state"]), (&json!(1), &json!("ACTIVE")));
    assert_eq!((&next["version"], &next["state"]), (&json!(2), &json!("ACTIVATING")));
    assert_eq!(next["createdAt"].as_f64(), Some(1.8e9));
    let app = json!({
        "image": ":web.app.latest", "command": [], "environment": { "PASSWORD": "hunter2" },
        "ports": { "8080": "HTTP" },
    });
    assert_eq!(next["containers"], json!({ "app": app }));
    let check = json!({
        "healthyThreshold": 2, "unhealthyThreshold": 2, "timeoutSeconds": 2, "intervalSeconds": 5, "path": "/",
        "successCodes": "200-499",
    });
    let endpoint = json!({ "containerName": "app", "containerPort": 8080, "healthCheck": check });
    assert_eq!(next["publicEndpoint"], endpoint);
    assert_eq!(list(&api), json!([next, current]), "the newest first");
    let part = service["url"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let principal =
        format!("arn:aws:iam::000000000000:role/amazon/lightsail/us-east-1/containers/web/{part}");
    assert_eq!(service["principalArn"], principal);
}

#[test]
fn what_containers_are_given_is_in_no_file_and_no_log() {
    let mut server = server_with_images();
    plant(&mut server, &[End::Active]);
    assert_eq!(list(&server.api())[0]["containers"]["app"]["environment"]["PASSWORD"], "hunter2");
    server.terminate();
    for name in ["gangplank.db", "gangplank.db-wal"] {
        let bytes = std::fs::read(server.data_dir().join(name)).unwrap_or_default();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{name}");
    }
    assert!(!server.log().contains("hunter2"), "{}", server.log());
}

#[test]
fn states_follow_what_became_of_deployments() {
    let mut server = server_with_images();
    plant(&mut server, &[End::Failed]);
    let service = get(&server.api());
    assert_eq!(service["state"], "READY");
    for member in ["currentDeployment", "nextDeployment", "stateDetail"] {
        assert!(service.get(member).is_none(), "{member} of {service}");
    }
    plant(&mut server, &[End::Active, End::Active, End::Failed]);
    let service = get(&server.api());
    assert_eq!((&service["state"], &service["currentDeployment"]["version"]), (&json!("RUNNING"), &json!(3)));
    assert!(service.get("nextDeployment").is_none(), "{service}");
    let expected = [(4, "FAILED"), (3, "ACTIVE"), (2, "INACTIVE"), (1, "FAILED")];
    assert_eq!(states(&server.api()), expected.map(|(version, state)| (version, state.to_owned())));
}

#[test]
fn while_a_deployment_is_in_progress_nodes_stay_as_they_are() {
    let mut server = server_with_images();
    plant(&mut server, &[End::Active, End::Stays]);
    let api = server.api();
    let before = get(&api);
    for change in [json!({ "scale": 3 }), json!({ "power": "large" }), json!({ "isDisabled": true })] {
        let answer = update(&api, change.clone());
        let expected = "Sorry, deployment 2 is in progress for service \"web\". Please wait for it to complete \
                        before trying again.";
        assert_eq!((answer.error(), answer.message()), ("InvalidInputException", expected), "{change}");
    }
    // Some clients always send all members. If the values are the same, nothing changes.
    let same = json!({ "power": before["power"], "scale": before["scale"], "isDisabled": false, "publicDomainNames": {} });
    assert_eq!(update(&api, same).status, 200);
    assert_eq!(get(&api), before);
    assert_eq!(api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" })).status, 200);
    assert_eq!(api.lightsail("GetContainerServiceDeployments", &json!({ "serviceName": "web" })).status, 400);
}

#[test]
fn a_disabled_service_keeps_its_deployment_and_its_url() {
    let mut server = server_with_images_on("none");
    plant(&mut server, &[End::Active]);
    let api = server.api();
    let before = get(&api);
    assert_eq!(before["state"], "RUNNING");
    // Without an engine nothing has to be waited for.
    let answer = update(&api, json!({ "isDisabled": true }));
    let disabled = answer.body["containerService"].clone();
    assert_eq!((answer.status, &disabled["state"]), (200, &json!("DISABLED")));
    assert_eq!(disabled["currentDeployment"], before["currentDeployment"]);
    assert_eq!(disabled["url"], before["url"]);
    assert_eq!(update(&api, json!({ "isDisabled": false })).body["containerService"], before);
}

#[test]
fn an_image_in_use_cannot_be_deleted() {
    let mut server = server_with_images();
    plant(&mut server, &[End::Active]);
    let api = server.api();
    let delete =
        |image: &str| api.lightsail("DeleteContainerImage", &json!({ "serviceName": "web", "image": image }));
    let answer = delete(":web.app.2");
    assert_eq!((answer.status, answer.error()), (400, "InvalidInputException"));
    let message = answer.message();
    assert!(message.contains(":web.app.2") && message.contains("deployment 1"), "{message}");
    assert_eq!(delete(":web.app.1").status, 200, "nothing runs it");
}
