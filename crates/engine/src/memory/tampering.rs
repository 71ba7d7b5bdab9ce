//! What happens to a machine behind an engine's back, and what a test sees of it.

use super::Machine;
use crate::{ContainerState, NodeName};

impl Machine {
    /// Lets a container print a line.
    pub fn print(&self, node: &NodeName, container: &str, line: &str) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.print(container, line.as_bytes());
        }
    }

    /// Lets a container end now.
    pub fn end(&self, node: &NodeName, container: &str, status: i64) {
        let found: Vec<_> = {
            let state = self.state();
            let named = state.nodes.iter().filter(|(_, one)| one.name() == node);
            named
                .filter_map(|(handle, one)| Some((handle.clone(), one.containers.get(container)?.run)))
                .collect()
        };
        for (handle, run) in found {
            let state = ContainerState::Exited { status, out_of_memory: false };
            self.end_run(&handle, container, run, state);
        }
    }

    /// Takes a node's network namespace away. Its containers run on, out of reach.
    pub fn break_node(&self, node: &NodeName) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.is_whole = false;
        }
        self.changed();
    }

    /// Takes a container out of a node, as if the server had ended before it was made.
    pub fn cut_start(&self, node: &NodeName, container: &str) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.containers.remove(container);
        }
        self.changed();
    }

    /// Removes a node as somebody else would.
    pub fn vanish(&self, node: &NodeName) {
        self.state().nodes.retain(|_, one| one.name() != node);
        self.changed();
    }

    /// Restarts: nothing runs after it, and what ran is still listed.
    pub fn reboot(&self) {
        for node in self.state().nodes.values_mut() {
            node.is_whole = false;
            node.reader = None;
            for one in node.containers.values_mut().filter(|one| one.state == ContainerState::Running) {
                one.state = ContainerState::Exited { status: 137, out_of_memory: false };
            }
        }
        self.changed();
    }

    /// Lets images whose name contains this be pulled no more; there is none.
    pub fn lose_image(&self, part: &str) {
        let mut state = self.state();
        state.images.retain(|(_, image)| !image.contains(part));
        state.missing.push(part.to_owned());
    }

    /// Lets the machine have an image that no engine brought, by the name that containers are started by.
    pub fn add_image(&self, name: &str) {
        self.state().images.insert((String::new(), name.to_owned()));
    }

    /// The images that the machine has.
    pub fn images(&self) -> Vec<String> {
        self.state().images.iter().map(|(_, image)| image.clone()).collect()
    }

    /// The names of all nodes, of every owner; one that is there twice is twice in it.
    pub fn node_names(&self) -> Vec<NodeName> {
        self.state().nodes.values().map(|node| node.name().clone()).collect()
    }
}
