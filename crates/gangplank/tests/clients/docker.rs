//! Docker: a daemon for each trial, and each docker client on the path.

use std::time::{Duration, Instant};

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Call, Done, Program};
use crate::credential_helper::{self, with_helper};
use crate::dockerd::Dockerd;
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::{Suite, Test};

const INSTALL: &str = "apt-get install docker.io";
const TESTS: [(&str, Test); 5] = [
    ("login_push_register_pull", whole_story),
    ("login_push_register_pull_over_s3", over_s3),
    ("a_refusal_is_told_at_once", a_refusal),
    ("a_revoked_login_is_over", a_revoked_login),
    ("pushes_by_the_credential_helper", by_the_helper),
];

/// Adds Docker's trials, with the first client on the path, and those that depend on the client's version.
pub(crate) fn add(suite: &mut Suite) {
    let daemon = Program::find("dockerd").is_some();
    let mut clients = Program::all("docker").into_iter().filter(|_| daemon);
    suite.client("docker", INSTALL, clients.next(), &TESTS);
    for other in clients {
        suite.client("docker_of_another_version", INSTALL, Some(other), &TESTS);
    }
}

fn whole_story(docker: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Docker::start(&bench, docker));
}

/// Pushes and pulls with blobs in the bucket of each S3 server of other projects.
fn over_s3(docker: &Program) {
    for s3 in Bench::s3_servers() {
        let bench = Bench::over_s3(&s3);
        journey(&bench, &mut Docker::start(&bench, docker));
    }
}

/// Docker repeats requests, for most of a minute, if it takes a failure for a temporary one.
fn a_refusal(program: &Program) {
    let bench = Bench::new();
    let mut docker = Docker::start(&bench, program);
    docker.log_in(&bench.push_login()).unwrap().ok();
    let started = Instant::now();
    docker.pull(&bench.image("web:app.1")).refused(&["this login can only push"]);
    docker.log_in(&bench.pull_login()).unwrap().ok();
    docker.make();
    docker.push(&bench.image("sr:first")).refused(&["this login can only pull"]);
    docker.push(&bench.image("web:app.2")).refused(&["this login can only pull"]);
    assert!(started.elapsed() < Duration::from_secs(20), "docker went on trying");
}

fn a_revoked_login(program: &Program) {
    let bench = Bench::new();
    let mut docker = Docker::start(&bench, program);
    docker.log_in(&bench.push_login()).unwrap().ok();
    docker.make();
    docker.push(&bench.image("sr:before")).ok();
    bench.revoke_logins();
    docker.push(&bench.image("sr:after")).refused(&["unauthorized"]);
    docker.run(&["logout", &bench.server.host()]).ok();
    docker.push(&bench.image("sr:after")).refused(&["no basic auth credentials", "unauthorized"]);
}

/// Nobody has logged in, so docker asks the helper.
fn by_the_helper(program: &Program) {
    let bench = credential_helper::bench();
    let mut docker = Docker::start(&bench, program);
    docker.make();
    let image = bench.image("sr:helped");
    docker.run(&["tag", "local:image", &image]).ok();
    docker.run(&["push", &image]).refused(&["credential", "unauthorized"]);
    with_helper(&bench, docker.call(&["push", &image])).run().ok();
    assert!(bench.has("sr", "helped"));
}

/// A daemon with a client.
pub(crate) struct Docker<'a> {
    bench: &'a Bench,
    /// The value for `DOCKER_HOST`.
    pub(crate) socket: String,
    daemon: Dockerd,
}

impl<'a> Docker<'a> {
    /// Starts a daemon that uses only its own folder of this machine.
    pub(crate) fn start(bench: &'a Bench, client: &Program) -> Self {
        let daemon = Dockerd::start(&bench.server.home().join("dockerd"), client);
        Self { bench, socket: daemon.socket(), daemon }
    }

    fn call(&self, args: &[&str]) -> Call {
        self.daemon.call_in(&self.bench.home(), args)
    }

    /// Runs a command.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.call(args).run()
    }
}

impl ImageTool for Docker<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        let call = self.call(&["login", "-u", &login.username, "--password-stdin", &login.registry]);
        Some(call.input(login.password.as_str()).run())
    }

    fn make(&mut self) {
        self.call(&["import", "-", "local:image"]).input(images::file_system()).run().ok();
    }

    fn push(&self, reference: &str) -> Done {
        self.run(&["tag", "local:image", reference]).ok();
        self.run(&["push", reference])
    }

    fn pushed_digest(&self, push: &Done) -> String {
        push.digest()
    }

    fn forget(&self) {
        let images = self.run(&["images", "--quiet", "--no-trunc"]).ok().stdout;
        let mut ids: Vec<&str> = images.lines().collect();
        ids.dedup();
        if !ids.is_empty() {
            self.run(&[["rmi", "--force"].as_slice(), &ids].concat()).ok();
        }
        assert_eq!(self.run(&["images", "--all", "--quiet"]).ok().stdout, "");
    }

    fn pull(&self, reference: &str) -> Done {
        self.run(&["pull", reference])
    }
}
