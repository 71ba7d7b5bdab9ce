//! Three replicas, their engines, and the containers on these engines.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use gangplank_testkit::replicas::postgres;
use gangplank_testkit::{Api, Postgres, ServerBuilder, TestServer};
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::client::Program;
use crate::dockerd::{Dockerd, socket_in};
use crate::services_app;
use crate::world::until;

/// The longest time for steps without a promised time.
pub(crate) const SOON: Duration = Duration::from_mins(1);
/// The time until another replica knows of a change.
pub(crate) const KNOWN: Duration = Duration::from_secs(10);

/// The label of everything that a replica makes.
const OWNER: &str = "dev.gangplank.owner";

/// The engine of each replica, by number. `None`: the replica has no engine.
pub(crate) type Engines = [Option<usize>; 3];
/// One engine for all.
pub(crate) const SHARED: Engines = [Some(0), Some(0), Some(0)];
/// One engine for each.
pub(crate) const OWN: Engines = [Some(0), Some(1), Some(2)];

/// Three replicas and their engines, with the trials' image in the registry.
pub(crate) struct World {
    // The engines end before their folders in the server's home are removed.
    pub(crate) engines: Vec<Dockerd>,
    pub(crate) server: TestServer,
    placed: Engines,
    database: Database,
    digest: String,
}

/// The database of the replicas.
struct Database {
    name: String,
    /// The database server, if the trial has its own.
    own: Option<Postgres>,
}

impl Database {
    fn server(&self) -> &Postgres {
        self.own.as_ref().unwrap_or_else(|| postgres())
    }
}

impl World {
    pub(crate) fn new(placed: Engines) -> Self {
        Self::on(None, placed, |builder| builder)
    }

    /// Such a world with its own database server.
    pub(crate) fn on_own_database(placed: Engines) -> Self {
        Self::on_own_database_with(placed, |builder| builder)
    }

    /// The same with more options.
    pub(crate) fn on_own_database_with(
        placed: Engines,
        more: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let programs = gangplank_testkit::postgres::programs(15).expect("PostgreSQL 15");
        Self::on(Some(Postgres::start(&programs)), placed, more)
    }

    fn on(own: Option<Postgres>, placed: Engines, more: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        let folder = |engine: usize| home.path().join(format!("dockerd-{engine}"));
        let count = placed.iter().flatten().max().map_or(0, |last| last + 1);
        let engines = std::thread::scope(|scope| {
            let starting: Vec<_> =
                (0..count).map(|engine| scope.spawn(move || start(&folder(engine)))).collect();
            starting.into_iter().map(|engine| engine.join().expect("an engine")).collect()
        });
        let name = format!("services_{}", home.path().display()).replace(|c: char| !c.is_alphanumeric(), "_");
        let database = Database { name: name.to_lowercase(), own };
        let mut builder = crate::world::builder().sharing(&database.server().create(&database.name));
        for (replica, engine) in placed.iter().enumerate() {
            let Some(engine) = engine else { continue };
            let scratch = home.path().join(format!("scratch-{replica}"));
            std::fs::create_dir(&scratch).expect("a folder");
            builder = builder
                .env_of(replica, "GANGPLANK_SCRATCH_DIR", &scratch.display().to_string())
                .env_of(replica, "GANGPLANK_ENGINE", "docker")
                .env_of(replica, "DOCKER_HOST", &socket_in(&folder(*engine)))
                .env_of(replica, "GANGPLANK_REPLICA_LISTEN", &format!("127.0.0.{}:0", FIRST + replica));
        }
        let server = more(builder).start_in(home);
        let registry = server.registry_as(&server.push_login());
        let digest = registry.push_image("sr", "app", &services_app::image(true));
        Self { engines, server, placed, database, digest }
    }

    /// Makes a service, and deploys to it. Returns its host.
    #[track_caller]
    pub(crate) fn serve(&self, service: &str, says: &str, command: &[&str]) -> String {
        self.make_service(service);
        self.deploy(service, says, command);
        self.host(service)
    }

    /// Makes a service with the trials' image.
    pub(crate) fn make_service(&self, name: &str) {
        self.server.api().ensure_service(name);
        self.server.api().register(name, "app", &self.digest);
    }

    /// Deploys through the load balancer, and waits until the deployment is active. Returns its version.
    #[track_caller]
    pub(crate) fn deploy(&self, service: &str, says: &str, command: &[&str]) -> i64 {
        let version = self.begin(service, says, command);
        let began = Instant::now();
        loop {
            let state = self.state_of(service, version);
            if state == "ACTIVE" {
                return version;
            }
            let log = || log(&self.server.api(), service);
            assert!(
                state == "ACTIVATING" && began.elapsed() < SOON,
                "{service} {version} is {state}: {:#?}",
                log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Begins a deployment. Returns its version.
    #[track_caller]
    pub(crate) fn begin(&self, service: &str, says: &str, command: &[&str]) -> i64 {
        let input = json!({
            "serviceName": service,
            "containers": { "app": {
                "image": format!(":{service}.app.1"),
                "command": command,
                "environment": { "VERSION": says },
                "ports": { "8080": "HTTP" },
            } },
            "publicEndpoint": { "containerName": "app", "containerPort": 8080 },
        });
        let answer = done(&self.server.api(), "CreateContainerServiceDeployment", input);
        answer["containerService"]["nextDeployment"]["version"].as_i64().expect("a version")
    }

    /// The state of a deployment.
    #[track_caller]
    pub(crate) fn state_of(&self, service: &str, version: i64) -> String {
        let input = json!({ "serviceName": service });
        let list = done(&self.server.api(), "GetContainerServiceDeployments", input);
        let mut all = list["deployments"].as_array().expect("a list").iter();
        let found = all.find(|it| it["version"] == version).unwrap_or_else(|| panic!("{version} in {list}"));
        found["state"].as_str().expect("a state").to_owned()
    }

    /// The current state of a service.
    #[track_caller]
    pub(crate) fn service(&self, name: &str) -> Value {
        let list = done(&self.server.api(), "GetContainerServices", json!({ "serviceName": name }));
        list["containerServices"][0].clone()
    }

    /// Waits until a service is in a state.
    #[track_caller]
    pub(crate) fn wait_for_service(&self, service: &str, state: &str) {
        until(&format!("{service} is {state}"), SOON, || self.service(service)["state"] == state);
    }

    /// The host of a service's endpoint.
    #[track_caller]
    pub(crate) fn host(&self, service: &str) -> String {
        let url = self.service(service)["url"].as_str().expect("a url").to_owned();
        url.split("//").nth(1).expect("a host").trim_end_matches('/').to_owned()
    }

    /// Stops the trial's own database server, as a crash does.
    pub(crate) fn kill_database(&mut self) {
        self.database.own.as_mut().expect("a database server of its own").kill();
    }

    /// Starts it again.
    pub(crate) fn restart_database(&mut self) {
        self.database.own.as_mut().expect("a database server of its own").run();
    }

    /// Where a replica listens.
    pub(crate) fn at(&self, replica: usize) -> SocketAddr {
        self.server.replica(replica).address()
    }

    /// The replica on which a service runs.
    pub(crate) fn holder(&self, service: &str) -> usize {
        self.placed_on(service).unwrap_or_else(|| panic!("{service} has no place: {:?}", self.nodes()))
    }

    /// The replica on which a service runs; `None` if it runs nowhere.
    pub(crate) fn placed_on(&self, service: &str) -> Option<usize> {
        let text = format!(
            "SELECT address FROM places JOIN services ON services.id = places.service WHERE name = '{service}'"
        );
        let address: SocketAddr =
            self.database.server().query(&self.database.name, &text).expect("places").parse().ok()?;
        let std::net::IpAddr::V4(address) = address.ip() else { panic!("{address}") };
        Some(usize::from(address.octets()[3]) - FIRST)
    }

    /// All containers of an engine, running or not, as `SERVICE VERSION CONTAINER ID`. A pause container has no name.
    pub(crate) fn containers(&self, engine: usize) -> Vec<String> {
        let labels = ["service", "deployment", "container"];
        let shown = labels.map(|label| format!("{{{{.Label \"dev.gangplank.{label}\"}}}}")).join(" ");
        let shown = format!("{shown} {{{{.ID}}}}");
        let args = ["ps", "--all", "--no-trunc", "--filter", &format!("label={OWNER}"), "--format", &shown];
        let mut lines: Vec<_> =
            self.engines[engine].run(&args).ok().stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// The applications of each engine, as `SERVICE VERSION`.
    pub(crate) fn nodes(&self) -> Vec<Vec<String>> {
        let of = |engine| {
            let lines = self.containers(engine);
            let app = |line: &String| Some(line.split_once(" app ")?.0.to_owned());
            lines.iter().filter_map(app).collect()
        };
        (0..self.engines.len()).map(of).collect()
    }

    /// The ids of all containers of an engine.
    pub(crate) fn ids(&self, engine: usize) -> Vec<String> {
        let id = |line: &String| line.rsplit(' ').next().expect("an id").to_owned();
        self.containers(engine).iter().map(id).collect()
    }

    /// Waits until a replica's engine has exactly these applications, and all other engines have none. Each is
    /// `SERVICE VERSION`.
    #[track_caller]
    pub(crate) fn wait_until_only(&self, replica: usize, nodes: &[&str], within: Duration) -> Duration {
        let here = self.placed[replica].expect("a replica with an engine");
        let is_so = || {
            let found = self.nodes();
            found.iter().enumerate().all(|(engine, found)| {
                let wanted = if engine == here { nodes } else { &[] };
                found == wanted && self.containers(engine).len() == 2 * wanted.len()
            })
        };
        let began = Instant::now();
        while !is_so() {
            let found = || (0..self.engines.len()).map(|engine| self.containers(engine)).collect::<Vec<_>>();
            assert!(
                began.elapsed() < within,
                "{nodes:?} on {here} alone: not within {within:?}: {:#?}",
                found()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        began.elapsed()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A replica would start containers again that an engine is about to remove.
        self.server.kill();
        self.database.server().remove(&self.database.name);
    }
}

/// The last number of the address at which the first replica listens for others. Each further replica has the
/// next number.
const FIRST: usize = 11;

/// Starts an engine whose networks have addresses that no other engine of this program has.
fn start(folder: &Path) -> Dockerd {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let addresses = [10, 214 + NEXT.fetch_add(1, Ordering::Relaxed)];
    let client = Program::find("docker").expect("docker");
    Dockerd::start_at(folder, &client, &["--iptables=false", "--ip-forward=false"], addresses)
}

/// Calls an API, and expects success.
#[track_caller]
pub(crate) fn done(api: &Api, operation: &str, input: Value) -> Value {
    let answer = api.lightsail(operation, &input);
    assert_eq!(answer.status, 200, "{operation} {input}: {:?}", answer.body);
    answer.body
}

/// The log of the containers `app` of a service, as an API shows it.
#[track_caller]
pub(crate) fn log(api: &Api, service: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut input = json!({ "serviceName": service, "containerName": "app", "startTime": 1 });
    loop {
        let page = done(api, "GetContainerLog", input.clone());
        let events = page["logEvents"].as_array().expect("events").iter();
        lines.extend(events.map(|event| event["message"].as_str().expect("a message").to_owned()));
        if page["nextPageToken"].is_null() {
            return lines;
        }
        input["pageToken"] = page["nextPageToken"].clone();
    }
}

/// The answer for a host at an address. Status 0 if there is none within 5 s.
pub(crate) fn get(at: SocketAddr, host: &str, path: &str) -> (u16, String) {
    // Making a client takes longer than most requests. No connection is used twice.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).pool_max_idle_per_host(0);
        client.build().expect("a client")
    });
    let Ok(answer) = CLIENT.get(format!("http://{at}{path}")).header("host", host).send() else {
        return (0, String::new());
    };
    (answer.status().as_u16(), answer.text().unwrap_or_default())
}

/// Waits until a service says this at an address. Returns how long that took.
#[track_caller]
pub(crate) fn wait_for_answer(at: SocketAddr, host: &str, says: &str, within: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let said = get(at, host, "/");
        if said == (200, says.to_owned()) {
            return began.elapsed();
        }
        assert!(began.elapsed() < within, "{at} says {said:?} and not {says}, within {within:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
