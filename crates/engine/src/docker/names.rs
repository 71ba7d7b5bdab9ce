//! The names of containers and networks. They are for people; the program finds everything by labels.

use sha2::{Digest as _, Sha256};

use crate::NodeName;

/// The name of a container of a node, or of its pause container.
pub(super) fn of_container(node: &NodeName, container: Option<&str>) -> String {
    let name = format!("gp-{}-{}-{}", node.service, node.version, node.ordinal);
    container.map_or(name.clone(), |container| format!("{name}-{container}"))
}

/// A second name, for the case that somebody else has the first one, such as another tenant's service.
pub(super) fn of_container_otherwise(owner: &str, node: &NodeName, container: Option<&str>) -> String {
    let who = format!("{owner}\n{node:?}\n{container:?}");
    format!("{}-{}", of_container(node, container), short_hash(&who))
}

/// The name of a tenant's network.
pub(super) fn of_network(owner: &str, tenant: &str) -> String {
    let tenant_word: String =
        tenant.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).take(40).collect();
    format!("gp-{tenant_word}-{}", short_hash(&format!("{owner}\n{tenant}")))
}

fn short_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(tenant: &str) -> NodeName {
        NodeName { tenant: tenant.into(), service: "web".into(), version: 7, ordinal: 0 }
    }

    #[test]
    fn names_say_service_version_node_and_container() {
        assert_eq!(of_container(&node("t"), Some("app")), "gp-web-7-0-app");
        assert_eq!(of_container(&node("t"), None), "gp-web-7-0");
    }

    #[test]
    fn names_of_other_tenants_and_owners_differ() {
        let names = [
            of_container_otherwise("a", &node("t"), Some("app")),
            of_container_otherwise("b", &node("t"), Some("app")),
            of_container_otherwise("a", &node("u"), Some("app")),
        ];
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        assert_ne!(of_network("a", "1/r"), of_network("b", "1/r"));
        assert_ne!(of_network("a", "1/r"), of_network("a", "1-r"));
    }
}
