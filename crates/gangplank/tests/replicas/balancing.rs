//! The load balancer itself: the trials prove nothing if it does not spread requests.

use crate::world::{Trials, start};

pub(crate) const TRIALS: Trials =
    &[("balancing::each_request_goes_to_the_next_replica", each_request_goes_to_the_next)];

fn each_request_goes_to_the_next() {
    let server = start();
    let registry = server.registry_as(&server.operator_login());
    // All requests come from one client, which keeps its connection.
    for _ in 0..12 {
        assert_eq!(registry.status("GET", ""), 200);
    }
    let log = server.proxy().log();
    for number in 0..3 {
        let name = format!("replicas/r{number}");
        let count = log.lines().filter(|line| line.contains(&name) && line.contains("GET /v2/")).count();
        assert!(count >= 4, "{name} got {count} of 12:\n{log}");
    }
}
