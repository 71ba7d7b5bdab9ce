//! The real aws-actions/configure-aws-credentials, run by node as a runner runs it. No package registry has it, so
//! its trial only runs if `GANGPLANK_AWS_CREDENTIALS_ACTION` names a checkout of it.

use std::path::PathBuf;

use crate::client::Program;
use crate::github_action::handed_on;
use crate::images;
use crate::js_sdk;
use crate::keyless::Job;
use crate::suite::Suite;

/// Adds the action's trial, if the action is available.
pub(crate) fn add(suite: &mut Suite) {
    if folder().is_some() {
        let install = ".ci/run fetches node, see GANGPLANK_JS there";
        suite.client("aws_credentials_action", install, js_sdk::node(), &[("job_without_a_key", job)]);
    }
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("GANGPLANK_AWS_CREDENTIALS_ACTION").map(PathBuf::from)
}

/// The action makes the keys of a session, and later steps work with them.
fn job(node: &Program) {
    let audience = "https://registry.example.com";
    let job = Job::at(&[audience], |server| server);
    let (bench, tokens) = (&job.bench, job.token_endpoint());
    let script = folder().expect("the action").join("dist/index.js").display().to_string();
    let mut call = bench.call(node, [script.as_str()]);
    for (name, value) in tokens.environment() {
        call = call.env(name, value);
    }
    for name in ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_PATH"] {
        call = call.env(name, bench.write(name, ""));
    }
    for (name, value) in [
        ("AWS-REGION", "us-east-1"),
        ("ROLE-TO-ASSUME", job.role.as_str()),
        ("AUDIENCE", audience),
        ("STS-ENDPOINT", &bench.server.endpoint()),
        ("ROLE-DURATION-SECONDS", "3600"),
        ("ROLE-SESSION-NAME", "GitHubActions"),
        ("RETRY-MAX-ATTEMPTS", "2"),
    ] {
        call = call.env(&format!("INPUT_{name}"), value);
    }
    for (name, value) in [
        ("GITHUB_REPOSITORY", "acme/web"),
        ("GITHUB_WORKFLOW", "push"),
        ("GITHUB_ACTION", "login"),
        ("GITHUB_ACTOR", "octocat"),
        ("GITHUB_SHA", "c0ffee"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_WORKSPACE", "/work"),
    ] {
        call = call.env(name, value);
    }
    let done = call.run().ok();
    assert_eq!(tokens.audiences(), [audience], "{done}");
    let left = handed_on(&bench.home().join("GITHUB_ENV"));
    assert!(left.iter().any(|(name, _)| name == "AWS_SESSION_TOKEN"), "{done}");

    go_on(&job, left);
}

/// Later steps with the keys: as the role, they push an image and register it.
fn go_on(job: &Job, keys: Vec<(String, String)>) {
    let bench = &job.bench;
    images::write_layout(&bench.home().join("layout"));
    let gangplank = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).expect("gangplank");
    let push = ["push", "oci:layout", "--service-name=web", "--label=app", "--quiet"];
    let mut call = bench.call(&gangplank, push).env("AWS_ENDPOINT_URL_LIGHTSAIL", bench.server.endpoint());
    for (name, value) in keys {
        call = call.env(&name, value);
    }
    let done = call.run().ok();
    assert_eq!(done.stdout, ":web.app.1\n", "{done}");
    job.check_origin(":web.app.1");
}
