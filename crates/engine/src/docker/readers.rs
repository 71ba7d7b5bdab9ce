//! Reads the output of containers. Each has a task, which is attached before the container starts. The task never
//! waits: a container stands still if nobody reads its output.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::query_parameters::AttachContainerOptionsBuilder;
use futures_util::{Stream, StreamExt as _};
use tokio::task::AbortHandle;

use super::catching_up::CaughtUp;
use super::client::Client;
use super::failure::Trouble;
use super::lines::Lines;
use super::shown;
use crate::{Line, NodeName, Output, Pipe};

/// A container's output may have ended although the container seems to run. How often its state is then read
/// again, and the pause in between.
const SECOND_LOOKS: (u32, Duration) = (20, Duration::from_millis(100));
/// The first and the longest pause before a reader tries again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// How long a reader may continue after its container has ended.
const LINGERS: Duration = Duration::from_secs(5);

/// The output of a container, as a stream.
pub(super) type Printed =
    std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>;

/// The container whose output is read.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) id: String,
    pub(super) node: NodeName,
    pub(super) container: String,
}

/// Whether a container may still print something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    Ended,
}

impl Life {
    pub(super) fn of(is_running: bool) -> Self {
        if is_running { Self::Running } else { Self::Ended }
    }
}

/// The readers of an engine.
pub(super) struct Readers {
    pub(super) client: Arc<Client>,
    pub(super) output: Arc<dyn Output>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The readers, by the ids of their containers.
    readers: HashMap<String, Reader>,
    /// Containers that have ended and whose output was read completely.
    done: HashSet<String>,
}

struct Reader {
    node: NodeName,
    /// The reader's task. `None` while it catches up for the first time.
    task: Option<AbortHandle>,
}

impl Readers {
    pub(super) fn new(client: Arc<Client>, output: Arc<dyn Output>) -> Arc<Self> {
        Arc::new(Self { client, output, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all readers. Their containers are not touched.
    pub(super) fn stop(&self) {
        for (_, reader) in self.state().readers.drain() {
            reader.task.iter().for_each(AbortHandle::abort);
        }
    }

    /// The nodes whose output is being read.
    pub(super) fn nodes(&self) -> Vec<NodeName> {
        let names: BTreeSet<_> = self.state().readers.values().map(|reader| reader.node.clone()).collect();
        names.into_iter().collect()
    }

    /// Forgets containers that no longer exist.
    pub(super) fn forget(&self, is_there: impl Fn(&str) -> bool) {
        self.state().done.retain(|id| is_there(id));
    }

    /// Attaches to a container that is about to start.
    pub(super) async fn attach(self: &Arc<Self>, who: Who) -> Result<(), Trouble> {
        self.wait_for_last(&who.id).await;
        let printed = self.open(&who.id).await?;
        self.state().done.remove(&who.id);
        self.spawn(who, CaughtUp { printed, lines: Lines::default() });
        Ok(())
    }

    /// Reads a container that was started before, by this run of the server or an earlier one. Does nothing if it is
    /// already read.
    pub(super) async fn adopt(self: &Arc<Self>, who: Who, life: Life) -> Result<(), Trouble> {
        {
            let mut state = self.state();
            if state.readers.contains_key(&who.id) || (life == Life::Ended && state.done.contains(&who.id)) {
                return Ok(());
            }
            state.done.remove(&who.id);
            state.readers.insert(who.id.clone(), Reader { node: who.node.clone(), task: None });
        }
        match self.catch_up(&who, life).await {
            Ok(Some(caught_up)) => {
                self.spawn(who, caught_up);
                Ok(())
            }
            Ok(None) => {
                self.finish(&who.id);
                Ok(())
            }
            Err(trouble) => {
                self.state().readers.remove(&who.id);
                Err(trouble)
            }
        }
    }

    /// Attaches to a container. Returns its output from now on.
    pub(super) async fn open(&self, id: &str) -> Result<Printed, Trouble> {
        let options = AttachContainerOptionsBuilder::new().stream(true).stdout(true).stderr(true).build();
        let attached = self
            .client
            .call(|engine| async move { engine.attach_container(id, Some(options)).await })
            .await?;
        let AttachContainerResults { output, .. } = attached;
        Ok(output)
    }

    pub(super) fn hand_over(&self, who: &Who, line: Line) {
        self.output.line(&who.node, &who.container, line);
    }

    /// Records that the whole output of a container was read.
    fn finish(&self, id: &str) {
        let mut state = self.state();
        state.readers.remove(id);
        state.done.insert(id.to_owned());
    }

    async fn wait_for_last(&self, id: &str) {
        let waiting = async {
            while self.state().readers.contains_key(id) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(LINGERS, waiting).await.is_err()
            && let Some(reader) = self.state().readers.remove(id)
        {
            reader.task.iter().for_each(AbortHandle::abort);
        }
    }

    fn spawn(self: &Arc<Self>, who: Who, caught_up: CaughtUp) {
        let mut state = self.state();
        let (id, node) = (who.id.clone(), who.node.clone());
        let task = tokio::spawn(Arc::clone(self).follow(who, caught_up)).abort_handle();
        state.readers.insert(id, Reader { node, task: Some(task) });
    }

    /// Reads until the container has ended.
    async fn follow(self: Arc<Self>, who: Who, mut from: CaughtUp) {
        let mut pause = PAUSES.0;
        loop {
            let mut take = |pipe, text| self.hand_over(&who, Line { at: None, pipe, text });
            while let Some(Ok(piece)) = from.printed.next().await {
                let (pipe, piece) = Pipe::of(piece);
                from.lines.push(pipe, &piece, &mut take);
                pause = PAUSES.0;
            }
            if self.has_ended(&who.id).await {
                from.lines.finish(&mut take);
                return self.finish(&who.id);
            }
            // The connection was cut. The beginning of an incomplete line comes again with the whole line.
            from = loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
                let life = match self.is_running(&who.id).await {
                    Ok(is_running) => Life::of(is_running),
                    Err(Trouble::Away(_)) => continue,
                    Err(Trouble::Answer { .. }) => return self.finish(&who.id),
                };
                match self.catch_up(&who, life).await {
                    Ok(Some(caught_up)) => break caught_up,
                    Ok(None) => return self.finish(&who.id),
                    Err(trouble) => tracing::debug!(container = %who.id, %trouble, "cannot read on"),
                }
            };
        }
    }

    /// Whether the container has ended, or only the connection to it was cut. The output ends a moment before the
    /// container's state changes.
    async fn has_ended(&self, id: &str) -> bool {
        for _ in 0..SECOND_LOOKS.0 {
            match self.is_running(id).await {
                Ok(true) => tokio::time::sleep(SECOND_LOOKS.1).await,
                Ok(false) | Err(Trouble::Answer { .. }) => return true,
                Err(Trouble::Away(_)) => return false,
            }
        }
        false
    }

    async fn is_running(&self, id: &str) -> Result<bool, Trouble> {
        Ok(shown::look(&self.client, id).await?.is_some_and(|shown| shown.state.running))
    }
}
