//! Translates a deployment into the spec of its nodes.

use std::collections::BTreeMap;

use gangplank_core::deployment::{Protocol, Spec};
use gangplank_core::power::Room;
use gangplank_engine as engine;
use gangplank_engine::{ContainerSpec, NodeName, NodeSpec};
use gangplank_store::metadata::deployments::{DeployedService, Deployment};

use super::images::References;

/// The spec of one node of a deployment, with the present power of the service.
pub(super) fn node(
    of: &DeployedService,
    deployment: &Deployment,
    spec: &Spec,
    references: &References,
) -> NodeSpec {
    let containers = spec.containers.iter().filter_map(|(name, container)| {
        let container = ContainerSpec {
            image: references.get(name)?.clone(),
            command: container.command.clone(),
            environment: container.environment.0.clone(),
            ports: container.ports.iter().map(|(&port, &protocol)| (port, transport(protocol))).collect(),
        };
        Some((name.clone(), container))
    });
    let Room { cpus, memory } = of.service.power.room(1);
    NodeSpec {
        name: NodeName {
            tenant: tenant(of),
            service: of.service.name.clone(),
            version: deployment.version,
            ordinal: 0,
        },
        service_id: of.service.uuid.clone(),
        containers: containers.collect::<BTreeMap<_, _>>(),
        cpus,
        memory,
    }
}

/// The label of a tenant on its nodes.
pub(super) fn tenant(of: &DeployedService) -> String {
    format!("{}/{}", of.tenant.account, of.tenant.region)
}

fn transport(protocol: Protocol) -> engine::Protocol {
    match protocol {
        Protocol::Http | Protocol::Https | Protocol::Tcp => engine::Protocol::Tcp,
        Protocol::Udp => engine::Protocol::Udp,
    }
}
