//! Opens a connection to the host of a database that accepts writes.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{sleep, timeout};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::errors;
use super::target::{CONNECT, Target};
use crate::{Result, StoreError};

/// After this time without an answer, the next host is asked, too.
const NEXT: Duration = Duration::from_secs(1);

/// A connection of tokio-postgres, before a task drives it.
pub(super) type Raw = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

/// Connects to the first host that answers and takes writes. The hosts are asked in their order. A host that
/// refuses, or is a copy, is skipped at once. A host that does not answer is skipped after [`NEXT`].
pub(super) async fn connect(target: &Target) -> Result<Raw> {
    let (mut hosts, mut asked) = (target.hosts.iter(), FuturesUnordered::new());
    let mut refused = StoreError::unavailable("the database's URL names no host");
    loop {
        let more = hosts.next().map(|host| asked.push(ask(host, target.tls.clone()))).is_some();
        tokio::select! {
            answer = asked.next() => match answer {
                Some(Ok(raw)) => return Ok(raw),
                Some(Err(error)) => refused = error,
                None => return Err(refused),
            },
            () = sleep(NEXT), if more => {}
        }
    }
}

async fn ask(host: &Config, tls: MakeRustlsConnect) -> Result<Raw> {
    // The limit in the configuration is for the socket alone. A frozen server still accepts connections.
    match timeout(CONNECT, host.connect(tls)).await {
        Ok(answer) => answer.map_err(|error| errors::explain(&error)),
        Err(_) => Err(StoreError::unavailable("PostgreSQL does not take a connection in time")),
    }
}
