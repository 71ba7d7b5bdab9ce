//! The logs of a service, asked of a server that does not run it.

use serde_json::{Value, json};

use super::machines;
use super::world::Replicas;
use crate::world::until;

fn log(replicas: &Replicas, number: usize, more: &Value) -> Value {
    let mut input = json!({ "serviceName": "web", "containerName": "app" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    replicas.done(number, "GetContainerLog", &input)
}

#[test]
fn each_server_shows_the_same_log() {
    let Some(replicas) = Replicas::on(machines(3)) else { return };
    replicas.deploy_first(0, "web", 1);
    let (holder, nothing) = (replicas.only(), json!({}));
    let told = log(&replicas, holder, &nothing)["logEvents"].clone();
    let is_told = |event: &Value| event["message"].as_str().unwrap().starts_with("[deployment:1] ");
    assert!(told.as_array().unwrap().iter().any(is_told), "{told}");
    for number in 0..3 {
        until("each has it", || log(&replicas, number, &nothing)["logEvents"] == told);
        let filtered = log(&replicas, number, &json!({ "filterPattern": "\"no such words\"" }));
        assert_eq!(filtered["logEvents"], json!([]));
    }
    // Another server gets the call for the second deployment. Its lines are in the same place as the first ones.
    replicas.deploy((holder + 1) % 3, "web");
    for number in 0..3 {
        let begins = |event: &Value| event["message"].as_str().unwrap().starts_with("[deployment:2] ");
        let found = log(&replicas, number, &json!({ "filterPattern": "deployment" }))["logEvents"].clone();
        assert!(found.as_array().unwrap().iter().any(begins), "{number}: {found}");
    }
}
