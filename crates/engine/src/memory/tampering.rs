//! Changes to a machine that its engine did not make, and what a test can see of the machine.

use super::Machine;
use crate::{ContainerState, NodeName};

impl Machine {
    /// Makes a container print a line.
    pub fn print(&self, node: &NodeName, container: &str, line: &str) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.print(container, line.as_bytes());
        }
    }

    /// Makes a container end now.
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

    /// Destroys a node's network namespace. Its containers keep running, out of reach.
    pub fn break_node(&self, node: &NodeName) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.is_whole = false;
        }
        self.changed();
    }

    /// Removes a container from a node, as if the server had stopped before making it.
    pub fn cut_start(&self, node: &NodeName, container: &str) {
        for one in self.state().nodes.values_mut().filter(|one| one.name() == node) {
            one.containers.remove(container);
        }
        self.changed();
    }

    /// Removes a node, as another program would.
    pub fn vanish(&self, node: &NodeName) {
        self.state().nodes.retain(|_, one| one.name() != node);
        self.changed();
    }

    /// Reboots the machine: nothing runs afterwards, and all containers are still listed.
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

    /// Makes images with this text in their names impossible to pull.
    pub fn lose_image(&self, part: &str) {
        let mut state = self.state();
        state.images.retain(|(_, image)| !image.contains(part));
        state.missing.push(part.to_owned());
    }

    /// Adds an image that no engine brought, by the name with which containers are started.
    pub fn add_image(&self, name: &str) {
        self.state().images.insert((String::new(), name.to_owned()));
    }

    /// The images that the machine has.
    pub fn images(&self) -> Vec<String> {
        self.state().images.iter().map(|(_, image)| image.clone()).collect()
    }

    /// The names of all nodes, of every owner. A name is in the list once for each node.
    pub fn node_names(&self) -> Vec<NodeName> {
        self.state().nodes.values().map(|node| node.name().clone()).collect()
    }
}
