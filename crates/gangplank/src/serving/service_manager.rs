//! Reports the server's state to the service manager, in systemd's protocol for `Type=notify`: datagrams to the
//! socket that a variable names.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The variable that names the socket. Programs that a command starts do not inherit it, because the manager would
/// take their messages for messages of the server.
pub(crate) const VARIABLE: &str = "NOTIFY_SOCKET";
/// The longest wait for a manager that does not take a datagram.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager, if there is one.
pub(crate) struct ServiceManager(Option<Socket>);

struct Socket {
    from: UnixDatagram,
    to: SocketAddr,
}

impl ServiceManager {
    /// Finds the manager in the environment.
    pub(crate) fn of_environment() -> Self {
        let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
            return Self(None);
        };
        match Socket::to(&name) {
            Ok(socket) => Self(Some(socket)),
            Err(error) => {
                tracing::warn!(%error, "cannot tell the service manager, whose socket {VARIABLE} names");
                Self(None)
            }
        }
    }

    /// Reports that the server takes requests at this address.
    pub(crate) fn ready(&self, endpoint: &str) {
        self.tell(&format!("READY=1\nSTATUS=Listening on {endpoint}"));
    }

    /// Reports that the server reads its settings again; [`ready`](Self::ready) follows.
    pub(crate) fn reloading(&self) {
        // The time distinguishes this reload from an earlier one.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// Reports that the server takes no more requests.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Finishing requests in flight");
    }

    fn tell(&self, words: &str) {
        let Some(socket) = &self.0 else { return };
        if let Err(error) = socket.from.send_to_addr(words.as_bytes(), &socket.to) {
            tracing::warn!(%error, "cannot tell the service manager");
        }
    }
}

impl Socket {
    fn to(name: &OsStr) -> io::Result<Self> {
        let from = UnixDatagram::unbound()?;
        from.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { from, to: address(name)? })
    }
}

/// Reads the socket's address: a path, or `@` and an abstract name.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        _ => Err(io::Error::other("it is no socket of this machine's")),
    }
}
