//! A node of a machine, and its containers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::machine::{State, now};
use super::{Behaviour, Machine};
use crate::seam::{LINES, NotedLine, Seam};
use crate::{
    ContainerSeen, ContainerState, EngineError, Line, NodeHandle, NodeName, NodeSeen, NodeSpec, Output, Pipe,
    Result, Usage,
};

/// A node. Its listeners close with it.
pub(super) struct Node {
    pub(super) owner: String,
    pub(super) spec: NodeSpec,
    pub(super) is_whole: bool,
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) addresses: BTreeMap<u16, SocketAddr>,
    pub(super) listeners: Vec<AbortHandle>,
    pub(super) reader: Option<Reader>,
}

/// The reader of a node's output.
pub(super) struct Reader {
    /// The number of the engine.
    pub(super) engine: u64,
    pub(super) output: Arc<dyn Output>,
}

/// A container.
pub(super) struct Container {
    pub(super) state: ContainerState,
    pub(super) run: u64,
    pub(super) since: Instant,
    pub(super) behaviour: Behaviour,
    /// Its output, with times.
    log: Vec<NotedLine>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.listeners.iter().for_each(AbortHandle::abort);
    }
}

impl Container {
    /// A container that has not run yet.
    pub(super) fn new() -> Self {
        Self {
            state: ContainerState::Starting(None),
            run: 0,
            since: Instant::now(),
            behaviour: Behaviour::runs(),
            log: Vec::new(),
        }
    }

    /// Whether its ports are open now.
    pub(super) fn is_listening(&self) -> bool {
        self.state == ContainerState::Running && self.since.elapsed() >= self.behaviour.silent_for
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        let nanoseconds = self.since.elapsed().as_secs_f64() * 1e9 * self.behaviour.cpus;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts for tests")]
        let processor = nanoseconds as u64;
        (self.state == ContainerState::Running).then_some(Usage { processor, memory: self.behaviour.memory })
    }
}

impl Node {
    pub(super) fn name(&self) -> &NodeName {
        &self.spec.name
    }

    pub(super) fn seen(&self, handle: &str) -> NodeSeen {
        let seen = |container: &Container| ContainerSeen {
            state: container.state.clone(),
            run: container.run.to_string(),
        };
        NodeSeen {
            handle: NodeHandle(handle.to_owned()),
            name: self.spec.name.clone(),
            service_id: Some(self.spec.service_id.clone()),
            spec: self.spec.hash(),
            is_whole: self.is_whole,
            containers: self.containers.iter().map(|(name, one)| (name.clone(), seen(one))).collect(),
            addresses: if self.is_whole { self.addresses.clone() } else { BTreeMap::new() },
        }
    }

    /// Whether it is the node that a start would make.
    pub(super) fn is_already(&self, owner: &str, spec: &NodeSpec) -> bool {
        self.owner == owner
            && self.spec == *spec
            && self.is_whole
            && self.containers.keys().eq(spec.containers.keys())
            && self.containers.values().all(|one| one.state == ContainerState::Running)
    }

    /// Keeps a line of a container, and hands it to the reader.
    pub(super) fn print(&mut self, container: &str, text: &[u8]) {
        let Some(one) = self.containers.get_mut(container) else { return };
        let (pipe, text) = (Pipe::Output, text.to_vec());
        one.log.push(NotedLine { at: now(), pipe, text: text.clone() });
        if let Some(reader) = &self.reader {
            reader.output.line(&self.spec.name, container, Line { at: None, pipe, text });
        }
    }

    /// Hands over the lines that nobody has read, and keeps reading.
    pub(super) fn read_on(&mut self, engine: u64, output: &Arc<dyn Output>) {
        if self.reader.as_ref().is_some_and(|reader| reader.engine == engine) {
            return;
        }
        for (container, one) in &self.containers {
            let seam = Seam::after(output.kept(&self.spec.name, container, LINES));
            for NotedLine { at, pipe, text } in seam.new_lines(one.log.clone()) {
                output.line(&self.spec.name, container, Line { at: Some(at), pipe, text });
            }
        }
        self.reader = Some(Reader { engine, output: Arc::clone(output) });
    }
}

impl State {
    pub(super) fn node(&mut self, handle: &str) -> Result<&mut Node> {
        self.nodes.get_mut(handle).ok_or(EngineError::NoNode)
    }
}

impl Machine {
    /// Starts a container that is not running.
    pub(super) fn run(&self, handle: &str, container: &str) -> Result<()> {
        let run = self.next();
        let ends = {
            let mut state = self.state();
            let program = Arc::clone(&state.program);
            let node = state.node(handle)?;
            let wanted = node.spec.containers.get(container).ok_or(EngineError::NoNode)?;
            let behaviour = program(node.name(), container, wanted);
            if let Some(reason) = &behaviour.refused {
                return Err(EngineError::Refused(format!("{container}: {reason}")));
            }
            let one = node.containers.get_mut(container).ok_or(EngineError::NoNode)?;
            if one.state == ContainerState::Running {
                return Ok(());
            }
            one.state = ContainerState::Running;
            one.run = run;
            one.since = Instant::now();
            one.behaviour = behaviour.clone();
            for line in &behaviour.prints {
                node.print(container, line.as_bytes());
            }
            behaviour.ends
        };
        self.changed();
        if let Some(end) = ends {
            let (handle, container) = (handle.to_owned(), container.to_owned());
            self.later(end.after, move |machine| {
                let state = ContainerState::Exited { status: end.status, out_of_memory: end.out_of_memory };
                machine.end_run(&handle, &container, run, state);
            });
        }
        Ok(())
    }

    /// Ends a run of a container in a state, if it still continues.
    pub(super) fn end_run(&self, handle: &str, container: &str, run: u64, state: ContainerState) {
        if let Ok(node) = self.state().node(handle)
            && let Some(one) = node.containers.get_mut(container)
            && one.run == run
            && one.state == ContainerState::Running
        {
            one.state = state;
        }
        self.changed();
    }
}
