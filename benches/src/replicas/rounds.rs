//! Does the work of a load balancer: each request goes to the next replica, also in the middle of an upload.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::work::Action;
use crate::http::with_digest;
use crate::load::Connection;
use crate::target::Target;

/// The longest wait for an operation.
const PATIENCE: Duration = Duration::from_secs(30);

/// What clients did.
#[derive(Clone, Default)]
pub(super) struct Done {
    /// The time from the first request to the last answer.
    pub(super) elapsed: Duration,
    /// The time of each operation that succeeded.
    pub(super) latencies: Vec<Duration>,
    /// Answers that were missing or wrong.
    pub(super) failures: Vec<String>,
    /// The names of the registered images.
    pub(super) images: Vec<String>,
}

/// Lets `clients` do operations until all are done or the time is over. `begin` is called when the connections are open.
pub(super) async fn drive<T>(
    replicas: &[Target],
    clients: usize,
    actions: &[Action<'_>],
    time: Duration,
    begin: impl FnOnce() -> T,
) -> Result<(T, Done)> {
    let mut open = Vec::new();
    for _ in 0..clients {
        open.push(Client::open(replicas).await?);
    }
    let (next, turn, done) = (Cell::new(0), Cell::new(0), RefCell::new(Done::default()));
    let begun = begin();
    let start = Instant::now();
    let running: FuturesUnordered<_> = open
        .into_iter()
        .map(async |mut client| {
            while start.elapsed() < time {
                let Some(action) = actions.get(next.replace(next.get() + 1)) else { break };
                let since = Instant::now();
                let outcome = tokio::time::timeout(PATIENCE, client.act(action, &turn)).await;
                let outcome = outcome.context("no answer in time").and_then(|outcome| outcome);
                let time = since.elapsed();
                let is_broken = outcome.is_err();
                done.borrow_mut().note(outcome, time);
                // Otherwise the unread rest of a failed request would be taken for the next answer.
                if is_broken {
                    client = Client::open(replicas).await?;
                }
            }
            Ok::<_, anyhow::Error>(())
        })
        .collect();
    let ends: Vec<Result<()>> = running.collect().await;
    ends.into_iter().collect::<Result<()>>()?;
    let mut done = done.take();
    done.elapsed = start.elapsed();
    Ok((begun, done))
}

impl Done {
    fn note(&mut self, outcome: Result<Option<String>>, time: Duration) {
        match outcome {
            Ok(image) => {
                self.latencies.push(time);
                self.images.extend(image);
            }
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }

    /// Adds what was done at another time.
    pub(super) fn add(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.latencies.extend(other.latencies);
        self.failures.extend(other.failures);
        self.images.extend(other.images);
    }
}

/// A client with a connection to each replica.
struct Client {
    connections: Vec<Connection>,
}

impl Client {
    async fn open(replicas: &[Target]) -> Result<Self> {
        let mut connections = Vec::new();
        for replica in replicas {
            connections.push(Connection::open(replica).await?);
        }
        Ok(Self { connections })
    }

    fn next(&mut self, turn: &Cell<usize>) -> &mut Connection {
        let turn = turn.replace(turn.get() + 1);
        let count = self.connections.len();
        &mut self.connections[turn % count]
    }

    /// Does an operation. Returns the name of the image that it registered.
    async fn act(&mut self, action: &Action<'_>, turn: &Cell<usize>) -> Result<Option<String>> {
        match action {
            Action::Ask(request, expected) => {
                self.next(turn).ask(request, *expected).await?;
                Ok(None)
            }
            Action::Register(request) => {
                let answer = self.next(turn).ask(request, 200).await?;
                let answer: serde_json::Value = serde_json::from_slice(&answer.body)?;
                let image = answer["containerImage"]["image"].as_str();
                Ok(Some(image.context("an image without a name")?.to_owned()))
            }
            Action::Push { account, start, digest, bytes } => {
                let answer = self.next(turn).ask(start, 202).await?;
                let location = answer.location.as_deref().context("an upload without a location")?;
                let headers =
                    format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n", bytes.len());
                let mut put = account.head("PUT", &with_digest(location, digest), &headers);
                put.extend_from_slice(bytes);
                self.next(turn).ask(&put, 201).await?;
                Ok(None)
            }
        }
    }
}
