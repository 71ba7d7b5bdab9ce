//! Messages of a server to systemd, or to another service manager with the same protocol.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::process::Signal;

use crate::cli::{command, home};
use crate::server_with;

/// The service manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    fn at(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        Self(socket)
    }

    /// The next message, as a map from names to values.
    fn heard(&self) -> BTreeMap<String, String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        let line = |line: &str| {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{text}"));
            (name.to_owned(), value.to_owned())
        };
        text.lines().map(line).collect()
    }

    /// Whether there is no further message.
    fn is_silent(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let silent = self.0.recv(&mut [0; 1]).is_err();
        self.0.set_nonblocking(false).unwrap();
        silent
    }
}

fn check_tells(name: &str, address: &SocketAddr) {
    let manager = Manager::at(address);
    let mut server = server_with(|builder| builder.env("NOTIFY_SOCKET", name));
    let ready = manager.heard();
    assert_eq!(ready["READY"], "1", "{ready:?}");
    assert!(ready["STATUS"].ends_with(&server.endpoint()), "{ready:?}");
    assert!(manager.is_silent());

    let before = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).tv_sec;
    server.signal(Signal::HUP);
    let reloading = manager.heard();
    assert_eq!(reloading["RELOADING"], "1", "{reloading:?}");
    let at = reloading["MONOTONIC_USEC"].parse::<i64>().unwrap() / 1_000_000;
    assert!((before..before + 15).contains(&at), "{at} {before}");
    assert_eq!(manager.heard()["READY"], "1");
    assert!(manager.is_silent());

    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(manager.heard()["STOPPING"], "1");
    assert!(manager.is_silent());
}

#[test]
fn a_manager_hears_that_a_server_is_ready_reloads_and_stops() {
    let home = home();
    let path = home.path().join("notify");
    check_tells(path.to_str().unwrap(), &SocketAddr::from_pathname(&path).unwrap());
}

#[test]
fn a_socket_may_be_in_no_file_system() {
    let name = format!("gangplank-test-{}", std::process::id());
    check_tells(&format!("@{name}"), &SocketAddr::from_abstract_name(&name).unwrap());
}

#[test]
fn a_manager_that_cannot_be_told_holds_nothing_up() {
    for name in ["/nowhere/notify", "vsock:2:1", "notify"] {
        let mut server = server_with(|builder| builder.env("NOTIFY_SOCKET", name));
        assert_eq!(server.registry().status("GET", ""), 401);
        assert_eq!(server.terminate().code(), Some(0));
        assert!(server.log().contains("cannot tell the service manager"), "{}", server.log());
    }
}

#[test]
fn programs_that_are_asked_something_do_not_inherit_the_socket() {
    let home = home();
    let process = home.path().join("process");
    std::fs::write(&process, "#!/bin/sh\nenv > seen\nexit 1\n").unwrap();
    let config = home.path().join("config");
    std::fs::write(&config, format!("[default]\ncredential_process = /bin/sh {}\n", process.display()))
        .unwrap();
    let ran = command(home.path(), &["services", "--endpoint-url", "http://127.0.0.1:1"])
        .env("AWS_CONFIG_FILE", &config)
        .env("NOTIFY_SOCKET", OsString::from("/run/notify"))
        .output()
        .unwrap();
    let seen = std::fs::read_to_string(home.path().join("seen")).unwrap_or_else(|_| panic!("{ran:?}"));
    assert!(seen.contains("AWS_CONFIG_FILE=") && !seen.contains("NOTIFY_SOCKET"), "{seen}");
}
