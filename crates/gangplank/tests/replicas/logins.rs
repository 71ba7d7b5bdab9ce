//! Logins and keys that one replica makes work at once on each other one.

use gangplank_testkit::Image;
use serde_json::json;

use crate::world::{Trials, start};

pub(crate) const TRIALS: Trials = &[
    ("logins::one_of_any_replica_works_at_once_on_each", works_at_once),
    ("logins::a_key_of_any_replica_signs_at_once_on_each", signs_at_once),
];

fn works_at_once() {
    let server = start();
    server.replica(0).api().ensure_service("web");
    for round in 0..30 {
        let login = server.replica(round % 3).api().push_login();
        assert_eq!(login.registry, server.host(), "the public address, whoever was asked");
        for other in (0..3).map(|next| (round + next + 1) % 3) {
            let status = server.replica(other).registry_as(&login).status("GET", "");
            assert_eq!(status, 200, "replica {other}, round {round}");
        }
    }
    // Logins through the load balancer, with a push after each.
    for _ in 0..5 {
        let login = server.api().push_login();
        let digest = server.registry_as(&login).push_image("sr", "any", &Image::unique(2));
        server.api().register("web", "app", &digest);
    }
}

fn signs_at_once() {
    let server = start();
    for round in 0..12 {
        let key = server.replica(round % 3).api().gangplank("CreateAccessKey", &json!({})).body;
        for other in 0..3 {
            let api = server.replica(other).api().as_key(&key["accessKey"]);
            let answer = api.gangplank("ListRegistryLogins", &json!({}));
            assert_eq!(answer.status, 200, "replica {other}, round {round}: {answer:?}");
        }
    }
}
