//! Keeps the output of containers, as a server does.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use gangplank_engine::{KeptLine, Line, NodeName, Output};

/// The output, in order. This record outlives engines, as a server's logs do.
#[derive(Default)]
pub(crate) struct Recorder {
    lines: Mutex<Vec<(NodeName, String, KeptLine)>>,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A recorder that knows the first lines of a container, copied from another one. It received them later by
    /// some milliseconds.
    pub(crate) fn with(node: &NodeName, container: &str, other: &Self, known: usize, late: i64) -> Arc<Self> {
        let lines = other.lines.lock().unwrap();
        let mut own: Vec<_> = lines
            .iter()
            .filter(|(one, name, _)| one == node && name == container)
            .take(known)
            .cloned()
            .collect();
        for (_, _, line) in &mut own {
            line.at += late;
        }
        Arc::new(Self { lines: Mutex::new(own) })
    }

    /// Whether no line of a container has an earlier time than a line before it.
    pub(crate) fn is_in_order(&self, node: &NodeName, container: &str) -> bool {
        let lines = self.lines.lock().unwrap();
        let own = lines.iter().filter(|(one, name, _)| one == node && name == container);
        own.map(|(_, _, line)| line.at).is_sorted()
    }

    /// The lines of a container.
    pub(crate) fn lines(&self, node: &NodeName, container: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        let own = lines.iter().filter(|(one, name, _)| one == node && name == container);
        own.map(|(_, _, line)| String::from_utf8_lossy(&line.text).into_owned()).collect()
    }

    /// The bytes of a container's lines.
    pub(crate) fn bytes(&self, node: &NodeName, container: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        let own = lines.iter().filter(|(one, name, _)| one == node && name == container);
        own.map(|(_, _, line)| line.text.len() + 1).sum()
    }

    /// Waits until the lines of a container are the expected ones.
    pub(crate) async fn wait_for(
        &self,
        node: &NodeName,
        container: &str,
        is_it: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        let began = Instant::now();
        loop {
            let lines = self.lines(node, container);
            if is_it(&lines) {
                return lines;
            }
            let last = lines.len().saturating_sub(5);
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{container} printed {} lines, at the end {:?}",
                lines.len(),
                &lines[last..]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Output for Recorder {
    fn line(&self, node: &NodeName, container: &str, line: Line) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let at = line.at.map_or(i64::try_from(now).unwrap(), |at| at / 1_000_000);
        let kept = KeptLine { at, pipe: line.pipe, text: line.text };
        self.lines.lock().unwrap().push((node.clone(), container.to_owned(), kept));
    }

    fn kept(&self, node: &NodeName, container: &str, count: usize) -> Vec<KeptLine> {
        let lines = self.lines.lock().unwrap();
        let own = lines.iter().filter(|(one, name, _)| one == node && name == container);
        let own: Vec<_> = own.map(|(_, _, line)| line.clone()).collect();
        own[own.len().saturating_sub(count)..].to_vec()
    }
}
