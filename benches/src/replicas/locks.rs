//! Watches who waits for locks in a database while replicas work.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::postgres::Postgres;
use crate::servers::Started;

/// The time between two looks.
const PACE: Duration = Duration::from_millis(25);

/// How many statements wait, for how many milliseconds at most, and for what.
const LOOK: &str = "SELECT count(*), \
    coalesce(round(1000 * max(extract(epoch FROM clock_timestamp() - query_start))), 0), \
    coalesce(string_agg(DISTINCT wait_event, ' '), '') \
    FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock';\n";

/// What was seen.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// The number of looks.
    pub(super) looks: usize,
    /// The looks at which a statement waited.
    pub(super) waits: usize,
    /// The most statements that waited at once.
    pub(super) most: usize,
    /// The longest statement that waited, in milliseconds.
    pub(super) longest: f64,
    /// The things that they waited for, in PostgreSQL's words.
    pub(super) events: Vec<String>,
}

#[derive(Default)]
struct State {
    is_looking: AtomicBool,
    is_over: AtomicBool,
}

/// Looks for waiting statements at regular times.
pub(super) struct Watch {
    client: Started,
    /// The process of the server that answers it.
    pub(super) pid: u32,
    state: Arc<State>,
    asking: JoinHandle<()>,
    notes: PathBuf,
}

impl Watch {
    /// Connects to a database. It does not look yet.
    pub(super) fn start(postgres: &Postgres, database: &str) -> Result<Self> {
        let notes = postgres.beside(&format!("{database}.locks"));
        let client = postgres
            .client(database)
            .env("PGAPPNAME", "watch")
            .stdin(Stdio::piped())
            .stdout(File::create(&notes)?)
            .spawn()?;
        let mut client = Started(client);
        let input = client.0.stdin.take().context("no standard input")?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let asking = std::thread::spawn(move || ask(input, &shared));
        // The client has connected now.
        std::thread::sleep(Duration::from_millis(500));
        let mine = "SELECT pid FROM pg_stat_activity WHERE application_name = 'watch'";
        let pid = postgres.query(database, mine)?.parse().context("the process that answers the watch")?;
        Ok(Self { client, pid, state, asking, notes })
    }

    /// Begins to look.
    pub(super) fn look(&self) {
        self.state.is_looking.store(true, Ordering::Release);
    }

    /// Looks no more for now.
    pub(super) fn rest(&self) {
        self.state.is_looking.store(false, Ordering::Release);
    }

    /// Ends it.
    pub(super) fn stop(mut self) -> Result<Seen> {
        self.state.is_over.store(true, Ordering::Release);
        self.asking.join().map_err(|_| anyhow!("the watch panicked"))?;
        self.client.0.wait()?;
        let mut seen = Seen::default();
        for line in fs::read_to_string(&self.notes)?.lines() {
            let mut parts = line.split('|');
            let mut next = || parts.next().with_context(|| format!("the watch noted {line:?}"));
            let (waiting, longest, events) = (next()?.parse::<usize>()?, next()?.parse::<f64>()?, next()?);
            seen.add(&Seen {
                looks: 1,
                waits: usize::from(waiting > 0),
                most: waiting,
                longest,
                events: events.split_whitespace().map(str::to_owned).collect(),
            });
        }
        Ok(seen)
    }
}

impl Seen {
    /// Adds what was seen at another time.
    pub(super) fn add(&mut self, other: &Self) {
        self.looks += other.looks;
        self.waits += other.waits;
        self.most = self.most.max(other.most);
        self.longest = self.longest.max(other.longest);
        self.events.extend(other.events.iter().cloned());
        self.events.sort();
        self.events.dedup();
    }
}

/// Asks until the watch is over. The client ends when its input is closed.
fn ask(mut input: ChildStdin, state: &State) {
    while !state.is_over.load(Ordering::Acquire) {
        if state.is_looking.load(Ordering::Acquire) && input.write_all(LOOK.as_bytes()).is_err() {
            return;
        }
        std::thread::sleep(PACE);
    }
}
