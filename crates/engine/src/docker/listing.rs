//! Puts the engine's containers together into nodes.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use futures_util::{StreamExt as _, stream};

use super::client::Client;
use super::failure::Trouble;
use super::handle::Handle;
use super::labels::{self, Labelled};
use super::readers::Life;
use super::shown::{self, Shown};
use crate::{ContainerSeen, ContainerState, NodeSeen};

/// The number of containers that are inspected at a time.
const LOOKS: usize = 8;

/// A container of ours.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) labelled: Labelled,
    pub(super) shown: Shown,
}

/// The containers that a filter finds. A container that is removed meanwhile is left out.
pub(super) async fn containers(
    client: &Client,
    owner: &str,
    filters: &HashMap<String, Vec<String>>,
) -> Result<Vec<Found>, Trouble> {
    let listed = shown::list(client, Some(filters)).await?;
    let labelled = listed.into_iter().filter_map(|one| Some((one.id, labels::read(owner, &one.labels?)?)));
    let looks = labelled.map(|(id, labelled)| async move {
        let shown = shown::look(client, &id).await?;
        Ok(shown.map(|shown| Found { id, labelled, shown }))
    });
    let looks: Vec<_> = stream::iter(looks).buffered(LOOKS).collect().await;
    looks.into_iter().filter_map(Result::transpose).collect()
}

impl Found {
    /// The id of the node's pause container.
    pub(super) fn pause(&self) -> &str {
        if self.labelled.container.is_none() {
            return &self.id;
        }
        self.shown.host_config.network_mode.strip_prefix("container:").unwrap_or_default()
    }

    pub(super) fn life(&self) -> Life {
        Life::of(self.is_running())
    }

    pub(super) fn is_running(&self) -> bool {
        self.shown.state.running
    }

    fn never_ran(&self) -> bool {
        ["created", "configured", "initialized"].contains(&self.shown.state.status.as_str())
    }

    fn started(&self) -> Option<jiff::Timestamp> {
        self.shown.state.started_at.parse().ok()
    }

    fn seen(&self) -> ContainerSeen {
        let state = &self.shown.state;
        let seen = if state.running {
            ContainerState::Running
        } else if self.never_ran() {
            ContainerState::Starting(Some(state.error.clone()).filter(|reason| !reason.is_empty()))
        } else {
            ContainerState::Exited { status: state.exit_code, out_of_memory: state.is_out_of_memory }
        };
        // The engine's text of the start time, which changes with each start.
        ContainerSeen { state: seen, run: state.started_at.clone() }
    }
}

/// How this machine reaches a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// At the own address of the container, if this machine has the network.
    Direct,
    /// Through the ports that the engine publishes.
    Published,
}

/// Puts containers together into nodes.
pub(super) fn nodes(found: &[Found], access: Access) -> Vec<NodeSeen> {
    let mut by_node: BTreeMap<Handle, Vec<&Found>> = BTreeMap::new();
    for one in found {
        let handle = Handle { node: one.labelled.node.clone(), pause: one.pause().to_owned() };
        by_node.entry(handle).or_default().push(one);
    }
    by_node.into_iter().map(|(handle, members)| node(&handle, &members, access)).collect()
}

fn node(handle: &Handle, members: &[&Found], access: Access) -> NodeSeen {
    let pause = members.iter().find(|one| one.labelled.container.is_none() && one.is_running());
    let containers: BTreeMap<String, ContainerSeen> =
        members.iter().filter_map(|one| Some((one.labelled.container.clone()?, one.seen()))).collect();
    // Containers that joined before the pause container was restarted are in a namespace that nothing reaches.
    let joined = |pause: &Found| {
        let others = members.iter().filter(|one| one.labelled.container.is_some() && one.is_running());
        others.into_iter().all(|one| one.started() >= pause.started())
    };
    // A start ends only when all containers run. A container that never ran is from an interrupted start.
    let whole = pause.filter(|pause| joined(pause) && !members.iter().any(|one| one.never_ran()));
    NodeSeen {
        handle: handle.to_public(),
        name: handle.node.clone(),
        service_id: members.first().and_then(|one| one.labelled.service_id.clone()),
        spec: members.first().map(|one| one.labelled.spec.clone()).unwrap_or_default(),
        is_whole: whole.is_some(),
        containers,
        addresses: whole.map(|pause| addresses(&pause.shown, access)).unwrap_or_default(),
    }
}

/// The address of each TCP port of a pause container.
fn addresses(pause: &Shown, access: Access) -> BTreeMap<u16, SocketAddr> {
    let settings = &pause.network_settings;
    let bridge = settings.networks.iter().flatten().find_map(|(_, endpoint)| {
        let address: IpAddr = endpoint.address.parse().ok()?;
        let gateway: IpAddr = endpoint.gateway.parse().ok()?;
        (access == Access::Direct && is_this_machine(gateway)).then_some(address)
    });
    let ports = settings.ports.iter().flatten().filter_map(|(port, bindings)| {
        let port: u16 = port.strip_suffix("/tcp")?.parse().ok()?;
        if let Some(bridge) = bridge {
            return Some((port, SocketAddr::new(bridge, port)));
        }
        let binding = bindings.iter().flatten().next()?;
        let address: IpAddr = binding.host_ip.parse().ok()?;
        Some((port, SocketAddr::new(address, binding.host_port.parse().ok()?)))
    });
    ports.collect()
}

/// Whether an address belongs to this machine. Then the bridge with that address is on this machine too.
fn is_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NodeName;

    fn found(container: Option<&str>, status: &str) -> Found {
        let node = NodeName { tenant: "1/r".into(), service: "web".into(), version: 7, ordinal: 0 };
        let labelled =
            Labelled { node, container: container.map(str::to_owned), service_id: None, spec: "s".into() };
        let id = container.unwrap_or("pause").to_owned();
        let mode = if container.is_some() { "container:pause" } else { "net" };
        let shown = json!({
            "Id": id,
            "State": { "Status": status, "Running": status == "running", "StartedAt": "2026-01-01T00:00:00Z" },
            "HostConfig": { "NetworkMode": mode },
        });
        Found { id, labelled, shown: serde_json::from_value(shown).unwrap() }
    }

    #[test]
    fn a_node_whose_start_was_cut_off_is_not_whole() {
        for (pause, app, is_whole) in [
            ("running", "running", true),
            ("running", "exited", true),
            ("running", "created", false),
            ("exited", "running", false),
            ("created", "created", false),
        ] {
            let nodes = nodes(&[found(None, pause), found(Some("app"), app)], Access::Published);
            assert_eq!(nodes.len(), 1);
            assert_eq!(nodes[0].is_whole, is_whole, "{pause} {app}");
        }
    }
}
