//! The handle of a node: its name and the id of its pause container. No later node of that name has the same id.

use crate::{EngineError, NodeHandle, NodeName, Result};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle {
    pub(super) node: NodeName,
    pub(super) pause: String,
}

impl Handle {
    pub(super) fn to_public(&self) -> NodeHandle {
        let NodeName { tenant, service, version, ordinal } = &self.node;
        NodeHandle(
            [tenant, service, &version.to_string(), &ordinal.to_string(), &self.pause]
                .map(String::as_str)
                .join("\n"),
        )
    }

    pub(super) fn read(handle: &NodeHandle) -> Result<Self> {
        let parts: Vec<&str> = handle.0.split('\n').collect();
        let [tenant, service, version, ordinal, pause] = parts[..] else { return Err(EngineError::NoNode) };
        let (Ok(version), Ok(ordinal)) = (version.parse(), ordinal.parse()) else {
            return Err(EngineError::NoNode);
        };
        let node = NodeName { tenant: tenant.to_owned(), service: service.to_owned(), version, ordinal };
        Ok(Self { node, pause: pause.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_read_as_they_are_written() {
        let node = NodeName { tenant: "1/r".into(), service: "web".into(), version: 7, ordinal: 2 };
        let handle = Handle { node, pause: "abc".into() };
        assert_eq!(Handle::read(&handle.to_public()), Ok(handle));
        for wrong in ["", "abc", "a\nb\nc\nd\ne"] {
            assert_eq!(Handle::read(&NodeHandle(wrong.into())), Err(EngineError::NoNode));
        }
    }
}
