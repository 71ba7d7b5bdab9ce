//! Visitors of servers that have just started.

use super::machines;
use super::world::Replicas;
use crate::world::until;

#[test]
fn a_server_that_starts_takes_no_service_for_unknown() {
    let Some(mut replicas) = Replicas::on(machines(2)) else { return };
    replicas.deploy_first(0, "web", 1);
    let (holder, host) = (replicas.only(), replicas.host(0, "web"));
    let other = 1 - holder;
    for _ in 0..3 {
        replicas.stop(other);
        replicas.start(other);
        let visit = replicas.visitor_of(other, host.clone());
        until("it answers", || match visit() {
            200 => true,
            503 => false,
            status => panic!("{status}"),
        });
    }
}
