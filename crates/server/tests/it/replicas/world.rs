//! Servers in this process that share a database and a bucket, each with an engine in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use gangplank_core::{AccessKeyId, SecretAccessKey};
use gangplank_engine::memory::Machine;
use gangplank_engine::{Engine, Output};
use gangplank_s3::credentials::{Keys, Source};
use gangplank_server::{Config, EngineChoice, MasterKey, Server};
use gangplank_store::metadata::Target;
use gangplank_store::open::{Bucket, Location};
use gangplank_testkit::replicas::{missing, postgres, s3};
use gangplank_testkit::s3::BUCKET;
use gangplank_testkit::{Api, Image, Registry, skip};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::{KEY, SECRET, fast, until};

/// Servers that share a store.
pub(crate) struct Replicas {
    database: String,
    scratch: TempDir,
    pub(crate) machines: Vec<Machine>,
    /// The number of the first server without an engine.
    idle: usize,
    running: Vec<Option<Running>>,
    /// The runtimes of servers that were stopped. The listeners of their nodes run on these runtimes.
    stopped: Vec<Runtime>,
}

struct Running {
    server: Server,
    api: Api,
    runtime: Runtime,
}

struct Fixed(&'static str, &'static str);

#[async_trait]
impl Source for Fixed {
    fn name(&self) -> &'static str {
        "the test"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        Ok(Some(Keys {
            access_key_id: self.0.to_owned(),
            secret_access_key: self.1.to_owned(),
            session_token: None,
            expires: None,
        }))
    }
}

impl Replicas {
    /// A server for each of these machines. `None` if a program that they need is not installed; then the test is
    /// reported as skipped.
    pub(crate) fn on(machines: Vec<Machine>) -> Option<Self> {
        Self::on_and_idle(machines, 0)
    }

    /// Further servers that have no engine.
    pub(crate) fn on_and_idle(machines: Vec<Machine>, idle: usize) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if let Some(missing) = missing() {
            skip(&missing);
            return None;
        }
        let database = format!("services_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        postgres().create(&database);
        let count = machines.len() + idle;
        let (scratch, running) = (tempfile::tempdir().unwrap(), (0..count).map(|_| None).collect());
        let idle = machines.len();
        let mut replicas = Self { database, scratch, machines, idle, running, stopped: Vec::new() };
        for number in 0..count {
            replicas.start(number);
        }
        Some(replicas)
    }

    /// Starts a server, again if it was stopped.
    pub(crate) fn start(&mut self, number: usize) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut config = self.config();
        let server = if number < self.idle {
            let machine = self.machines[number].clone();
            let engine =
                move |output: Arc<dyn Output>| Arc::new(machine.engine("world", output)) as Arc<dyn Engine>;
            runtime.block_on(Server::start_on(config, engine, fast()))
        } else {
            config.deployments.engine = EngineChoice::None;
            config.deployments.replica_listen = None;
            runtime.block_on(Server::start(config))
        };
        let server = server.unwrap();
        let api = Api::new(server.endpoint(), KEY, SECRET);
        self.running[number] = Some(Running { server, api, runtime });
    }

    /// Stops a server.
    pub(crate) fn stop(&mut self, number: usize) {
        if let Some(Running { server, runtime, .. }) = self.running[number].take() {
            runtime.block_on(server.stop());
            self.stopped.push(runtime);
        }
    }

    /// Ends a server like a power cut: the server releases nothing. Its claims and its announcement are ended
    /// at once. Otherwise they would end after a while.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(Running { runtime, server, .. }) = self.running[number].take() {
            runtime.shutdown_background();
            drop(server);
            self.query(
                "UPDATE claims SET until = now() WHERE name LIKE 'service %'; UPDATE replicas SET until = now()",
            );
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::new(self.scratch.path().join("nowhere"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.location =
            Location::Shared { database: Target::parse(&postgres().url(&self.database)).unwrap() };
        let (id, secret) = s3().keys();
        let settings = gangplank_s3::Settings {
            bucket: BUCKET.to_owned(),
            endpoint: Some(gangplank_s3::Endpoint::parse(&s3().endpoint()).unwrap()),
            region: "us-east-1".to_owned(),
            style: None,
            ca_file: None,
            credentials: vec![Arc::new(Fixed(id, secret))],
        };
        let location = format!("s3://{BUCKET}/{}", self.database).parse().unwrap();
        let scratch = self.scratch.path().to_owned();
        config.bucket = Some(Bucket { settings, location, scratch, largest_blob: 1 << 30 });
        config.master_key = MasterKey::read("5e".repeat(32).as_bytes());
        config.public_address = Some("registry.example.com".to_owned());
        config.root_key = Some((AccessKeyId::parse(KEY).unwrap(), SecretAccessKey::parse(SECRET).unwrap()));
        config.deployments.timeout = crate::world::SOON;
        config.deployments.replica_listen = Some("127.0.0.1:0".parse().unwrap());
        config
    }

    /// Runs SQL, and returns what it says.
    pub(crate) fn query(&self, sql: &str) -> String {
        postgres().query(&self.database, sql).unwrap()
    }

    /// Where the service is served: the epoch and the engine.
    pub(crate) fn place(&self) -> String {
        self.query("SELECT epoch || ' ' || engine FROM places")
    }

    fn running(&self, number: usize) -> &Running {
        self.running[number].as_ref().unwrap()
    }

    /// Calls the API of a server and returns the answer. Fails if the call fails.
    #[track_caller]
    pub(crate) fn done(&self, number: usize, operation: &str, input: &Value) -> Value {
        let answer = self.running(number).api.lightsail(operation, input);
        assert_eq!(answer.status, 200, "{operation}: {:?}", answer.body);
        answer.body
    }

    /// Calls the API of a server. Returns the message of its refusal; `None` if there was none.
    pub(crate) fn refused(&self, number: usize, operation: &str, input: &Value) -> Option<String> {
        let answer = self.running(number).api.lightsail(operation, input);
        (answer.status != 200).then(|| answer.message().to_owned())
    }

    /// Makes a service by a call of a server, and deploys a new image on it.
    #[track_caller]
    pub(crate) fn deploy_first(&self, number: usize, service: &str, scale: u32) {
        let input = json!({ "serviceName": service, "power": "nano", "scale": scale });
        self.done(number, "CreateContainerService", &input);
        self.deploy(number, service);
    }

    /// Deploys a new image by calls of a server, and waits until it is active.
    #[track_caller]
    pub(crate) fn deploy(&self, number: usize, service: &str) {
        let Running { api, server, .. } = self.running(number);
        let registry = Registry::new(server.endpoint(), Some(api.push_login()));
        let digest = registry.push_image("sr", "new", &Image::unique(1));
        let image = api.register(service, "app", &digest);
        let input = json!({
            "serviceName": service,
            "containers": { "app": { "image": image, "ports": { "80": "HTTP" } } },
            "publicEndpoint": { "containerName": "app", "containerPort": 80 },
        });
        let made = self.done(number, "CreateContainerServiceDeployment", &input);
        let version = made["containerService"]["nextDeployment"]["version"].clone();
        until("the deployment is active", || {
            let list =
                self.done(number, "GetContainerServiceDeployments", &json!({ "serviceName": service }));
            let mut all = list["deployments"].as_array().unwrap().iter();
            let found = all.find(|it| it["version"] == version).unwrap();
            assert_ne!(found["state"], "FAILED", "{found}");
            found["state"] == "ACTIVE"
        });
    }

    /// The status that a visitor of a service gets at a server.
    pub(crate) fn visit(&self, number: usize, service: &str) -> u16 {
        self.visitor(number, service)()
    }

    /// A visitor of a service at a server: each call is a visit, and returns its status.
    pub(crate) fn visitor(&self, number: usize, service: &str) -> impl Fn() -> u16 + Send + 'static {
        self.visitor_of(number, self.host(number, service))
    }

    /// The host of a service, asked of a server.
    pub(crate) fn host(&self, number: usize, service: &str) -> String {
        let found = self.done(number, "GetContainerServices", &json!({ "serviceName": service }));
        let url = found["containerServices"][0]["url"].as_str().unwrap().to_owned();
        url.split("//").nth(1).unwrap().trim_end_matches('/').to_owned()
    }

    /// A visitor of a host at a server.
    pub(crate) fn visitor_of(&self, number: usize, host: String) -> impl Fn() -> u16 + Send + 'static {
        let url = format!("http://{}/", self.running(number).server.address());
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        move || client.get(&url).header("host", &host).send().unwrap().status().as_u16()
    }

    /// The machines that have nodes, by number.
    pub(crate) fn busy(&self) -> BTreeSet<usize> {
        let nodes = |number: &usize| !self.machines[*number].node_names().is_empty();
        (0..self.machines.len()).filter(nodes).collect()
    }

    /// The number of the only machine that has nodes.
    #[track_caller]
    pub(crate) fn only(&self) -> usize {
        let busy = self.busy();
        assert_eq!(busy.len(), 1, "{busy:?}");
        *busy.first().unwrap()
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        // Kill the servers: no other server takes over any more, and a stop would wait for that.
        for number in 0..self.running.len() {
            if let Some(Running { runtime, server, .. }) = self.running[number].take() {
                runtime.shutdown_background();
                drop(server);
            }
        }
        for runtime in self.stopped.drain(..) {
            runtime.shutdown_background();
        }
        postgres().remove(&self.database);
    }
}
