//! Measures once a minute how much of its processors and memory each service uses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use gangplank_core::ServiceId;
use gangplank_engine::{Engine, EngineError, NodeHandle, Usage};
use gangplank_store::metadata::metric_points::Sample;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Next};
use crate::app::App;

/// The time from one sample of a service to the next.
const MINUTE: Duration = Duration::from_mins(1);

/// The time from one round to the next. A new node needs a first reading a minute before its first sample.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// How long an engine may take to report the usage of one node.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many nodes are measured at the same time.
const AT_ONCE: usize = 8;

/// The shortest time between two readings that gives a meaningful share.
const SHORTEST: Duration = Duration::from_secs(1);

/// A serving node and its limits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunningNode {
    /// The service of the node.
    pub(crate) service: ServiceId,
    /// Processors that it may use.
    pub(crate) cpus: f64,
    /// Bytes of memory that it may use.
    pub(crate) memory: u64,
    /// The engine's name for the node.
    pub(crate) handle: NodeHandle,
}

pub(super) struct Measure {
    app: Arc<App>,
    engine: Arc<dyn Engine>,
    sampler: Sampler,
}

impl Measure {
    /// A job that measures the nodes of an engine.
    pub(super) fn of(engine: &Arc<dyn Engine>, app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), engine: Arc::clone(engine), sampler: Sampler::default() }
    }
}

#[async_trait]
impl Job for Measure {
    async fn round(&mut self, _: &CancellationToken) -> anyhow::Result<Next> {
        let due = self.sampler.due(Instant::now(), self.app.deployer.running());
        let usage = |node: NodeHandle| {
            let engine = Arc::clone(&self.engine);
            async move { engine.usage(&node).await }
        };
        let used = ask(due, usage).await;
        let samples = self.sampler.take(Instant::now(), used);
        if !samples.is_empty() {
            let kept = self.app.metadata.add_samples(self.app.clock.now(), samples).await;
            kept.context("cannot keep what services use; this minute is left out")?;
        }
        Ok(Next::AsListed)
    }
}

/// Asks for the usage of nodes. Nodes without an answer are left out.
async fn ask<F>(nodes: Vec<RunningNode>, usage: impl Fn(NodeHandle) -> F) -> Vec<(RunningNode, Usage)>
where
    F: Future<Output = gangplank_engine::Result<Option<Usage>>> + Send + 'static,
{
    let mut used = Vec::new();
    for some in nodes.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for node in some.iter().cloned() {
            let usage = tokio::time::timeout(PATIENCE, usage(node.handle.clone()));
            asked.spawn(async move { (node, usage.await) });
        }
        let mut is_away = false;
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok((node, Ok(Ok(Some(usage))))) => used.push((node, usage)),
                Ok((_, Err(_) | Ok(Err(EngineError::Away(_))))) => is_away = true,
                // The node ended a moment ago, for example.
                _ => {}
            }
        }
        // If the engine does not answer, the other nodes would time out, too.
        if is_away {
            break;
        }
    }
    used
}

/// Makes samples from two readings of each node.
#[derive(Default)]
struct Sampler(HashMap<ServiceId, Measuring>);

struct Measuring {
    /// The time of the last sample. Before the first sample it is the time of the first reading.
    since: Instant,
    nodes: HashMap<NodeHandle, Before>,
}

/// An earlier reading of a node; `processor` is in nanoseconds.
#[derive(Clone, Copy)]
struct Before {
    at: Instant,
    processor: u64,
}

impl Sampler {
    /// The nodes to measure now: all nodes of a service once a minute, and new ones at once.
    fn due(&mut self, now: Instant, running: Vec<RunningNode>) -> Vec<RunningNode> {
        let mut seen: HashMap<ServiceId, Vec<RunningNode>> = HashMap::new();
        for node in running.into_iter().filter(|node| node.cpus > 0.0 && node.memory > 0) {
            seen.entry(node.service).or_default().push(node);
        }
        self.0.retain(|service, _| seen.contains_key(service));
        let mut due = Vec::new();
        for (service, mut nodes) in seen {
            let new = || Measuring { since: now, nodes: HashMap::new() };
            let measuring = self.0.entry(service).or_insert_with(new);
            measuring.nodes.retain(|handle, _| nodes.iter().any(|node| node.handle == *handle));
            if !measuring.is_time(now) {
                nodes.retain(|node| !measuring.nodes.contains_key(&node.handle));
            }
            due.append(&mut nodes);
        }
        due
    }

    /// Takes in new readings, and returns the samples that are due. A sample is the average over the nodes of a
    /// service.
    fn take(&mut self, now: Instant, used: Vec<(RunningNode, Usage)>) -> Vec<Sample> {
        let mut shares: HashMap<ServiceId, Vec<(f64, f64)>> = HashMap::new();
        for (node, usage) in used {
            let Some(measuring) = self.0.get_mut(&node.service) else { continue };
            let after = Before { at: now, processor: usage.processor };
            let before = measuring.nodes.insert(node.handle.clone(), after);
            let processor = before.and_then(|before| percent_of_processor(before, after, node.cpus));
            if let Some(processor) = processor.filter(|_| measuring.is_time(now)) {
                shares.entry(node.service).or_default().push((processor, percent(usage.memory, node.memory)));
            }
        }
        let mut samples = Vec::new();
        for (service, shares) in shares {
            if let Some(measuring) = self.0.get_mut(&service) {
                measuring.since = now;
            }
            let nodes = f64::from(u32::try_from(shares.len()).unwrap_or(u32::MAX));
            let mean = |of: fn(&(f64, f64)) -> f64| shares.iter().map(of).sum::<f64>() / nodes;
            samples.push(Sample { service, processor: mean(|it| it.0), memory: mean(|it| it.1) });
        }
        samples
    }
}

impl Measuring {
    fn is_time(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MINUTE
    }
}

/// The share of its processors that a node used, in percent. `None` if too little time has passed, or if a
/// container was restarted and its counter began again at zero.
fn percent_of_processor(before: Before, after: Before, cpus: f64) -> Option<f64> {
    let elapsed = after.at.saturating_duration_since(before.at);
    let used = Duration::from_nanos(after.processor.checked_sub(before.processor)?);
    (elapsed >= SHORTEST).then(|| used.as_secs_f64() / (elapsed.as_secs_f64() * cpus) * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a share of bytes needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn node(service: i64, name: &str) -> RunningNode {
        RunningNode {
            service: ServiceId(service),
            cpus: 0.5,
            memory: GIB,
            handle: NodeHandle(name.to_owned()),
        }
    }

    fn names(nodes: &[RunningNode]) -> Vec<&str> {
        let mut names: Vec<_> = nodes.iter().map(|node| node.handle.0.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// A reading: milliseconds of processor time, and quarters of a GiB of memory.
    fn used(node: &RunningNode, millis: u64, quarters: u64) -> (RunningNode, Usage) {
        (node.clone(), Usage { processor: millis * 1_000_000, memory: GIB / 4 * quarters })
    }

    fn close(sample: &Sample, processor: f64, memory: f64) -> bool {
        (sample.processor - processor).abs() < 1e-6 && (sample.memory - memory).abs() < 1e-6
    }

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_sample_is_there_after_a_minute_and_one_a_minute_follows() {
        let (mut sampler, start, web) = (Sampler::default(), Instant::now(), node(1, "a"));
        assert_eq!(names(&sampler.due(start, vec![web.clone()])), ["a"]);
        assert_eq!(sampler.take(start, vec![used(&web, 1_000, 1)]), []);
        for early in [10, 30, 59] {
            assert!(sampler.due(seconds(start, early), vec![web.clone()]).is_empty());
        }
        // 15 s of processor time in 60 s are 50 % of half a processor.
        assert_eq!(names(&sampler.due(seconds(start, 60), vec![web.clone()])), ["a"]);
        let samples = sampler.take(seconds(start, 60), vec![used(&web, 16_000, 3)]);
        assert!(samples.len() == 1 && close(&samples[0], 50.0, 75.0), "{samples:?}");
        assert!(sampler.due(seconds(start, 70), vec![web.clone()]).is_empty());
        sampler.due(seconds(start, 120), vec![web.clone()]);
        let samples = sampler.take(seconds(start, 120), vec![used(&web, 16_000, 0)]);
        assert!(samples.len() == 1 && close(&samples[0], 0.0, 0.0), "{samples:?}");
    }

    #[test]
    fn nodes_are_averaged_and_services_told_apart() {
        let (mut sampler, start) = (Sampler::default(), Instant::now());
        let all = vec![node(1, "a"), node(1, "b"), node(2, "c")];
        sampler.due(start, all.clone());
        sampler.take(start, all.iter().map(|node| used(node, 0, 0)).collect());
        assert_eq!(names(&sampler.due(seconds(start, 60), all.clone())), ["a", "b", "c"]);
        let now = vec![used(&all[0], 30_000, 4), used(&all[1], 0, 2), used(&all[2], 3_000, 1)];
        let mut samples = sampler.take(seconds(start, 60), now);
        samples.sort_by_key(|sample| sample.service);
        assert!(close(&samples[0], 50.0, 75.0) && close(&samples[1], 10.0, 25.0), "{samples:?}");
    }

    #[test]
    fn a_node_that_is_new_is_looked_at_at_once() {
        let (mut sampler, start) = (Sampler::default(), Instant::now());
        let (old, new) = (node(1, "a"), node(1, "b"));
        sampler.due(start, vec![old.clone()]);
        sampler.take(start, vec![used(&old, 0, 0)]);
        let both = vec![old.clone(), new.clone()];
        assert_eq!(names(&sampler.due(seconds(start, 30), both.clone())), ["b"]);
        assert_eq!(sampler.take(seconds(start, 30), vec![used(&new, 500, 0)]), []);
        sampler.due(seconds(start, 60), both);
        // The new node used all of its half processor for 30 s.
        let samples = sampler.take(seconds(start, 60), vec![used(&old, 0, 0), used(&new, 15_500, 0)]);
        assert!(samples.len() == 1 && close(&samples[0], 50.0, 0.0), "{samples:?}");
    }

    #[test]
    fn a_container_that_began_anew_is_left_out_once() {
        let (mut sampler, start, web) = (Sampler::default(), Instant::now(), node(1, "a"));
        sampler.due(start, vec![web.clone()]);
        sampler.take(start, vec![used(&web, 9_000, 1)]);
        sampler.due(seconds(start, 60), vec![web.clone()]);
        assert_eq!(sampler.take(seconds(start, 60), vec![used(&web, 10, 1)]), [], "its count began anew");
        assert_eq!(names(&sampler.due(seconds(start, 70), vec![web.clone()])), ["a"], "it is made up for");
        let samples = sampler.take(seconds(start, 70), vec![used(&web, 510, 1)]);
        assert!(samples.len() == 1 && close(&samples[0], 10.0, 25.0), "{samples:?}");
    }

    #[test]
    fn what_runs_no_more_is_forgotten() {
        let (mut sampler, start, web) = (Sampler::default(), Instant::now(), node(1, "a"));
        sampler.due(start, vec![web.clone()]);
        sampler.take(start, vec![used(&web, 0, 1)]);
        assert!(sampler.due(seconds(start, 60), Vec::new()).is_empty());
        assert!(sampler.0.is_empty());
        let none = RunningNode { cpus: 0.0, ..web };
        assert!(sampler.due(start, vec![none]).is_empty(), "of nothing there is no share");
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_does_not_answer_is_asked_no_more() {
        let nodes: Vec<_> = (0..20).map(|number| node(1, &format!("{number:02}"))).collect();
        let answered = |hangs: &'static str| {
            let nodes = nodes.clone();
            async move {
                let usage = move |handle: NodeHandle| async move {
                    match handle.0.as_str() {
                        "01" => Ok(None),
                        "02" => Err(EngineError::NoNode),
                        name if name == hangs => std::future::pending().await,
                        _ => Ok(Some(Usage { processor: 1, memory: 1 })),
                    }
                };
                let used = ask(nodes, usage).await;
                used.into_iter().map(|(node, _)| node).collect::<Vec<_>>()
            }
        };
        assert_eq!(answered("none").await.len(), 18, "what ended is left out, and nothing else");
        let begun = Instant::now();
        let some = answered("09").await;
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!((some.len(), names(&some).contains(&"16")), (13, false));
    }
}
