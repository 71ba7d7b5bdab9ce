//! A server with the shim, and the logins for tests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gangplank_testkit::{Api, Login, Registry, TestServer};

use crate::PROGRAM;
use crate::shim::Shim;

/// The longest start after a crash.
pub(crate) const READY: Duration = Duration::from_secs(10);

/// A server with the shim.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) shim: Shim,
    /// A login with all permissions.
    pub(crate) operator: Login,
}

impl World {
    pub(crate) fn start() -> Self {
        let home = tempfile::Builder::new().prefix("gangplank-faults-").tempdir().unwrap();
        Self::start_in(home)
    }

    /// A world whose server has additional environment variables.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        let home = tempfile::Builder::new().prefix("gangplank-faults-").tempdir().unwrap();
        Self::start_so(home, environment)
    }

    /// A world in a prepared home.
    pub(crate) fn start_in(home: tempfile::TempDir) -> Self {
        Self::start_so(home, &[])
    }

    fn start_so(home: tempfile::TempDir, environment: &[(&str, &str)]) -> Self {
        let shim = Shim::new(home.path());
        let builder = TestServer::builder(PROGRAM)
            .env("GANGPLANK_ADMIN_LISTEN", "127.0.0.1:0")
            .env("GANGPLANK_MAX_IMAGES_PER_SERVICE", "100000")
            .env("GANGPLANK_MAX_SERVICES_PER_REGION", "100000");
        let builder = environment.iter().fold(builder, |builder, (name, value)| builder.env(name, value));
        let server = shim.before(builder).start_in(home);
        let operator = server.operator_login();
        server.api().ensure_service("web");
        Self { server, shim, operator }
    }

    pub(crate) fn api(&self) -> Api {
        self.server.api()
    }

    pub(crate) fn registry(&self) -> Registry {
        self.server.registry_as(&self.operator)
    }

    /// Whether the server says that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        is_ready(&self.server)
    }

    /// Starts the server again. It has to be ready in time.
    pub(crate) fn restart(&mut self) {
        restart(&mut self.server);
    }
}

/// Whether `/readyz` answers that the server is ready.
pub(crate) fn is_ready(server: &TestServer) -> bool {
    let address = server.admin_address().expect("an address of health");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200 ")
}

/// Starts a server again. It has to be ready in time.
pub(crate) fn restart(server: &mut TestServer) {
    let started = Instant::now();
    server.restart();
    let took = started.elapsed();
    assert!(took < READY, "the start after a crash took {took:?}");
}
