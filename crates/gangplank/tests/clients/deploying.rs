//! Images that run on Docker: `gangplank quickstart`, `deploy`, `logs` and `services`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::Bench;
use crate::client::Program;
use crate::docker::Docker;
use crate::suite::{Suite, Test};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");
const TESTS: [(&str, Test); 2] =
    [("quickstart_ends_with_a_page", quickstart), ("deploy_logs_and_services", beside_a_quickstart)];

/// Adds the trials, with the first docker client on the path.
pub(crate) fn add(suite: &mut Suite) {
    let has_daemon = Program::find("dockerd").is_some();
    let client = Program::all("docker").into_iter().next().filter(|_| has_daemon);
    suite.client("deploying_on_docker", "apt-get install docker.io", client, &TESTS);
}

/// A command of ours with an engine, and without the caller's environment.
fn command(home: &Path, docker: &Docker<'_>, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().current_dir(home).stdin(Stdio::null());
    command.env("HOME", home).env("TMPDIR", home).env("DOCKER_HOST", &docker.socket);
    command
}

/// Checks that the engine has no containers left.
#[track_caller]
fn check_empty(docker: &Docker<'_>) {
    assert_eq!(docker.run(&["ps", "--all", "--quiet"]).ok().stdout, "");
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn quickstart(client: &Program) {
    let bench = Bench::new();
    let docker = Docker::start(&bench, client);
    let (code, told, complaints) =
        text(&command(&bench.home(), &docker, &["quickstart", "--exit"]).output().unwrap());
    assert_eq!(code, Some(0), "{told}{complaints}");
    for part in ["serving one page on port 8080", "version 1 is ACTIVE", "200 OK", "Hello from a gangplank"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    check_empty(&docker);
}

/// A quickstart that keeps running. Dropping it ends the command.
struct Staying(Child);

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn beside_a_quickstart(client: &Program) {
    let bench = Bench::new();
    let docker = Docker::start(&bench, client);
    let home = bench.home();
    let mut story = command(&home, &docker, &["quickstart", "--data-dir", "data"]);
    let mut story = Staying(story.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(story.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let open = lines.find(|line| line.starts_with("Open ")).expect("the address of the page");
    let url = open.split(' ').nth(1).unwrap().to_owned();
    let service = url.strip_prefix("http://").unwrap().split('.').next().unwrap().to_owned();
    let ran = |args: &[&str]| {
        text(&command(&home, &docker, &[args, &["--data-dir", "data"]].concat()).output().unwrap())
    };
    let image = format!(":{service}.hello.1");
    let deploy = ["deploy", &service, "--image", &image, "--wait"];

    // The port is the port of the last deployment.
    let (code, told, states) = ran(&deploy);
    assert_eq!((code, told.as_str()), (Some(0), format!("{url}\n").as_str()), "{states}");
    assert!(states.ends_with(&format!("Deployment 2 of {service} is ACTIVE.\n")), "{states}");
    // The options set a command. The command does not replace the image's entry point, which ignores the command.
    let (code, _, states) = ran(&[&deploy[..], &["--command", "/none"]].concat());
    assert_eq!(code, Some(0), "{states}");
    // No container answers on that port, and the command does not wait for it.
    let (code, _, reason) =
        ran(&[&deploy[..], &["--health-path", "/", "--port", "81", "--timeout", "1s"]].concat());
    assert!(code == Some(1) && reason.contains("deployment 4 of"), "{reason}");
    let (_, shown, _) = ran(&["services"]);
    assert!(shown.starts_with(&format!("{service} state=DEPLOYING ")), "{shown}");
    assert!(shown.contains(" version=3 nextVersion=4 nodes=1 "), "{shown}");
    let (_, log, _) = ran(&["logs", &service]);
    for version in 1..=4 {
        assert!(log.contains(&format!("[deployment:{version}] Started 1 new node\n")), "{log}");
    }
    assert!(log.matches("serving one page on port 8080\n").count() >= 3, "{log}");

    kill_process(Pid::from_raw(i32::try_from(story.0.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    assert_eq!(story.0.wait().unwrap().code(), Some(0));
    check_empty(&docker);
}
