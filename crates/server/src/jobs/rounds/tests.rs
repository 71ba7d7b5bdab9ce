use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use gangplank_core::Time;
use gangplank_store::coordination::{Coordinator, InProcess};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::jobs::job::When;
use crate::metrics::{Exposition, Sources, Standing};

const MINUTE: Duration = Duration::from_mins(1);

type Round = Box<dyn FnMut(u64) -> anyhow::Result<Next> + Send>;

/// Counts its rounds. The test defines what each round does.
struct Fake {
    seen: Arc<Seen>,
    round: Round,
}

#[derive(Default)]
struct Seen {
    rounds: AtomicU64,
    ended: AtomicU64,
    cut: AtomicU64,
    wake: Notify,
    /// Whether a round runs until it is told to end early.
    is_long: AtomicBool,
}

#[async_trait]
impl Job for Fake {
    async fn round(&mut self, stop: &CancellationToken) -> anyhow::Result<Next> {
        let number = self.seen.rounds.fetch_add(1, Ordering::Relaxed) + 1;
        if self.seen.is_long.load(Ordering::Relaxed) {
            stop.cancelled().await;
            self.seen.cut.fetch_add(1, Ordering::Relaxed);
        }
        (self.round)(number)
    }

    async fn woken(&mut self) {
        self.seen.wake.notified().await;
    }

    async fn end(&mut self) {
        self.seen.ended.fetch_add(1, Ordering::Relaxed);
    }
}

struct Process {
    around: Around,
    stop: CancellationToken,
}

impl Process {
    fn of(coordinator: &Arc<InProcess>, name: &str) -> Self {
        let metrics = Arc::new(Metrics::new(Time(0), Sources::default()));
        let coordinator = Arc::clone(coordinator) as Arc<dyn Coordinator>;
        let claims = Claims::new(coordinator, name.to_owned());
        Self { around: Around { claims, metrics }, stop: CancellationToken::new() }
    }

    fn run(
        &self,
        when: When,
        scope: Scope,
        round: impl FnMut(u64) -> anyhow::Result<Next> + Send + 'static,
    ) -> (Arc<Seen>, JoinHandle<()>) {
        let seen = Arc::<Seen>::default();
        let job = Fake { seen: Arc::clone(&seen), round: Box::new(round) };
        let listed = Listed::new("fake", when, scope, job);
        (seen, tokio::spawn(run(listed, self.around.clone(), self.stop.clone())))
    }

    fn counted(&self, name: &str) -> f64 {
        let text = self.around.metrics.text(Exposition::Text, &Standing::default());
        let line = format!("gangplank_{name}{{name=\"fake\"}} ");
        text.lines().find_map(|it| it.strip_prefix(&line)).unwrap().parse().unwrap()
    }
}

fn rounds(seen: &Seen) -> u64 {
    seen.rounds.load(Ordering::Relaxed)
}

fn ended(seen: &Seen) -> u64 {
    seen.ended.load(Ordering::Relaxed)
}

async fn pass(time: Duration) {
    tokio::time::sleep(time + Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn rounds_are_when_the_list_says_and_are_counted() {
    let process = Process::of(&Arc::default(), "a");
    let (later, _) = process.run(When::every(MINUTE), Scope::Process, |_| Ok(Next::AsListed));
    let (at_once, task) =
        process.run(When::at_once_and_every(MINUTE), Scope::Process, |_| Ok(Next::AsListed));
    pass(Duration::ZERO).await;
    assert_eq!((rounds(&later), rounds(&at_once)), (0, 1));
    pass(3 * MINUTE).await;
    assert_eq!((rounds(&later), rounds(&at_once)), (3, 4));
    assert!((process.counted("job_rounds_total") - 7.0).abs() < f64::EPSILON);
    assert!(process.counted("job_failed_rounds_total").abs() < f64::EPSILON);
    assert_eq!(ended(&at_once), 0);
    process.stop.cancel();
    task.await.unwrap();
    assert_eq!((ended(&at_once), rounds(&at_once)), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_round_says_when_the_next_one_is() {
    let process = Process::of(&Arc::default(), "a");
    let (seen, task) = process.run(When::at_once(), Scope::Process, |number| {
        Ok(match number {
            1..10 => Next::In(Duration::ZERO),
            10 => Next::In(MINUTE),
            11 => Next::WhenWoken,
            _ => Next::Never,
        })
    });
    pass(Duration::ZERO).await;
    assert_eq!(rounds(&seen), 10);
    seen.wake.notify_one();
    pass(Duration::ZERO).await;
    assert_eq!(rounds(&seen), 11, "woken before its time");
    pass(1000 * MINUTE).await;
    assert_eq!(rounds(&seen), 11);
    seen.wake.notify_one();
    task.await.unwrap();
    assert_eq!((rounds(&seen), ended(&seen)), (12, 1));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_or_panics_goes_on() {
    let process = Process::of(&Arc::default(), "a");
    let (seen, task) = process.run(When::every(MINUTE), Scope::Cluster, |number| match number {
        1 => anyhow::bail!("the disk is full"),
        2 => panic!("a mistake"),
        _ => Ok(Next::AsListed),
    });
    pass(4 * MINUTE).await;
    assert_eq!(rounds(&seen), 4);
    assert!((process.counted("job_failed_rounds_total") - 2.0).abs() < f64::EPSILON);
    assert!((process.counted("job_rounds_total") - 4.0).abs() < f64::EPSILON);
    process.stop.cancel();
    task.await.unwrap();
    assert_eq!(ended(&seen), 1);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_processes_does_the_jobs_of_all() {
    let coordinator = Arc::default();
    let (one, other) = (Process::of(&coordinator, "a"), Process::of(&coordinator, "b"));
    let end = CancellationToken::new();
    for process in [&one, &other] {
        tokio::spawn(Arc::clone(&process.around.claims).keep(end.clone()));
    }
    let every = When::every(2 * MINUTE);
    let (first, task) = one.run(every, Scope::Cluster, |_| Ok(Next::AsListed));
    pass(Duration::from_secs(1)).await;
    let (second, _) = other.run(every, Scope::Cluster, |_| Ok(Next::AsListed));
    pass(20 * MINUTE).await;
    assert_eq!((rounds(&first), rounds(&second)), (10, 0), "as many rounds as one alone does");
    one.stop.cancel();
    task.await.unwrap();
    pass(2 * MINUTE).await;
    assert_eq!(rounds(&first), 10);
    assert!((1..=2).contains(&rounds(&second)), "the other goes on: {}", rounds(&second));
}

#[tokio::test(start_paused = true)]
async fn another_process_does_a_job_that_fails_here() {
    let coordinator = Arc::default();
    let (one, other) = (Process::of(&coordinator, "a"), Process::of(&coordinator, "b"));
    let (_failing, _) = one.run(When::every(MINUTE), Scope::Cluster, |_| anyhow::bail!("no way out"));
    pass(MINUTE).await;
    let (second, _) = other.run(When::at_once(), Scope::Cluster, |_| Ok(Next::WhenWoken));
    pass(Duration::ZERO).await;
    assert_eq!(rounds(&second), 1);
}

#[tokio::test(start_paused = true)]
async fn a_round_ends_early_when_another_process_took_the_job() {
    let coordinator = Arc::default();
    let (one, other) = (Process::of(&coordinator, "a"), Process::of(&coordinator, "b"));
    let (long, task) = one.run(When::at_once(), Scope::Cluster, |_| Ok(Next::In(Duration::ZERO)));
    long.is_long.store(true, Ordering::Relaxed);
    // Nothing renews the claim, as if the process were suspended.
    pass(2 * coordination::LASTS).await;
    assert_eq!((rounds(&long), long.cut.load(Ordering::Relaxed)), (1, 0));
    let (second, _) = other.run(When::at_once(), Scope::Cluster, |_| Ok(Next::WhenWoken));
    pass(Duration::ZERO).await;
    assert_eq!(rounds(&second), 1);
    let end = CancellationToken::new();
    for process in [&one, &other] {
        tokio::spawn(Arc::clone(&process.around.claims).keep(end.clone()));
    }
    pass(10 * MINUTE).await;
    assert_eq!((rounds(&long), long.cut.load(Ordering::Relaxed)), (1, 1), "and there is no other");
    one.stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_round_under_way_ends_early_at_the_stop() {
    let process = Process::of(&Arc::default(), "a");
    let (long, task) = process.run(When::at_once(), Scope::Process, |_| Ok(Next::In(Duration::ZERO)));
    long.is_long.store(true, Ordering::Relaxed);
    pass(MINUTE).await;
    process.stop.cancel();
    task.await.unwrap();
    assert_eq!((rounds(&long), ended(&long)), (1, 1));
}
