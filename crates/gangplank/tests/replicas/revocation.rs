//! Rights that one replica takes away end on all of them within five seconds, on open connections too.

use std::time::{Duration, Instant};

use gangplank_testkit::{Login, TestServer};
use serde_json::{Value, json};

use crate::world::{Trials, start, until};

pub(crate) const TRIALS: Trials = &[
    ("revocation::of_logins_is_seen_on_each_replica", of_logins),
    ("revocation::of_keys_is_seen_on_each_replica", of_keys),
];

/// The longest time that is promised.
const PROMISED: Duration = Duration::from_secs(5);

/// Ends a login, given the id of the login and of the key that made it.
type End = fn(&TestServer, &Value, &Value);

const ENDS: [(&str, End); 4] = [
    ("revoked", |server, id, _| {
        ask(server, "RevokeRegistryLogin", &json!({ "id": id }));
    }),
    ("its key disabled", |server, _, key| {
        ask(server, "UpdateAccessKey", &json!({ "accessKeyId": key, "status": "Disabled" }));
    }),
    ("its key deleted", |server, _, key| {
        ask(server, "DeleteAccessKey", &json!({ "accessKeyId": key }));
    }),
    ("its service deleted", |server, _, _| {
        let api = server.replica(0).api();
        assert_eq!(api.lightsail("DeleteContainerService", &json!({ "serviceName": "web" })).status, 200);
    }),
];

fn ask(server: &TestServer, operation: &str, input: &Value) -> Value {
    let answer = server.replica(0).api().gangplank(operation, input);
    assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    answer.body
}

/// The ids of all logins.
fn ids(server: &TestServer) -> Vec<Value> {
    let list = ask(server, "ListRegistryLogins", &json!({}));
    list["registryLogins"].as_array().unwrap().iter().map(|login| login["id"].clone()).collect()
}

fn of_logins() {
    let server = start();
    let mut slowest = Duration::ZERO;
    for round in 0..2 {
        for (name, end) in ENDS {
            server.replica(1).api().ensure_service("web");
            let key = ask(&server, "CreateAccessKey", &json!({}))["accessKey"].clone();
            let before = ids(&server);
            let made = server.replica(2).api().as_key(&key);
            let login: Login = made.registry_login(&json!({ "serviceName": "web" }));
            let mut new = ids(&server);
            new.retain(|id| !before.contains(id));
            let [id] = new.as_slice() else { panic!("{new:?} are new") };
            let registries: Vec<_> =
                server.all_replicas().map(|replica| replica.registry_as(&login)).collect();
            // Every replica knows the login, and the connections stay open.
            for registry in &registries {
                assert_eq!(registry.status("GET", ""), 200);
            }
            let start = Instant::now();
            end(&server, id, &key["accessKeyId"]);
            assert_eq!(registries[0].status("GET", ""), 401, "{name}: the replica that did it");
            for registry in &registries {
                until(name, PROMISED, || registry.status("GET", "") == 401);
                assert!(start.elapsed() < PROMISED, "{name}, round {round}: {:?}", start.elapsed());
            }
            slowest = slowest.max(start.elapsed());
            // The logins stay revoked.
            for _ in 0..3 {
                assert!(registries.iter().all(|registry| registry.status("GET", "") == 401), "{name}");
            }
        }
    }
    eprintln!("replicas: a login's end was seen everywhere after {slowest:?} at most");
}

fn of_keys() {
    let server = start();
    for (operation, more) in [("UpdateAccessKey", json!("Disabled")), ("DeleteAccessKey", Value::Null)] {
        let key = ask(&server, "CreateAccessKey", &json!({}))["accessKey"].clone();
        let apis: Vec<_> = server.all_replicas().map(|replica| replica.api().as_key(&key)).collect();
        let works =
            |api: &gangplank_testkit::Api| api.gangplank("ListRegistryLogins", &json!({})).status == 200;
        assert!(apis.iter().all(works));
        let mut input = json!({ "accessKeyId": key["accessKeyId"] });
        if !more.is_null() {
            input["status"] = more;
        }
        let start = Instant::now();
        ask(&server, operation, &input);
        assert!(!works(&apis[0]), "{operation}: the replica that did it");
        for api in &apis {
            until(operation, PROMISED, || !works(api));
        }
        assert!(start.elapsed() < PROMISED, "{operation}: {:?}", start.elapsed());
    }
}
