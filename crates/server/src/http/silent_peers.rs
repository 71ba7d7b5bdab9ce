//! Detects peers that have disappeared silently: a machine lost power, or a network dropped the connection.
//!
//! Otherwise a connection without any time limit, such as a WebSocket or a stream of events, would stay open
//! forever.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// The length of a silence after which the system probes the peer.
const SILENCE: Duration = Duration::from_mins(1);

/// The time between two probes, and the number of unanswered ones after which the peer counts as gone.
const EVERY: Duration = Duration::from_secs(10);
const TIMES: u32 = 6;

/// Turns on TCP keepalive for a connection. On a listener, it holds for all connections that it accepts.
///
/// # Errors
/// If the system refuses an option.
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
