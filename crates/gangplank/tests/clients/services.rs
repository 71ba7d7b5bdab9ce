//! Services that run on Docker: a server and a daemon for one trial, and common code.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gangplank_testkit::{Api, TestServer};
use serde_json::{Value, json};

use crate::client::Program;
use crate::dockerd::{Dockerd, socket_in};
use crate::services_app;
use crate::suite::{Suite, Test};
use crate::{
    services_by_clients, services_failing, services_faults, services_kept_in, services_logs,
    services_under_load,
};

/// Adds the trials, with the first docker client on the path.
pub(crate) fn add(suite: &mut Suite) {
    let has_daemon = Program::find("dockerd").is_some();
    let client = Program::all("docker").into_iter().next().filter(|_| has_daemon);
    let tests: Vec<(&str, Test)> = [
        &services_under_load::TESTS[..],
        &services_failing::TESTS,
        &services_faults::TESTS,
        &services_kept_in::TESTS,
        &services_logs::TESTS,
    ]
    .concat();
    suite.client("services_on_docker", "apt-get install docker.io", client, &tests);
    services_by_clients::add(suite);
}

/// The number of repetitions, times `GANGPLANK_SERVICES_ROUNDS`, which makes trials longer.
pub(crate) fn rounds(of: u32) -> u32 {
    let times = std::env::var("GANGPLANK_SERVICES_ROUNDS").ok().and_then(|times| times.parse().ok());
    of * times.unwrap_or(1)
}

/// The longest time for steps without a promised time.
const SOON: Duration = Duration::from_secs(40);

/// The label of everything that a server makes.
const OWNER: &str = "dev.gangplank.owner";

/// A server and the daemon for its services.
pub(crate) struct World {
    // Declared first, so that the daemon ends before the home of both is removed.
    pub(crate) docker: Dockerd,
    pub(crate) server: TestServer,
    digest: String,
}

impl World {
    /// A server and a daemon, with the trials' image in the registry.
    pub(crate) fn new(client: &Program, options: &[&str]) -> Self {
        Self::with(options, |folder| Dockerd::start(folder, client))
    }

    /// A world with another daemon.
    pub(crate) fn with(options: &[&str], start: impl FnOnce(&std::path::Path) -> Dockerd) -> Self {
        let home = tempfile::Builder::new().prefix("gangplank-test-").tempdir().expect("a home");
        let folder: PathBuf = home.path().join("dockerd");
        let mut builder = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"));
        builder = builder.env("GANGPLANK_ENGINE", "docker").env("DOCKER_HOST", &socket_in(&folder));
        builder = options.iter().fold(builder, |builder, option| builder.arg(*option));
        // The engine does not run yet, and the server waits for it.
        let server = builder.start_in(home);
        let docker = start(&folder);
        let registry = server.registry_as(&server.push_login());
        let digest = registry.push_image("sr", "app", &services_app::image(true));
        Self { docker, server, digest }
    }

    pub(crate) fn api(&self) -> Api {
        self.server.api()
    }

    /// Calls the API, and expects success.
    #[track_caller]
    pub(crate) fn done(&self, operation: &str, input: Value) -> Value {
        let answer = self.api().lightsail(operation, &input);
        assert_eq!(answer.status, 200, "{operation} {input}: {:?}", answer.body);
        answer.body
    }

    /// Makes a service with the trials' image.
    pub(crate) fn make_service(&self, name: &str) {
        self.api().ensure_service(name);
        self.api().register(name, "app", &self.digest);
    }

    /// Registers the image that has no entry point.
    pub(crate) fn register_bare(&self, service: &str) -> String {
        let registry = self.server.registry_as(&self.server.push_login());
        let digest = registry.push_image("sr", "bare", &services_app::image(false));
        self.api().register(service, "bare", &digest)
    }

    /// Deploys, and waits until the deployment is active. Returns its version.
    #[track_caller]
    pub(crate) fn deploy(&self, service: &str, says: &str, command: &[&str]) -> i64 {
        let version = self.begin(deployment(service, says, command));
        self.wait_for(service, version, "ACTIVE");
        version
    }

    /// Starts a deployment. Returns its version.
    #[track_caller]
    pub(crate) fn begin(&self, input: Value) -> i64 {
        let answer = self.done("CreateContainerServiceDeployment", input);
        answer["containerService"]["nextDeployment"]["version"].as_i64().expect("a version")
    }

    /// The current state of a service.
    #[track_caller]
    pub(crate) fn service(&self, name: &str) -> Value {
        self.done("GetContainerServices", json!({ "serviceName": name }))["containerServices"][0].clone()
    }

    /// The state of a deployment.
    #[track_caller]
    pub(crate) fn state_of(&self, service: &str, version: i64) -> String {
        let list = self.done("GetContainerServiceDeployments", json!({ "serviceName": service }));
        let mut all = list["deployments"].as_array().expect("a list").iter();
        let found = all.find(|it| it["version"] == version).unwrap_or_else(|| panic!("{version} in {list}"));
        found["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until a deployment is in a state. Fails at once if the deployment ends in another state.
    #[track_caller]
    pub(crate) fn wait_for(&self, service: &str, version: i64, state: &str) {
        let end = Instant::now() + SOON;
        loop {
            let found = self.state_of(service, version);
            if found == state {
                return;
            }
            let may_change = found == "ACTIVATING" || found == "ACTIVE";
            let log = || self.log(service);
            assert!(
                may_change && Instant::now() < end,
                "{service} {version} is {found}, not {state}: {:#?}",
                log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a service is in a state.
    #[track_caller]
    pub(crate) fn wait_for_service(&self, service: &str, state: &str) {
        until(&format!("{service} is {state}"), || self.service(service)["state"] == state);
    }

    /// The log of the containers `app` of a service, with the platform's lines.
    #[track_caller]
    pub(crate) fn log(&self, service: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut input = json!({ "serviceName": service, "containerName": "app", "startTime": 1 });
        loop {
            let page = self.done("GetContainerLog", input.clone());
            let events = page["logEvents"].as_array().expect("events").iter();
            lines.extend(events.map(|event| event["message"].as_str().expect("a message").to_owned()));
            if page["nextPageToken"].is_null() {
                return lines;
            }
            input["pageToken"] = page["nextPageToken"].clone();
        }
    }

    /// The host of a service's endpoint.
    #[track_caller]
    pub(crate) fn host(&self, service: &str) -> String {
        let url = self.service(service)["url"].as_str().expect("a url").to_owned();
        url.split("//").nth(1).expect("a host").trim_end_matches('/').to_owned()
    }

    /// The answer of a service's endpoint. Status 0 if there is none.
    pub(crate) fn get(&self, host: &str, path: &str) -> (u16, String) {
        let client = reqwest::blocking::Client::builder().no_proxy().timeout(SOON).build().expect("a client");
        let url = format!("http://{}{path}", self.server.address());
        let Ok(answer) = client.get(url).header("host", host).send() else { return (0, String::new()) };
        (answer.status().as_u16(), answer.text().unwrap_or_default())
    }

    /// All containers, running or not, as `SERVICE VERSION NODE CONTAINER`. A pause container has no name.
    pub(crate) fn containers(&self) -> Vec<String> {
        let labels = ["service", "deployment", "node", "container"];
        let shown = labels.map(|label| format!("{{{{.Label \"dev.gangplank.{label}\"}}}}")).join(" ");
        let args = ["ps", "--all", "--no-trunc", "--filter", &format!("label={OWNER}"), "--format", &shown];
        let mut lines: Vec<_> = self.docker.run(&args).ok().stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// The ids of the containers with these labels, the newest first.
    pub(crate) fn ids(&self, labels: &[&str]) -> Vec<String> {
        let filters: Vec<_> =
            labels.iter().map(|label| format!("--filter=label=dev.gangplank.{label}")).collect();
        let owner = format!("--filter=label={OWNER}");
        let filters = filters.iter().map(String::as_str).chain([owner.as_str()]);
        let args: Vec<&str> = ["ps", "--all", "--quiet", "--no-trunc"].into_iter().chain(filters).collect();
        self.docker.run(&args).ok().stdout.lines().map(str::to_owned).collect()
    }

    /// Waits until exactly these run: a version and a number of nodes for each service.
    #[track_caller]
    pub(crate) fn wait_until_only(&self, services: &[(&str, i64, u32)]) {
        let counted = || {
            let mut found: BTreeMap<(String, i64), (u32, u32)> = BTreeMap::new();
            for line in self.containers() {
                let mut words = line.split(' ');
                let service = words.next().expect("a service").to_owned();
                let version = words.next().and_then(|it| it.parse().ok()).expect("a version");
                let has_name = words.nth(1).is_some_and(|name| !name.is_empty());
                let (pauses, apps) = found.entry((service, version)).or_default();
                *(if has_name { apps } else { pauses }) += 1;
            }
            found
        };
        let wanted: BTreeMap<_, _> = services
            .iter()
            .map(|(service, version, nodes)| (((*service).to_owned(), *version), (*nodes, *nodes)))
            .collect();
        let end = Instant::now() + SOON;
        while counted() != wanted {
            assert!(Instant::now() < end, "{:#?} and not {wanted:?}", self.containers());
            sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A running server would start containers again that the daemon is about to remove.
        self.server.kill();
    }
}

/// A deployment of the trials' image with an endpoint on port 8080.
pub(crate) fn deployment(service: &str, says: &str, command: &[&str]) -> Value {
    json!({
        "serviceName": service,
        "containers": { "app": {
            "image": format!(":{service}.app.1"),
            "command": command,
            "environment": { "VERSION": says },
            "ports": { "8080": "HTTP" },
        } },
        "publicEndpoint": { "containerName": "app", "containerPort": 8080 },
    })
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    within(SOON, what, is_so);
}

/// Waits until a condition holds, at most for `time`. Returns how long it took.
#[track_caller]
pub(crate) fn within(time: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < time, "not within {time:?}: {what}");
        sleep(Duration::from_millis(20));
    }
    began.elapsed()
}
