//! A server: one process with a directory, or several on one database and one bucket behind a load balancer.

mod process;
mod replica;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use process::Process;
pub use replica::Replica;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::identity::tls_file;
use crate::replicas::{self, Database, HaProxy, TlsAt};
use crate::s3::{BUCKET, S3Server};
use crate::{Api, Login, Registry};

/// The access key that every test server starts with.
const ROOT_KEY: (&str, &str) = ("GPAKTESTTESTTESTTEST", "test-secret-access-key-0123456789");
/// The master key of servers that share a database.
pub const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Collects the options of a server.
#[derive(Clone, Debug)]
pub struct ServerBuilder {
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    /// Variables of single replicas.
    of_replicas: Vec<(usize, String, String)>,
    replicas: Option<usize>,
    database: Option<String>,
    tls: Option<TlsAt>,
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

    /// Sets an environment variable of one replica, from 0.
    #[must_use]
    pub fn env_of(mut self, replica: usize, name: &str, value: &str) -> Self {
        self.of_replicas.push((replica, name.to_owned(), value.to_owned()));
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

    /// Starts `count` processes in place of one, on one database and one bucket, behind a load balancer that
    /// gives each request to the next process. They have a new database and a new prefix unless others are
    /// named.
    #[must_use]
    pub fn replicas(self, count: usize) -> Self {
        Self { replicas: Some(count), ..self }
    }

    /// Lets clients of replicas speak TLS.
    #[must_use]
    pub fn tls(self, at: TlsAt) -> Self {
        let builder = Self { tls: Some(at), ..self };
        if at == TlsAt::Balancer {
            return builder;
        }
        let file = |name| tls_file(name).display().to_string();
        builder.arg("--tls-cert").arg(file("server.pem")).arg("--tls-key").arg(file("server.key"))
    }

    /// Names the database of the replicas.
    #[must_use]
    pub fn sharing(self, url: &str) -> Self {
        Self { database: Some(url.to_owned()), ..self }
    }

    /// Starts the server, and waits for the line that says that it listens.
    pub fn start(self) -> TestServer {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        self.start_in(home)
    }

    /// Starts the server in a home that the test has prepared. The data directory is `data` in it.
    pub fn start_in(self, home: TempDir) -> TestServer {
        self.try_start_in(home).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Starts replicas, and does not wait until they are ready.
    pub fn start_unready(self) -> TestServer {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        self.run_in(home, |_| Ok(())).unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_start_in(self, home: TempDir) -> Result<TestServer, String> {
        self.run_in(home, wait_until_ready)
    }

    /// Starts it. Replicas are waited for before the load balancer looks at them.
    fn run_in(
        mut self,
        home: TempDir,
        wait: impl FnOnce(&mut [Process]) -> Result<(), String>,
    ) -> Result<TestServer, String> {
        let Some(count) = self.replicas else {
            if self.needs_directory() {
                let data = home.path().join("data").display().to_string();
                self.args.splice(0..0, ["--data-dir".to_owned(), data]);
            }
            let process = self.process(0, home.path(), "127.0.0.1:0", &[])?;
            return Ok(TestServer {
                builder: self,
                processes: vec![process],
                proxy: None,
                home,
                _database: None,
            });
        };
        let mut proxy = HaProxy::on_a_port();
        let database = self.share(&proxy.address().to_string());
        let mut processes = self.processes(home.path(), &vec!["127.0.0.1:0".to_owned(); count])?;
        wait(&mut processes)?;
        proxy.run(processes.iter().map(|process| process.address), home.path(), self.tls);
        let server = TestServer { builder: self, processes, proxy: Some(proxy), home, _database: database };
        server.write_client_files();
        Ok(server)
    }

    /// Adds the options that replicas have in common, unless the test has given them. Returns the database, if it is
    /// new.
    fn share(&mut self, public_address: &str) -> Option<Database> {
        let new = self.database.is_none().then(Database::new);
        if let Some(database) = &new {
            self.database = Some(database.url());
        }
        if !self.args.iter().any(|arg| arg == "--blobs") {
            let s3 = replicas::s3();
            let prefix = uuid::Uuid::new_v4().simple().to_string();
            *self = self.clone().in_bucket(s3, &s3.endpoint(), &prefix);
        }
        let url = self.database.clone().expect("a database");
        let mut public_address = public_address.to_owned();
        if let Some(at) = self.args.iter().position(|arg| arg == "--public-address") {
            public_address = self.args.remove(at + 1);
            self.args.remove(at);
        }
        // Variables of the test come last, and win.
        let given = std::mem::take(&mut self.environment);
        *self = self.clone().on_database(&url, &public_address);
        self.environment.extend(given);
        if !self.args.iter().any(|arg| arg == "--trusted-proxies") {
            self.args.extend(["--trusted-proxies".to_owned(), "127.0.0.1/32".to_owned()]);
        }
        new
    }

    /// Starts a process with the options, and with more of its environment. Replicas are numbered from 0.
    fn process(
        &self,
        number: usize,
        home: &Path,
        listen: &str,
        more: &[(&str, &str)],
    ) -> Result<Process, String> {
        let mut args = vec!["--listen".to_owned(), listen.to_owned()];
        args.extend_from_slice(&self.args);
        let mut environment = self.environment.clone();
        let own = self.of_replicas.iter().filter(|(of, ..)| *of == number);
        environment.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Process::start(&self.program, home, &args, &environment)
    }

    /// Starts a process for each address, all at once.
    fn processes(&self, home: &Path, listen: &[String]) -> Result<Vec<Process>, String> {
        std::thread::scope(|scope| {
            let one = |(number, listen)| scope.spawn(move || self.process(number, home, listen, &[]));
            let starting: Vec<_> = listen.iter().map(String::as_str).enumerate().map(one).collect();
            starting.into_iter().map(|start| start.join().expect("a start")).collect()
        })
    }
}

/// A running server. Dropping this kills the server and removes its home.
#[derive(Debug)]
pub struct TestServer {
    builder: ServerBuilder,
    /// The process of a single server, or one for each replica.
    processes: Vec<Process>,
    proxy: Option<HaProxy>,
    home: TempDir,
    /// Removed after the processes have ended.
    _database: Option<Database>,
}

impl TestServer {
    /// Starts the program at `program` (`env!("CARGO_BIN_EXE_gangplank")`) with nothing configured.
    pub fn start(program: impl AsRef<Path>) -> Self {
        Self::builder(program).start()
    }

    /// A builder for a server with more options.
    pub fn builder(program: impl AsRef<Path>) -> ServerBuilder {
        ServerBuilder {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            environment: Vec::new(),
            of_replicas: Vec::new(),
            replicas: replicas::asked(),
            database: None,
            tls: None,
        }
    }

    /// The address that it listens on, or the address of the load balancer in front of it.
    pub fn address(&self) -> SocketAddr {
        self.proxy.as_ref().map_or(self.processes[0].address, HaProxy::address)
    }

    /// `host:port`, as clients name the registry.
    pub fn host(&self) -> String {
        self.address().to_string()
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        let scheme = if self.builder.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Its data directory. With replicas it only has the two files for AWS tools.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A directory for the test beside the data directory. It is removed with the server.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The log so far. With replicas, all logs, one after the other.
    pub fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    /// The process id, for tests that look at the process from outside. With replicas, the id of the first one.
    pub fn process_id(&self) -> u32 {
        self.processes[0].id()
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

    /// Kills it, as a crash would. With replicas, kills all of them. The next four functions also act on all
    /// replicas.
    pub fn kill(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
    }

    /// Asks it to stop, as an operator would. Waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end. With replicas, returns the worst status.
    pub fn wait(&mut self) -> ExitStatus {
        let ends: Vec<ExitStatus> = self.processes.iter_mut().map(Process::wait).collect();
        ends.iter().copied().find(|end| !end.success()).unwrap_or(ends[0])
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.processes.iter().for_each(|process| process.signal(signal));
    }

    /// Starts the server again with the same home and address, after [`kill`](Self::kill) or
    /// [`terminate`](Self::terminate).
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|why| panic!("{why}"));
    }

    /// Starts a server that has to fail, and returns its log.
    pub fn refused(builder: &ServerBuilder) -> String {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        match builder.clone().try_start_in(home) {
            Err(why) => why,
            Ok(_) => panic!("it starts"),
        }
    }

    /// Starts the server again as [`restart`](Self::restart) does, although it may fail to start.
    ///
    /// # Errors
    /// The exit status and the log, if it does not start.
    pub fn try_restart(&mut self) -> Result<(), String> {
        let listen: Vec<String> = self.processes.iter().map(|process| process.address.to_string()).collect();
        self.processes = self.builder.processes(self.home.path(), &listen)?;
        if self.proxy.is_some() {
            wait_until_ready(&mut self.processes)?;
        }
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

fn wait_until_ready(processes: &mut [Process]) -> Result<(), String> {
    processes.iter_mut().try_for_each(Process::wait_until_ready)
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            for (number, process) in self.processes.iter().enumerate() {
                eprintln!("the log of server {number}:\n{}", process.log());
            }
            if let Some(proxy) = &self.proxy {
                eprintln!("the log of the load balancer:\n{}", proxy.log());
            }
        }
    }
}
