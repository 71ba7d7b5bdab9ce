//! The ports of a node: listeners on loopback with a little HTTP.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{Answers, Machine};
use crate::{EngineError, Result};

/// Opens a port of a container. Like a published port, it accepts connections even if the container does not, and
/// then closes them at once.
pub(super) async fn listen(
    machine: &Machine,
    handle: &str,
    container: String,
) -> Result<(SocketAddr, AbortHandle)> {
    let refused = |error: std::io::Error| EngineError::Refused(format!("cannot open a port: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let place = Place { machine: machine.clone(), handle: handle.to_owned(), container };
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(place.clone().serve(stream));
        }
    });
    Ok((address, task.abort_handle()))
}

/// The container that answers.
#[derive(Clone)]
struct Place {
    machine: Machine,
    handle: String,
    container: String,
}

impl Place {
    /// The current answer, and the text that names the container.
    fn answers(&self) -> (Answers, String) {
        let mut state = self.machine.state();
        let Ok(node) = state.node(&self.handle) else { return (Answers::Nothing, String::new()) };
        let name = node.name();
        let who = format!("{} {} {} {}", name.service, name.version, name.ordinal, self.container);
        let one = node.containers.get(&self.container).filter(|one| one.is_listening());
        (one.map_or(Answers::Nothing, |one| one.behaviour.answers), who)
    }

    async fn serve(self, stream: TcpStream) {
        if self.answers().0 == Answers::Nothing {
            return;
        }
        let mut stream = BufReader::new(stream);
        while let Some(target) = read_request(&mut stream).await {
            let (answers, who) = self.answers();
            let status = match answers {
                Answers::Nothing => return,
                Answers::Never => std::future::pending().await,
                Answers::Status(status) => status,
            };
            let body = format!("{who} {target}\n");
            let head = format!("HTTP/1.1 {status} Told\r\nContent-Length: {}\r\n\r\n", body.len());
            if stream.write_all((head + &body).as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Reads a request with a body of known length. Returns its target.
async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok().filter(|length| *length > 0)?;
    let target = first.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some(_) => {}
        }
    }
    let read = tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await.ok()?;
    (read == length).then_some(target)
}
