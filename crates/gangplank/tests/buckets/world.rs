//! S3 servers, one of each kind for all tests, and servers of ours that store their blobs in them, each under
//! its own prefix.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use gangplank_testkit::s3::{FaultProxy, Program, S3Server};
use gangplank_testkit::{Blob, Registry, ServerBuilder, TestServer};
use reqwest::blocking::Response;

/// Bytes of a part.
pub(crate) const PART: usize = 8 << 20;

/// A running S3 server; `None` if its program is missing, after a message about the skipped test.
pub(crate) fn s3(program: Program) -> Option<&'static S3Server> {
    static SERVERS: [OnceLock<Option<S3Server>>; 2] = [const { OnceLock::new() }; 2];
    let server = SERVERS[program as usize].get_or_init(|| S3Server::start(program)).as_ref();
    if server.is_none() {
        gangplank_testkit::skip(&format!("{} is not installed", program.name()));
    }
    server
}

pub(crate) fn builder() -> ServerBuilder {
    TestServer::builder(env!("CARGO_BIN_EXE_gangplank"))
}

/// A server of ours, its prefix, and a proxy in front of its bucket.
pub(crate) struct World {
    pub(crate) s3: &'static S3Server,
    pub(crate) proxy: FaultProxy,
    pub(crate) prefix: String,
    pub(crate) server: TestServer,
    pub(crate) registry: Registry,
}

impl World {
    pub(crate) fn start(program: Program) -> Option<Self> {
        Self::start_with(program, |builder| builder)
    }

    pub(crate) fn start_with(
        program: Program,
        more: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Option<Self> {
        let s3 = s3(program)?;
        let proxy = FaultProxy::before(&s3.address());
        let prefix = format!("{}/blobs", Blob::unique().digest.trim_start_matches("sha256:"));
        // Tests wait until bytes are deleted, so there is no restore window.
        let builder = builder().in_bucket(s3, &proxy.endpoint(), &prefix).arg("--restore-window").arg("0");
        let server = more(builder).start();
        let registry = server.registry_as(&server.operator_login());
        Some(Self { s3, proxy, prefix, server, registry })
    }

    /// The names of the objects that hold content.
    pub(crate) fn objects(&self) -> Vec<String> {
        self.s3.keys_under(&format!("{}/content/", self.prefix))
    }

    /// The keys of open multipart uploads.
    pub(crate) fn uploads(&self) -> Vec<String> {
        let all = self.s3.open_uploads();
        all.into_iter().filter(|key| key.starts_with(&self.prefix)).collect()
    }

    pub(crate) fn pull(&self, digest: &str) -> Option<Vec<u8>> {
        let answer = self.registry.send("GET", &format!("sr/blobs/{digest}"));
        match answer.status().as_u16() {
            200 => Some(answer.bytes().unwrap().to_vec()),
            404 => None,
            other => panic!("{other}"),
        }
    }

    /// Opens a session with all bytes of a blob in it; returns its location.
    pub(crate) fn staged(&self, blob: &Blob) -> String {
        let location = self.registry.start_upload("sr");
        let answer = self.registry.request("PATCH", &location).body(blob.bytes.clone()).send().unwrap();
        assert_eq!(answer.status(), 202);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// Content that no other test has.
pub(crate) fn blob(length: usize) -> Blob {
    let mut bytes = Blob::unique().bytes;
    let unique = bytes.clone();
    while bytes.len() < length {
        let more = (length - bytes.len()).min(unique.len());
        bytes.extend_from_slice(&unique[..more]);
    }
    bytes.truncate(length);
    Blob::new(bytes)
}

pub(crate) fn code(answer: Response) -> (u16, Option<String>) {
    let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), retry)
}

/// Polls until a condition holds.
pub(crate) fn until(within: Duration, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < end, "it is not so within {within:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
