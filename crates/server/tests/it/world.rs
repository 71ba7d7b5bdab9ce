//! A server in this process with an engine in memory, and a client of it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_engine::memory::Machine;
use gangplank_engine::{Engine, Output};
use gangplank_server::{Config, Pace, Server, TlsFiles};
use gangplank_testkit::{Api, ApiAnswer, Image, Login, Registry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "AKIAWORLDOFSERVICES1";
pub(crate) const SECRET: &str = "world/secret/of/forty/characters/0123456";

/// How long a test waits for anything.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Short times, so that tests end soon.
pub(crate) fn fast() -> Pace {
    Pace {
        look: Duration::from_millis(200),
        probe: Duration::from_millis(20),
        first_probe: Duration::from_millis(10),
        run_in: Duration::from_millis(200),
        drain: Duration::from_millis(500),
        hand_over: Duration::from_secs(5),
        engine_away: Duration::from_secs(1),
        grace: Duration::from_millis(100),
        pause: Duration::from_millis(30),
        longest_pause: Duration::from_millis(200),
        calm: Duration::from_secs(10),
    }
}

/// A server, and the machine that runs its services.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) home: TempDir,
    pub(crate) timeout: Duration,
    /// The certificates for services, from the next start on.
    pub(crate) certificates: BTreeMap<String, TlsFiles>,
    /// Changes the configuration at each start.
    settle: Box<dyn Fn(&mut Config)>,
    runtime: Runtime,
    server: Option<Server>,
    api: Option<Api>,
}

impl World {
    /// A server without services.
    pub(crate) fn on(machine: Machine) -> Self {
        Self::with_timeout(machine, SOON)
    }

    /// A server on which a deployment may take this long.
    pub(crate) fn with_timeout(machine: Machine, timeout: Duration) -> Self {
        Self::told(machine, timeout, |_| ())
    }

    /// A server with a changed configuration.
    pub(crate) fn configured(settle: impl Fn(&mut Config) + 'static) -> Self {
        Self::told(Machine::serving(), SOON, settle)
    }

    fn told(machine: Machine, timeout: Duration, settle: impl Fn(&mut Config) + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let home = tempfile::tempdir().unwrap();
        let certificates = BTreeMap::new();
        let settle = Box::new(settle);
        let mut world =
            Self { machine, home, timeout, certificates, settle, runtime, server: None, api: None };
        world.start();
        world
    }

    /// Starts the server again in the same data directory.
    pub(crate) fn start(&mut self) {
        let config = self.config();
        let machine = self.machine.clone();
        let engine =
            move |output: Arc<dyn Output>| Arc::new(machine.engine("world", output)) as Arc<dyn Engine>;
        let server = self.runtime.block_on(Server::start_on(config, engine, fast())).unwrap();
        self.api = Some(Api::new(server.endpoint(), KEY, SECRET));
        self.server = Some(server);
    }

    /// Stops the server. Its nodes keep running.
    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }

    /// Changes one row of a stopped server, in a way that the server itself would not.
    pub(crate) fn damage(&self, sql: &str) {
        let rows = rusqlite::Connection::open(self.home.path().join("data/gangplank.db")).unwrap();
        assert_eq!(rows.execute(sql, []).unwrap(), 1);
    }

    fn config(&self) -> Config {
        let mut config = Config::new(PathBuf::from(self.home.path()).join("data"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
        config.deployments.timeout = self.timeout;
        config.deployments.certificates = self.certificates.clone();
        (self.settle)(&mut config);
        config
    }

    /// A client of the API with the root key.
    pub(crate) fn api(&self) -> &Api {
        self.api.as_ref().unwrap()
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address()
    }

    /// A client of the API in another region.
    pub(crate) fn in_region(&self, region: &str) -> Api {
        self.api.as_ref().unwrap().in_region(region)
    }

    /// Calls the API.
    pub(crate) fn call(&self, operation: &str, input: Value) -> ApiAnswer {
        self.api.as_ref().unwrap().lightsail(operation, &input)
    }

    /// Calls the API and returns the answer. Fails if the call fails.
    #[track_caller]
    pub(crate) fn done(&self, operation: &str, input: Value) -> Value {
        let answer = self.call(operation, input);
        assert_eq!(answer.status, 200, "{operation}: {:?}", answer.body);
        answer.body
    }

    /// Makes the service `web`.
    pub(crate) fn make_service(&self, scale: u32) {
        self.done("CreateContainerService", json!({ "serviceName": "web", "power": "nano", "scale": scale }));
    }

    /// Pushes a new image and registers it on the service `web`.
    pub(crate) fn register(&self) -> String {
        let api = self.api.as_ref().unwrap();
        let endpoint = self.server.as_ref().unwrap().endpoint().to_owned();
        let image = Image::unique(1);
        let digest = Registry::new(&endpoint, Some(api.push_login())).push_image("sr", "new", &image);
        api.register("web", "app", &digest)
    }

    /// A new login that may pull.
    pub(crate) fn pull_login(&self) -> Login {
        self.api.as_ref().unwrap().registry_login(&json!({ "scope": ["pull"] }))
    }

    /// The status that the registry answers to a login.
    pub(crate) fn knock_at_registry(&self, login: &Login) -> u16 {
        let registry = Registry::new(self.server.as_ref().unwrap().endpoint(), Some(login.clone()));
        registry.request("GET", "").send().unwrap().status().as_u16()
    }

    /// Starts a deployment of an image with an endpoint on port 80.
    pub(crate) fn deploy(&self, image: &str) -> ApiAnswer {
        self.call("CreateContainerServiceDeployment", with_endpoint(image))
    }

    /// Starts a deployment and waits until it is active.
    #[track_caller]
    pub(crate) fn deploy_and_wait(&self) -> i64 {
        let image = self.register();
        let answer = self.deploy(&image);
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let version = answer.body["containerService"]["nextDeployment"]["version"].as_i64().unwrap();
        self.wait_for(version, "ACTIVE");
        version
    }

    /// The service `web`.
    #[track_caller]
    pub(crate) fn service(&self) -> Value {
        self.done("GetContainerServices", json!({ "serviceName": "web" }))["containerServices"][0].clone()
    }

    /// The state of a deployment.
    #[track_caller]
    pub(crate) fn state_of(&self, version: i64) -> String {
        let list = self.done("GetContainerServiceDeployments", json!({ "serviceName": "web" }));
        let mut all = list["deployments"].as_array().unwrap().iter();
        let found = all.find(|it| it["version"] == version).unwrap_or_else(|| panic!("{version} in {list}"));
        found["state"].as_str().unwrap().to_owned()
    }

    /// Waits until a deployment is in a state. Fails at once if the deployment ends in another state.
    #[track_caller]
    pub(crate) fn wait_for(&self, version: i64, state: &str) {
        let end = Instant::now() + SOON;
        loop {
            let found = self.state_of(version);
            if found == state {
                return;
            }
            let may_change = found == "ACTIVATING" || found == "ACTIVE";
            assert!(may_change && Instant::now() < end, "{version} is {found}: {:#?}", self.log("app"));
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the service is in a state.
    #[track_caller]
    pub(crate) fn wait_for_service(&self, state: &str) {
        until(&format!("the service is {state}"), || self.service()["state"] == state);
    }

    /// The log of a container of `web`.
    #[track_caller]
    pub(crate) fn log(&self, container: &str) -> Vec<String> {
        let input = json!({ "serviceName": "web", "containerName": container });
        let log = self.done("GetContainerLog", input);
        let events = log["logEvents"].as_array().unwrap().iter();
        events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The status and body that the endpoint of `web` answers.
    pub(crate) fn get(&self) -> (u16, String) {
        let url = self.service()["url"].as_str().unwrap().to_owned();
        self.fetch(&url)
    }

    /// The status and body at the URL of a service. No DNS knows its name.
    pub(crate) fn fetch(&self, url: &str) -> (u16, String) {
        let address = self.server.as_ref().unwrap().address();
        let host = url.split("//").nth(1).unwrap().trim_end_matches('/');
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{address}/")).header("host", host).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    /// An open connection to `web`.
    pub(crate) fn visitor(&self) -> Visitor {
        let url = self.service()["url"].as_str().unwrap().to_owned();
        let host = url.split("//").nth(1).unwrap().trim_end_matches('/');
        let connection = TcpStream::connect(self.server.as_ref().unwrap().address()).unwrap();
        Visitor { connection, request: format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n") }
    }

    /// The versions of the running nodes, in order.
    pub(crate) fn versions(&self) -> Vec<i64> {
        let mut versions: Vec<_> = self.nodes().iter().map(|node| node.name.version).collect();
        versions.sort_unstable();
        versions
    }

    /// The running nodes.
    pub(crate) fn nodes(&self) -> Vec<gangplank_engine::NodeSeen> {
        struct Nobody;
        impl Output for Nobody {
            fn line(&self, _: &gangplank_engine::NodeName, _: &str, _: gangplank_engine::Line) {}
            fn kept(
                &self,
                _: &gangplank_engine::NodeName,
                _: &str,
                _: usize,
            ) -> Vec<gangplank_engine::KeptLine> {
                Vec::new()
            }
        }
        let engine = self.machine.engine("world", Arc::new(Nobody));
        self.runtime.block_on(async move { engine.nodes(None).await }).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An open connection with a request that can be sent at once.
pub(crate) struct Visitor {
    connection: TcpStream,
    request: String,
}

impl Visitor {
    /// Sends the request. Returns the status of the answer.
    pub(crate) fn status(&mut self) -> u16 {
        self.connection.write_all(self.request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(&self.connection).read_line(&mut line).unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// A deployment of one container with an endpoint on port 80.
pub(crate) fn with_endpoint(image: &str) -> Value {
    json!({
        "serviceName": "web",
        "containers": { "app": { "image": image, "ports": { "80": "HTTP" } } },
        "publicEndpoint": { "containerName": "app", "containerPort": 80 },
    })
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(Duration::from_millis(10));
    }
}
