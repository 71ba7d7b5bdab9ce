//! The platform's messages about a deployment: in its containers' logs, and as the reason of a failure.

use gangplank_core::deployment::Endpoint;
use gangplank_engine::ContainerState;

/// A deployment has begun.
pub(super) const CREATING: &str = "Creating your deployment";
/// A node was started.
pub(super) const STARTED: &str = "Started 1 new node";
/// A deployment serves.
pub(super) const STEADY: &str = "Reached a steady state";
/// A deployment did not become active before the time for it ended.
pub(super) const TOO_LONG: &str = "Took too long";
/// The spec of a deployment cannot be opened.
pub(super) const UNREADABLE: &str = "What this deployment is to run cannot be read any more: deploy again";
/// A deployment has failed.
pub(super) const CANCELED: &str = "Canceled";

/// How a container ended.
pub(super) fn ended(container: &str, state: &ContainerState, memory: u64) -> String {
    match state {
        ContainerState::Exited { out_of_memory: true, .. } => {
            format!(
                "{container}: ended because it wanted more than the {} MB of memory of its node",
                memory >> 20
            )
        }
        ContainerState::Exited { status, .. } => format!("{container}: exited with {status}"),
        ContainerState::Starting(Some(reason)) => format!("{container}: {reason}"),
        ContainerState::Starting(None) | ContainerState::Running => format!("{container}: did not start"),
    }
}

/// Why a node was not healthy, with the result of its last finished health check, if there is one.
pub(super) fn unhealthy(endpoint: &Endpoint, last: Option<&str>) -> String {
    let (container, port, path) = (&endpoint.container, endpoint.port, &endpoint.health_check.path);
    let codes = &endpoint.health_check.success_codes;
    let last = last.unwrap_or("nothing has answered yet");
    format!("{container}: GET {path} on port {port}: {last}; wanted is a status of {codes}")
}
