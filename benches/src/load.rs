//! Many small requests on many connections. Each connection sends the next request after an answer.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::TryStreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::{Answer, parse};
use crate::stream::{self, Duplex};
use crate::target::Target;

/// A connection among many.
pub(crate) struct Connection {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
    answer: Answer,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let stream = stream::open(target).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10), answer: Answer::default() })
    }

    /// Sends a whole request and reads its answer, which must have the status `expected`.
    pub(crate) async fn ask(&mut self, request: &[u8], expected: u16) -> Result<&Answer> {
        self.send(request).await?;
        self.read(request.starts_with(b"HEAD "), expected).await
    }

    /// Sends a request or a part of it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        // With TLS, written bytes may be held back until more bytes follow.
        Ok(self.stream.flush().await?)
    }

    /// Reads the answer to the request that was sent last, which is no HEAD request. The answer must have the status
    /// `expected`.
    pub(crate) async fn answer(&mut self, expected: u16) -> Result<&Answer> {
        self.read(false, expected).await
    }

    async fn read(&mut self, of_head_request: bool, expected: u16) -> Result<&Answer> {
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = parse(&self.buffer, of_head_request)? {
                break head;
            }
        };
        let length = usize::try_from(head.content_length.context("an answer in chunks")?)?;
        while self.buffer.len() < head.length + length {
            self.more().await?;
        }
        self.answer.status = head.status;
        self.answer.location = head.location;
        self.answer.body.clear();
        self.answer.body.extend_from_slice(&self.buffer[head.length..]);
        let body = || String::from_utf8_lossy(&self.answer.body);
        ensure!(head.status == expected, "the answer was {}, not {expected}: {}", head.status, body());
        Ok(&self.answer)
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => bail!("the connection was closed"),
            _ => Ok(()),
        }
    }
}

/// A repeated operation: number `n` of it, on one of the connections.
pub(crate) trait Operation {
    async fn run(&self, connection: &mut Connection, number: usize) -> Result<()>;
}

/// An operation of one request.
pub(crate) struct Requests {
    /// The requests, which are sent in turn.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) expected: u16,
}

impl Operation for Requests {
    async fn run(&self, connection: &mut Connection, number: usize) -> Result<()> {
        connection.ask(&self.requests[number % self.requests.len()], self.expected).await.map(drop)
    }
}

/// Opens `connections` and runs `count` operations on them. Returns the time of each. `begin` is called when the
/// connections are open.
pub(crate) fn drive<T>(
    target: &Target,
    connections: usize,
    count: usize,
    operation: &impl Operation,
    begin: impl FnOnce() -> T,
) -> Result<(T, Vec<Duration>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(target).await?);
        }
        let next = Cell::new(0);
        let latencies = RefCell::new(Vec::with_capacity(count));
        let (next, noted) = (&next, &latencies);
        let begun = begin();
        let running: FuturesUnordered<_> = open
            .into_iter()
            .map(async |mut connection| {
                while next.get() < count {
                    let number = next.replace(next.get() + 1);
                    let start = Instant::now();
                    operation.run(&mut connection, number).await?;
                    noted.borrow_mut().push(start.elapsed());
                }
                Ok::<_, anyhow::Error>(())
            })
            .collect();
        running.try_collect::<()>().await?;
        Ok((begun, latencies.take()))
    })
}
