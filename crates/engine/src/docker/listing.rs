//! What the engine shows, read into nodes.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use futures_util::{StreamExt as _, stream};

use super::client::Client;
use super::failure::Trouble;
use super::handle::Handle;
use super::labels::{self, Labelled};
use super::shown::{self, Shown};
use crate::{ContainerSeen, ContainerState, NodeSeen};

/// Containers that are looked at at a time.
const LOOKS: usize = 8;

/// A container of ours.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) labelled: Labelled,
    pub(super) shown: Shown,
}

/// The containers that a filter finds. One that goes while it is looked at is not among them.
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
    /// The id of the pause container of its node.
    pub(super) fn pause(&self) -> &str {
        if self.labelled.container.is_none() {
            return &self.id;
        }
        self.shown.host_config.network_mode.strip_prefix("container:").unwrap_or_default()
    }

    pub(super) fn is_running(&self) -> bool {
        self.shown.state.running
    }

    fn started(&self) -> Option<jiff::Timestamp> {
        self.shown.state.started_at.parse().ok()
    }

    fn seen(&self) -> ContainerSeen {
        let state = &self.shown.state;
        let seen = if state.running {
            ContainerState::Running
        } else if ["created", "configured", "initialized"].contains(&state.status.as_str()) {
            ContainerState::Starting(Some(state.error.clone()).filter(|reason| !reason.is_empty()))
        } else {
            ContainerState::Exited { status: state.exit_code, out_of_memory: state.is_out_of_memory }
        };
        // The engine's words, which change with each start.
        ContainerSeen { state: seen, run: state.started_at.clone() }
    }
}

/// Puts containers together into nodes. `is_near` says whether this machine may be on the engine's networks.
pub(super) fn nodes(found: &[Found], is_near: bool) -> Vec<NodeSeen> {
    let mut by_node: BTreeMap<Handle, Vec<&Found>> = BTreeMap::new();
    for one in found {
        let handle = Handle { node: one.labelled.node.clone(), pause: one.pause().to_owned() };
        by_node.entry(handle).or_default().push(one);
    }
    by_node.into_iter().map(|(handle, members)| node(&handle, &members, is_near)).collect()
}

fn node(handle: &Handle, members: &[&Found], is_near: bool) -> NodeSeen {
    let pause = members.iter().find(|one| one.labelled.container.is_none() && one.is_running());
    let containers: BTreeMap<String, ContainerSeen> =
        members.iter().filter_map(|one| Some((one.labelled.container.clone()?, one.seen()))).collect();
    // What joined before the pause container was started again is in a namespace that nobody reaches.
    let joined = |pause: &Found| {
        let others = members.iter().filter(|one| one.labelled.container.is_some() && one.is_running());
        others.into_iter().all(|one| one.started() >= pause.started())
    };
    // A start that was cut short made it, and nobody will run it.
    let was_run = containers.values().all(|one| !matches!(one.state, ContainerState::Starting(_)));
    let whole = pause.filter(|pause| joined(pause) && was_run);
    NodeSeen {
        handle: handle.to_public(),
        name: handle.node.clone(),
        spec: members.first().map(|one| one.labelled.spec.clone()).unwrap_or_default(),
        is_whole: whole.is_some(),
        containers,
        addresses: whole.map(|pause| addresses(&pause.shown, is_near)).unwrap_or_default(),
    }
}

/// Where each TCP port of a pause container is reached.
fn addresses(pause: &Shown, is_near: bool) -> BTreeMap<u16, SocketAddr> {
    let settings = &pause.network_settings;
    let bridge = settings.networks.iter().flatten().find_map(|(_, endpoint)| {
        let address: IpAddr = endpoint.address.parse().ok()?;
        let gateway: IpAddr = endpoint.gateway.parse().ok()?;
        (is_near && is_this_machine(gateway)).then_some(address)
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

/// Whether an address is one of this machine's: then the bridge that has it is here too.
fn is_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
