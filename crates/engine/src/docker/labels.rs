//! The labels on everything that we make. They are an interface: people and programs filter by them.

use std::collections::HashMap;

use crate::{NodeName, NodeSpec};

const OWNER: &str = "dev.gangplank.owner";
pub(super) const TENANT: &str = "dev.gangplank.tenant";
pub(super) const SERVICE: &str = "dev.gangplank.service";
const DEPLOYMENT: &str = "dev.gangplank.deployment";
const NODE: &str = "dev.gangplank.node";
/// Missing on a pause container.
const CONTAINER: &str = "dev.gangplank.container";
const SERVICE_ID: &str = "dev.gangplank.service-id";
const SPEC: &str = "dev.gangplank.spec";

/// The labels of a container, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labelled {
    /// Its node.
    pub(super) node: NodeName,
    /// Its name in the node; `None` for the pause container.
    pub(super) container: Option<String>,
    /// The id of its service. Missing on containers that an earlier version of the program made.
    pub(super) service_id: Option<String>,
    /// The hash of the specification that its node was made from.
    pub(super) spec: String,
}

/// The labels of a container of a node.
pub(super) fn of_container(owner: &str, spec: &NodeSpec, container: Option<&str>) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> =
        of_node(owner, &spec.name).map(|(name, value)| (name.to_owned(), value)).into();
    labels.insert(SERVICE_ID.to_owned(), spec.service_id.clone());
    labels.insert(SPEC.to_owned(), spec.hash());
    labels.extend(container.map(|container| (CONTAINER.to_owned(), container.to_owned())));
    labels
}

fn of_node(owner: &str, node: &NodeName) -> [(&'static str, String); 5] {
    [
        (OWNER, owner.to_owned()),
        (TENANT, node.tenant.clone()),
        (SERVICE, node.service.clone()),
        (DEPLOYMENT, node.version.to_string()),
        (NODE, node.ordinal.to_string()),
    ]
}

/// The labels of a tenant's network.
pub(super) fn of_network(owner: &str, tenant: &str) -> HashMap<String, String> {
    [(OWNER.to_owned(), owner.to_owned()), (TENANT.to_owned(), tenant.to_owned())].into()
}

/// Parses the labels of a container. `None` if it has another owner.
pub(super) fn read(owner: &str, labels: &HashMap<String, String>) -> Option<Labelled> {
    let text = |name: &str| labels.get(name).cloned();
    if text(OWNER)? != owner {
        return None;
    }
    Some(Labelled {
        node: NodeName {
            tenant: text(TENANT)?,
            service: text(SERVICE)?,
            version: text(DEPLOYMENT)?.parse().ok()?,
            ordinal: text(NODE)?.parse().ok()?,
        },
        container: text(CONTAINER),
        service_id: text(SERVICE_ID),
        spec: text(SPEC)?,
    })
}

/// A filter for an owner's label and these labels.
pub(super) fn filter(owner: &str, more: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    let owned = format!("{OWNER}={owner}");
    let more = more.iter().map(|(name, value)| format!("{name}={value}"));
    [("label".to_owned(), std::iter::once(owned).chain(more).collect())].into()
}

/// A filter for the containers of a node.
pub(super) fn node_filter(owner: &str, node: &NodeName) -> HashMap<String, Vec<String>> {
    let labels = of_node(owner, node);
    [("label".to_owned(), labels.map(|(name, value)| format!("{name}={value}")).into())].into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec() -> NodeSpec {
        NodeSpec {
            name: NodeName { tenant: "1/r".into(), service: "web".into(), version: 7, ordinal: 2 },
            service_id: "s".into(),
            containers: BTreeMap::new(),
            cpus: 0.25,
            memory: 1 << 29,
        }
    }

    #[test]
    fn labels_are_read_as_they_are_written() {
        let labels = of_container("me", &spec(), Some("app"));
        assert_eq!(labels.len(), 8);
        assert_eq!(labels["dev.gangplank.deployment"], "7");
        let read_back = read("me", &labels).unwrap();
        assert_eq!(read_back.node, spec().name);
        assert_eq!(read_back.container.as_deref(), Some("app"));
        assert_eq!(read_back.service_id.as_deref(), Some("s"));
        assert_eq!(read_back.spec, spec().hash());
        assert_eq!(read("other", &labels), None);
    }

    #[test]
    fn a_pause_container_has_no_container_label() {
        let labels = of_container("me", &spec(), None);
        assert!(!labels.contains_key("dev.gangplank.container"));
        assert_eq!(read("me", &labels).unwrap().container, None);
    }
}
