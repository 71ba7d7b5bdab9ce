//! A `gangplank serve` in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::s3::{BUCKET, S3Server};
use crate::{Api, Login, Registry};

/// The access key that every test server starts with.
const ROOT_KEY: (&str, &str) = ("GPAKTESTTESTTESTTEST", "test-secret-access-key-0123456789");

/// The master key of test servers that share a database.
const MASTER_KEY: &str = "77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa77aa";

/// Collects the options of a server.
#[derive(Clone, Debug)]
pub struct ServerBuilder {
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

impl ServerBuilder {
    /// Adds a flag or a value.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps the blobs in the bucket of an S3 server, under a prefix. The server is reached at `endpoint`.
    #[must_use]
    pub fn in_bucket(self, s3: &S3Server, endpoint: &str, prefix: &str) -> Self {
        let (id, secret) = s3.keys();
        self.arg("--blobs")
            .arg(format!("s3://{BUCKET}/{prefix}"))
            .arg("--s3-endpoint")
            .arg(endpoint)
            .env("GANGPLANK_S3_ACCESS_KEY_ID", id)
            .env("GANGPLANK_S3_SECRET_ACCESS_KEY", secret)
    }

    /// Keeps the rows in a PostgreSQL database that several servers share. The blobs have to be in a bucket, too.
    #[must_use]
    pub fn on_database(self, url: &str, public_address: &str) -> Self {
        self.arg("--public-address")
            .arg(public_address)
            .env("GANGPLANK_DATABASE", url)
            .env("GANGPLANK_MASTER_KEY", MASTER_KEY)
    }

    fn needs_directory(&self) -> bool {
        !self.args.iter().any(|arg| arg == "--database")
            && self.environment.iter().all(|(name, _)| name != "GANGPLANK_DATABASE")
    }

    /// Starts the server, and waits for the line that says that it listens.
    pub fn start(self) -> TestServer {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        self.start_in(home)
    }

    /// The same in a home that the test has prepared. The data directory is `data` in it.
    pub fn start_in(self, home: TempDir) -> TestServer {
        let running = run(&self, home.path(), "127.0.0.1:0").unwrap_or_else(|why| panic!("{why}"));
        TestServer { builder: self, home, running }
    }
}

/// A running server. Dropping it kills it and removes its home.
#[derive(Debug)]
pub struct TestServer {
    builder: ServerBuilder,
    home: TempDir,
    running: Running,
}

#[derive(Debug)]
struct Running {
    process: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl TestServer {
    /// Starts the program at `program` (`env!("CARGO_BIN_EXE_gangplank")`) with nothing configured.
    pub fn start(program: impl AsRef<Path>) -> Self {
        Self::builder(program).start()
    }

    /// A builder for a server with more options.
    pub fn builder(program: impl AsRef<Path>) -> ServerBuilder {
        ServerBuilder { program: program.as_ref().to_owned(), args: Vec::new(), environment: Vec::new() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// `host:port`, as clients name the registry.
    pub fn host(&self) -> String {
        self.running.address.to_string()
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A directory for the test beside the data directory. It is removed with the server.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.running.log.lock().expect("the log").clone()
    }

    /// The process id, for tests that look at the process from outside.
    pub fn process_id(&self) -> u32 {
        self.running.process.id()
    }

    /// Its API, called with the root access key in `us-east-1`.
    pub fn api(&self) -> Api {
        Api::new(&self.endpoint(), ROOT_KEY.0, ROOT_KEY.1)
    }

    /// The registry, without a login.
    pub fn registry(&self) -> Registry {
        Registry::new(&self.endpoint(), None)
    }

    /// The registry, with a login.
    pub fn registry_as(&self, login: &Login) -> Registry {
        Registry::new(&self.endpoint(), Some(login.clone()))
    }

    /// Makes a push login of the root account, and the service that it needs.
    pub fn push_login(&self) -> Login {
        let api = self.api();
        api.ensure_service("test-service");
        api.push_login()
    }

    /// Makes an operator login of the root account.
    pub fn operator_login(&self) -> Login {
        self.api().registry_login(&serde_json::json!({ "scope": ["push", "pull", "delete"] }))
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.running.process.kill();
        let _ = self.running.process.wait();
    }

    /// Asks it to stop, as an operator would. Waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.running.process.wait().expect("the server's end")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.running.process.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("to send a signal");
    }

    /// Starts it again with the same home and address, after [`kill`](Self::kill) or [`terminate`](Self::terminate).
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|why| panic!("{why}"));
    }

    /// Starts a server that has to fail, and returns its log.
    pub fn refused(builder: &ServerBuilder) -> String {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        match run(builder, home.path(), "127.0.0.1:0") {
            Err(why) => why,
            Ok(mut running) => {
                let _ = running.process.kill();
                let _ = running.process.wait();
                panic!("it starts");
            }
        }
    }

    /// The same if it may fail to start.
    ///
    /// # Errors
    /// The exit status and the log, if it does not start.
    pub fn try_restart(&mut self) -> Result<(), String> {
        let listen = self.running.address.to_string();
        self.running = run(&self.builder, self.home.path(), &listen)?;
        Ok(())
    }

    /// The address of its health endpoint, if it was started with `--admin-listen`.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        let asked = self.builder.args.iter().any(|arg| arg == "--admin-listen")
            || self.builder.environment.iter().any(|(name, _)| name == "GANGPLANK_ADMIN_LISTEN");
        // A thread collects the log, and may be behind the line that says that the server is ready.
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.log();
            let line = log.split_once("health is answered on http://");
            if let Some((address, _)) = line.and_then(|(_, rest)| rest.split_once('/')) {
                return address.parse().ok();
            }
            if !asked || Instant::now() > until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

fn run(builder: &ServerBuilder, home: &Path, listen: &str) -> Result<Running, String> {
    let mut process = Command::new(&builder.program)
        .args(["serve", "--listen", listen])
        .args(builder.needs_directory().then(|| format!("--data-dir={}", home.join("data").display())))
        .args(&builder.args)
        .env_clear()
        .env("HOME", home)
        // Tests use no engine of the machine, unless they ask for one.
        .env("GANGPLANK_ENGINE", "none")
        .env("GANGPLANK_ROOT_ACCESS_KEY_ID", ROOT_KEY.0)
        .env("GANGPLANK_ROOT_SECRET_ACCESS_KEY", ROOT_KEY.1)
        .envs(builder.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("to start the server");
    let log = Arc::new(Mutex::new(String::new()));
    let mut errors = process.stderr.take().expect("its standard error");
    let collected = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(read @ 1..) = errors.read(&mut piece) {
            collected.lock().expect("the log").push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    });
    let mut ready = String::new();
    let output = process.stdout.take().expect("its standard output");
    BufReader::new(output).read_line(&mut ready).expect("its ready line");
    let Some((_, address)) = ready.trim().rsplit_once("//") else {
        let status = process.wait();
        std::thread::sleep(std::time::Duration::from_millis(100));
        return Err(format!("the server did not start ({status:?}): {}", log.lock().expect("the log")));
    };
    Ok(Running { process, address: address.parse().expect("an address"), log })
}
