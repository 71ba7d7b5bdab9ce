//! A running S3 server with a bucket.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gangplank_sigv4::{Credentials, Payload, Request, sign_s3};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::program::{Program, free_port};

/// The bucket that each server has.
pub const BUCKET: &str = "registry";

pub(super) const ACCESS_KEY_ID: &str = "AKIDTESTTESTTEST";
pub(super) const SECRET_ACCESS_KEY: &str = "test-s3-secret-access-key";

/// How long a server may take until it can write.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running S3 server in its own folder. Dropping it kills the server and removes the folder.
#[derive(Debug)]
pub struct S3Server {
    program: Program,
    path: PathBuf,
    folder: TempDir,
    port: u16,
    process: Child,
    /// Ends the server when this process ends, even if it is killed.
    guard: Child,
}

impl S3Server {
    /// Starts a server, and waits until it can write; `None` if the program is not there.
    pub fn start(program: Program) -> Option<Self> {
        let path = program.path()?;
        let folder = tempfile::Builder::new().prefix("gangplank-s3-").tempdir().expect("a folder");
        let port = free_port();
        let (process, guard) = spawn(program, &path, &folder, port);
        let server = Self { program, path, folder, port, process, guard };
        server.wait_until_it_writes();
        Some(server)
    }

    /// The program.
    pub fn program(&self) -> Program {
        self.program
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The access key id and the secret access key that open it.
    pub fn keys(&self) -> (&'static str, &'static str) {
        (ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts the server again in its folder, on its port, and waits until it can write.
    pub fn restart(&mut self) {
        self.kill();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        (self.process, self.guard) = spawn(self.program, &self.path, &self.folder, self.port);
        self.wait_until_it_writes();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("to send a signal");
    }

    /// The keys of all objects that begin with `prefix`.
    pub fn keys_under(&self, prefix: &str) -> Vec<String> {
        let query = format!("list-type=2&prefix={}", gangplank_sigv4::encode(prefix));
        let (status, text) = self.call("GET", "", &query, b"").expect("a listing");
        assert_eq!(status, 200, "{text}");
        assert!(!text.contains("<IsTruncated>true"), "more objects than a test looks at");
        text.split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split_once("</Key>"))
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    /// The size of an object, in bytes.
    pub fn size(&self, key: &str) -> Option<usize> {
        let query = format!("list-type=2&prefix={}", gangplank_sigv4::encode(key));
        let (status, text) = self.call("GET", "", &query, b"").expect("a listing");
        assert_eq!(status, 200, "{text}");
        text.split_once("<Size>")?.1.split_once("</Size>")?.0.parse().ok()
    }

    /// The keys of all multipart uploads that were not ended.
    pub fn open_uploads(&self) -> Vec<String> {
        let (status, text) = self.call("GET", "", "uploads=", b"").expect("a listing");
        assert_eq!(status, 200, "{text}");
        text.split("<Upload>")
            .skip(1)
            .filter_map(|rest| rest.split_once("<Key>")?.1.split_once("</Key>"))
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    /// Puts an object without the program under test.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let (status, text) = self.call("PUT", key, "", bytes).expect("an answer");
        assert_eq!(status, 200, "{text}");
    }

    /// Deletes an object without the program under test.
    pub fn delete(&self, key: &str) {
        let (status, text) = self.call("DELETE", key, "", b"").expect("an answer");
        assert_eq!(status, 204, "{text}");
    }

    fn wait_until_it_writes(&self) {
        let until = Instant::now() + PATIENCE;
        let mut said = String::new();
        while Instant::now() < until {
            // `/healthz` of SeaweedFS says 200 before it can write.
            match self.call("PUT", "", "", b"").and_then(|_| self.call("PUT", "started", "", b"started")) {
                Ok((200, _)) => return,
                Ok((status, text)) => said = format!("{status} {text}"),
                Err(error) => said = error.to_string(),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("{} does not write: {said}\n{log}", self.program.name());
    }

    /// Makes one signed call, about the bucket itself if the key is empty. It runs on a separate thread, so
    /// that tests can call it from any code.
    fn call(&self, method: &str, key: &str, query: &str, body: &[u8]) -> reqwest::Result<(u16, String)> {
        std::thread::scope(|scope| {
            let call = scope.spawn(|| self.call_here(method, key, query, body));
            call.join().expect("a call")
        })
    }

    fn call_here(&self, method: &str, key: &str, query: &str, body: &[u8]) -> reqwest::Result<(u16, String)> {
        let host = self.address();
        let path = if key.is_empty() { format!("/{BUCKET}") } else { format!("/{BUCKET}/{key}") };
        let payload = Payload::Sha256(Sha256::digest(body).into());
        let hash = payload.header();
        let headers = vec![("host", host.as_bytes()), ("x-amz-content-sha256", hash.as_bytes())];
        let request = Request { method, path: &path, query: (!query.is_empty()).then_some(query), headers };
        let keys = Credentials {
            access_key_id: ACCESS_KEY_ID,
            secret_access_key: SECRET_ACCESS_KEY,
            session_token: None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or_default();
        let url = format!("http://{host}{path}?{query}");
        let method: reqwest::Method = method.parse().expect("a method");
        let client =
            reqwest::blocking::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        let mut sent = client.request(method, url).header("x-amz-content-sha256", &hash).body(body.to_vec());
        for (name, value) in sign_s3(&request, &keys, "us-east-1", now, payload) {
            sent = sent.header(name, value);
        }
        let answer = sent.send()?;
        Ok((answer.status().as_u16(), answer.text()?))
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill();
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

fn spawn(program: Program, path: &std::path::Path, folder: &TempDir, port: u16) -> (Child, Child) {
    let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("a log");
    let process = program
        .command(path, folder.path(), port)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.name()));
    // The input of this shell ends with this process. A server that tests share is never dropped.
    let guard = Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$1\"; rm -rf \"$2\"", "guard", &process.id().to_string()])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    (process, guard)
}
