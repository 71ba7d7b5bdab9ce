//! Registrations on several replicas at once: numbers are unique and without gaps, and a repeated call counts once.

use std::collections::BTreeSet;

use gangplank_testkit::Image;
use serde_json::json;

use crate::world::{Trials, start};

pub(crate) const TRIALS: Trials = &[
    ("registrations::at_once_have_all_numbers_once", have_all_numbers_once),
    ("registrations::repeated_on_other_replicas_are_made_once", are_made_once),
];

/// Registrations of each replica.
const EACH: u32 = 40;

fn have_all_numbers_once() {
    let server = start();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1));
    let names: Vec<String> = std::thread::scope(|scope| {
        // Two clients of each replica.
        let clients: Vec<_> = (0..6)
            .map(|client| {
                let (api, digest) = (server.replica(client % 3).api(), &digest);
                scope.spawn(move || {
                    let names = (0..EACH / 2).map(|_| api.register("web", &format!("c{client}"), digest));
                    names.collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let number = |name: &String| name.rsplit('.').next().unwrap().parse::<u32>().unwrap();
    let numbers: BTreeSet<u32> = names.iter().map(number).collect();
    assert_eq!(numbers, (1..=3 * EACH).collect(), "{names:?}");
    // The numbers that one client got grow.
    for client in names.chunks(EACH as usize / 2) {
        assert!(client.is_sorted_by_key(number), "{client:?}");
    }
    assert_eq!(api.register("web", "last", &digest), format!(":web.last.{}", 3 * EACH + 1));
}

fn are_made_once() {
    let server = start();
    let api = server.api();
    api.ensure_service("web");
    let digest = server.registry_as(&api.push_login()).push_image("sr", "any", &Image::unique(1));
    let input = json!({ "serviceName": "web", "label": "app", "digest": digest }).to_string();
    for round in 1..=12 {
        let invocation = format!("invocation-{round}");
        let call = |replica: usize, attempt: u32| {
            let attempt = format!("attempt={attempt}; max=3");
            let headers = [("amz-sdk-invocation-id", invocation.as_str()), ("amz-sdk-request", &attempt)];
            let api = server.replica(replica).api();
            api.call("Lightsail_20161128.RegisterContainerImage", input.as_bytes(), &headers)
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let call = &call;
            let attempts: Vec<_> = (0..6).map(|attempt| scope.spawn(move || call(attempt % 3, 1))).collect();
            attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
        });
        for answer in answers.iter().chain([&call(0, 2), &call(1, 3)]) {
            let image = &answer.body["containerImage"]["image"];
            assert_eq!(*image, format!(":web.app.{round}"), "{answer:?}");
        }
    }
    let images = api.lightsail("GetContainerImages", &json!({ "serviceName": "web" })).body;
    assert_eq!(images["containerImages"].as_array().unwrap().len(), 12);
}
