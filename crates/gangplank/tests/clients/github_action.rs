//! The GitHub Action in `action/`, run by node as a runner runs it: inputs and the address for tokens are in the
//! environment, results are in files, and its last step comes after all others. A client then pushes with the login.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gangplank_testkit::TestServer;
use gangplank_testkit::identity::TokenEndpoint;
use serde_json::{Value, json};

use crate::client::{Call, Done, Program};
use crate::images;
use crate::js_sdk;
use crate::keyless::Job;
use crate::suite::Suite;

/// The default audience of the action's token for a server here.
const HOST: &str = "127.0.0.1";

/// Another registry's login, which has to stay unchanged.
const OTHER: &str = "b3RoZXI6c2VjcmV0";

/// Adds the action's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.client(
        "github_action",
        ".ci/run fetches node, see GANGPLANK_JS there; and apt-get install skopeo openssl",
        js_sdk::node().filter(|_| Program::find("skopeo").is_some() && Program::find("openssl").is_some()),
        &[
            ("login_push_logout", whole_story),
            ("pull_login_beside_another", pull_login),
            ("the_endpoint_as_audience", other_audience),
            ("a_helper_keeps_the_login", helper),
            ("own_authority", own_authority),
            ("refusals_say_what_to_do", refusals),
            ("a_file_that_is_none_stays", broken_file),
        ],
    );
}

/// A runner during a job.
struct Runner<'a> {
    job: &'a Job,
    node: &'a Program,
    tokens: TokenEndpoint,
}

/// The state that the first step leaves for the last step.
type State = Vec<(String, String)>;

impl<'a> Runner<'a> {
    fn of(job: &'a Job, node: &'a Program) -> Self {
        Self { job, node, tokens: job.token_endpoint() }
    }

    /// A step of the action. `with` are its inputs.
    fn step(&self, file: &str, with: &[(&str, &str)]) -> Call {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../action/src").join(file);
        let mut call = self.job.bench.call(self.node, [script.display().to_string().as_str()]);
        for (name, value) in self.tokens.environment() {
            call = call.env(name, value);
        }
        for name in ["GITHUB_OUTPUT", "GITHUB_STATE"] {
            call = call.env(name, self.job.bench.write(name, ""));
        }
        let (endpoint, role) = (self.job.bench.server.endpoint(), self.job.role.clone());
        call = call.env("INPUT_ENDPOINT", endpoint).env("INPUT_ROLE", role);
        for (name, value) in with {
            call = call.env(&format!("INPUT_{}", name.to_uppercase()), value);
        }
        call
    }

    /// The first step, which has to succeed. Returns the state for the last step.
    fn log_in(&self, with: &[(&str, &str)]) -> (Done, State) {
        let done = self.step("login.mjs", with).run().ok();
        let state = self.handed_on("GITHUB_STATE");
        (done, state)
    }

    /// The last step, in the same environment.
    fn log_out(&self, state: &State) -> Done {
        let mut call = self.step("logout.mjs", &[]);
        for (name, value) in state {
            call = call.env(&format!("STATE_{name}"), value);
        }
        call.run().ok()
    }

    fn handed_on(&self, file: &str) -> State {
        handed_on(&self.job.bench.home().join(file))
    }

    fn config(&self) -> PathBuf {
        self.job.bench.home().join(".docker/config.json")
    }

    /// Skopeo pushes with the action's login, which is only in docker's file.
    fn push(&self, tag: &str) -> Done {
        let bench = &self.job.bench;
        images::write_layout(&bench.home().join("layout"));
        let target = format!("docker://{}", bench.image(&format!("sr:{tag}")));
        let skopeo = Program::find("skopeo").expect("skopeo");
        let args = ["copy", "--dest-tls-verify=false", "oci:layout:latest", &target];
        bench.call(&skopeo, args).env("REGISTRY_AUTH_FILE", self.config()).run()
    }
}

/// The values in a file of results. The last value of a name counts.
pub(crate) fn handed_on(file: &Path) -> State {
    let text = fs::read_to_string(file).expect("the file");
    let mut lines = text.lines();
    let mut found = State::new();
    while let Some((name, end)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        found.retain(|(known, _)| known != name);
        found.push((name.to_owned(), value.join("\n")));
    }
    found
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).expect("the file")).expect("JSON")
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).expect("the file").permissions().mode() & 0o777
}

fn whole_story(node: &Program) {
    let job = Job::at(&[HOST], |server| server);
    let runner = Runner::of(&job, node);
    let bench = &job.bench;
    let (registry, config) = (bench.server.host(), runner.config());
    // A machine whose file already has something, and whose mode allows others to read it.
    let before = json!({ "auths": { "ghcr.io": { "auth": OTHER } }, "proxies": { "default": {} } });
    bench.write(".docker/config.json", before.to_string());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("its mode");

    let (done, state) = runner.log_in(&[]);
    assert_eq!(runner.tokens.audiences(), [HOST]);
    let after = read(&config);
    let auth = after["auths"][&registry]["auth"].as_str().unwrap_or_else(|| panic!("{after}")).to_owned();
    assert_eq!((&after["auths"]["ghcr.io"]["auth"], mode(&config)), (&json!(OTHER), 0o600));
    assert_eq!(after["proxies"], before["proxies"]);
    let saved: Value = serde_json::from_str(&state[0].1).expect("the state");
    let password = saved["password"].as_str().expect("the password");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("::add-mask::ey"), "{done}");
    assert_eq!(lines[1..3], [format!("::add-mask::{password}"), format!("::add-mask::{auth}")]);
    let rest = lines[3..].join("\n");
    assert!(rest.contains("A push login for") && !rest.contains(password) && !rest.contains(&auth), "{done}");
    assert_eq!(done.stderr, "");
    let outputs = runner.handed_on("GITHUB_OUTPUT");
    assert_eq!(outputs[0], ("registry".to_owned(), registry.clone()));
    assert!(outputs[1].0 == "expires-at" && outputs[1].1.ends_with('Z'), "{outputs:?}");

    runner.push("one").ok();
    assert!(bench.has("sr", "one"));
    let done = runner.log_out(&state);
    assert_eq!(read(&config), before, "as it was: {done}");
    assert!(!done.stdout.contains("::warning::"), "{done}");

    // A login that was kept is no longer accepted.
    bench.write(".docker/config.json", after.to_string());
    runner.push("two").refused(&["401", "unauthorized", "authentication required"]);
    assert!(!bench.has("sr", "two"));
    let events = bench.server.api().gangplank("ListAuditEvents", &json!({ "kind": "LoginRevoked" })).body;
    assert_eq!(events["auditEvents"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(events["auditEvents"][0]["roleName"], "push-web", "{events}");
    // Running it again changes nothing, and is no error.
    let done = runner.log_out(&state);
    assert!(!done.stdout.contains("::warning::"), "{done}");
}

fn pull_login(node: &Program) {
    let job = Job::at(&[HOST], |server| server);
    let (runner, bench) = (Runner::of(&job, node), &job.bench);
    let api = bench.server.api();
    let pushing = api.gangplank("GetRole", &json!({ "roleName": "push-web" })).body;
    let policy = pushing["role"]["trustPolicy"].clone();
    let made =
        json!({ "roleName": "pull-web", "preset": "read", "services": ["web"], "trustPolicy": policy });
    let role = api.gangplank("CreateRole", &made).body["role"]["arn"].as_str().expect("the role").to_owned();
    let (first, pushing) = runner.log_in(&[]);
    let podman = bench.home().join("auth.json");
    let pushes = read(&podman)["auths"][bench.server.host()]["auth"].clone();
    assert!(pushes.is_string(), "podman's file was asked for: {first}");
    // A second login for the same registry replaces the first one, and restores it at the end.
    let (second, pulling) =
        runner.log_in(&[("role", &role), ("service-name", "web"), ("region", "us-east-1")]);
    assert!(second.stdout.contains("login that pulls the images of web"), "{second}");
    assert_ne!(read(&podman)["auths"][bench.server.host()]["auth"], pushes);
    runner.push("no").refused(&["denied", "403"]);
    runner.log_out(&pulling);
    assert_eq!(read(&podman)["auths"][bench.server.host()]["auth"], pushes);
    runner.push("yes").ok();
    runner.log_out(&pushing);
    assert_eq!(read(&podman), json!({ "auths": {} }));
}

/// The server only accepts tokens for its whole address, as `gangplank login` requests them.
fn other_audience(node: &Program) {
    let said = "https://registry.example";
    let job = Job::at(&[said], |server| server);
    let runner = Runner::of(&job, node);
    let (endpoint, host) = (job.bench.server.endpoint(), HOST.to_owned());
    let refused = runner.step("login.mjs", &[]).run();
    refused.refused(&["Incorrect token audience: ask the issuer for a token for https://registry.example"]);
    assert_eq!(runner.tokens.audiences(), [host, endpoint]);
    let (_, state) = runner.log_in(&[("audience", said)]);
    assert_eq!(runner.tokens.audiences()[2], said);
    runner.log_out(&state);

    // The server's port is not known when its audience is configured, so the issuer makes its tokens for another name
    // of the server.
    for audiences in [&[said][..], &[said, HOST]] {
        let job = Job::at(audiences, |server| server);
        let meant = move |asked: &str| if asked.starts_with("http://") { said } else { asked }.to_owned();
        let runner = Runner { job: &job, node, tokens: job.token_endpoint_for(meant) };
        let (_, state) = runner.log_in(&[]);
        assert_eq!(runner.tokens.audiences(), [HOST.to_owned(), job.bench.server.endpoint()]);
        runner.log_out(&state);
    }
}

fn helper(node: &Program) {
    let job = Job::at(&[HOST], |server| server);
    let (runner, bench) = (Runner::of(&job, node), &job.bench);
    let kept = bench.home().join("kept");
    let script = format!("#!/bin/sh\necho \"$1 $(cat)\" >> {}\n", kept.display());
    let program = bench.write("bin/docker-credential-shelf", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its mode");
    let config = json!({ "credsStore": "shelf" });
    bench.write(".docker/config.json", config.to_string());
    let path = format!("{}:/usr/bin:/bin", bench.home().join("bin").display());
    let with_path = |call: Call| call.env("PATH", &path).env("REGISTRY_AUTH_FILE", "");
    with_path(runner.step("login.mjs", &[])).run().ok();
    let state = runner.handed_on("GITHUB_STATE");
    let text = fs::read_to_string(&kept).expect("what was kept");
    assert!(text.starts_with("store {") && text.contains(&bench.server.host()), "{text}");
    let mut call = with_path(runner.step("logout.mjs", &[]));
    for (name, value) in &state {
        call = call.env(&format!("STATE_{name}"), value);
    }
    call.run().ok();
    let text = fs::read_to_string(&kept).expect("what was kept");
    assert!(text.ends_with(&format!("erase {}\n", bench.server.host())), "{text}");
    assert_eq!(read(&runner.config()), config);
}

fn own_authority(node: &Program) {
    let folder = crate::tls::certificates();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("ca.crt"), file("key.pem"));
    let job = Job::over_tls(&[HOST], &certificate, &key);
    let runner = Runner::of(&job, node);
    let endpoint = format!("https://{}", job.bench.server.host());
    let with = [("endpoint", endpoint.as_str())];
    let refused = runner.step("login.mjs", &with).run();
    refused.refused(&["name the authority's with the input ca-file"]);
    let absent = [with[0], ("ca-file", "/none.pem")];
    runner.step("login.mjs", &absent).run().refused(&["the ca-file /none.pem cannot be read"]);
    let (_, state) = runner.log_in(&[with[0], ("ca-file", &certificate)]);
    let done = runner.log_out(&state);
    assert!(!done.stdout.contains("::warning::"), "{done}");
}

fn refusals(node: &Program) {
    let job = Job::at(&[HOST], |server| server.arg("--public-address").arg("registry.example"));
    let runner = Runner::of(&job, node);
    for (with, words) in [
        (("endpoint", ""), "the input endpoint is missing"),
        (("endpoint", "registry.example"), "is no address"),
        (("endpoint", "http://registry.example:5000"), "http:// is taken on loopback only"),
        (("endpoint", "https://a:b@registry.example"), "more than an address"),
        (("role", "push-web"), "the role push-web is no ARN"),
        (("role", "arn:aws:iam::000000000000:role/absent"), "This job's token says: iss="),
        (("region", "mars-1"), "The region \"mars-1\" is not served"),
        (("ca-file", &job.token.display().to_string()), "holds no certificate"),
        (("service-name", "web"), "AccessDeniedException"),
        (("audience", "other"), "say another with the input audience"),
        (("endpoint", "http://127.0.0.1:1"), "http://127.0.0.1:1 cannot be asked"),
        (("role", "arn:aws:iam::000000000000:role/x\n::set-output name=a::b"), "is no ARN"),
    ] {
        let done = runner.step("login.mjs", &[with]).run().refused(&[words]);
        assert!(done.stdout.lines().any(|line| line.starts_with("::error::")), "{done}");
        assert!(!done.stdout.contains("\n::set-output"), "{done}");
        assert!(!done.stderr.contains("    at "), "no stack: {done}");
    }
    // The registry has to be named in an option. Until then no login is written.
    let named = "the server names the registry registry.example";
    runner.step("login.mjs", &[]).run().refused(&[named]);
    assert!(!runner.config().exists());
    let (_, state) = runner.log_in(&[("registry", "registry.example")]);
    runner.log_out(&state);
    let none = runner.step("login.mjs", &[]).env("ACTIONS_ID_TOKEN_REQUEST_URL", "");
    none.run().refused(&["permissions: id-token: write"]);
    let fork = runner.step("login.mjs", &[]).env("ACTIONS_ID_TOKEN_REQUEST_URL", "");
    fork.env("GITHUB_EVENT_NAME", "pull_request").run().refused(&["from a fork is given none"]);
    let bearer = runner.step("login.mjs", &[]).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong");
    bearer.run().refused(&["gave no identity token: it answered 401"]);
}

fn broken_file(node: &Program) {
    let job = Job::at(&[HOST], |server| server);
    let runner = Runner::of(&job, node);
    for content in ["{\"auths\": [", "[]", "{\"auths\": 1}", "word"] {
        job.bench.write(".docker/config.json", content);
        let done = runner.step("login.mjs", &[]).run();
        done.refused(&["is no file of docker's, and is left as it is"]);
        assert_eq!(fs::read_to_string(runner.config()).expect("the file"), content);
    }
    assert_eq!(runner.tokens.audiences(), [""; 0], "no login was made that has no place");
    assert_eq!(logins(&job.bench.server), 0);
}

fn logins(server: &TestServer) -> usize {
    let listed = server.api().gangplank("ListRegistryLogins", &json!({})).body;
    listed["registryLogins"].as_array().expect("logins").len()
}
