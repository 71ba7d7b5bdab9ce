//! Peers that are gone without a word: a machine without power, a network that forgot the connection.
//!
//! A connection on which nobody waits for anything would stay for good, such as a WebSocket or a stream of events.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// How long a connection may be silent before the system asks whether the peer is there.
const SILENCE: Duration = Duration::from_mins(1);

/// How long after one question the next comes, and how many may stay without an answer.
const EVERY: Duration = Duration::from_secs(10);
const TIMES: u32 = 6;

/// Has the system find out whether the peer of a connection is still there. Connections that a listener accepts do as
/// the listener was told.
///
/// # Errors
/// If the system cannot.
pub(crate) fn ask_for_silent_peers(socket: &impl AsFd) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, SILENCE)?;
    sockopt::set_tcp_keepintvl(socket, EVERY)?;
    Ok(sockopt::set_tcp_keepcnt(socket, TIMES)?)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn accepted_connections_do_as_their_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ask_for_silent_peers(&listener).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        assert!(sockopt::socket_keepalive(&accepted).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&accepted).unwrap(), SILENCE);
    }
}
