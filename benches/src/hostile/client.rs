//! A client with its own address on this machine. It connects again after a connection ended.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::http::{Answer, parse};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of a server.
pub(super) struct Client {
    server: SocketAddr,
    from: Ipv4Addr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// Connects to a server from an address of this machine.
pub(super) async fn connect(server: SocketAddr, from: Ipv4Addr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = tokio::time::timeout(PATIENCE, socket.connect(server)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    pub(super) fn new(server: SocketAddr, from: Ipv4Addr) -> Self {
        Self { server, from, stream: None, buffer: Vec::new() }
    }

    /// Ends the connection. The next request has another.
    pub(super) fn leave(&mut self) {
        self.stream = None;
    }

    /// Sends a whole request and reads its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        let asked = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let answer = asked.context("no answer in time").and_then(|answer| answer);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connect(self.server, self.from).await?),
        };
        // A server that refuses a body may close its side early. If its answer has arrived, that answer
        // counts.
        let written = stream.write_all(request).await;
        self.buffer.clear();
        loop {
            if let Some(head) = parse(&self.buffer, request.starts_with(b"HEAD "))? {
                let length = usize::try_from(head.content_length.context("an answer in chunks")?)?;
                while self.buffer.len() < head.length + length {
                    more(stream, &mut self.buffer).await?;
                }
                let body = self.buffer[head.length..].to_vec();
                let closes = String::from_utf8_lossy(&self.buffer[..head.length]).to_lowercase();
                if written.is_err() || closes.contains("connection: close") {
                    self.stream = None;
                }
                return Ok(Answer { status: head.status, location: head.location, body });
            }
            more(stream, &mut self.buffer).await?;
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    match stream.read_buf(buffer).await? {
        0 => bail!("the connection was closed"),
        _ => Ok(()),
    }
}
