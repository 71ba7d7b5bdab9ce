//! The AWS SDK for Rust: the program in `e2e/rust-sdk`, which CI builds.

use std::path::PathBuf;

use crate::bench::Bench;
use crate::client::Program;
use crate::keyless::Job;
use crate::suite::Suite;

/// Adds the SDK's trial.
pub(crate) fn add(suite: &mut Suite) {
    let program = std::env::var_os("GANGPLANK_RUST_SDK").and_then(|path| Program::at(&PathBuf::from(path)));
    let install = "cargo build in e2e/rust-sdk, named by GANGPLANK_RUST_SDK";
    suite.client("rust_sdk", install, program, &[("control_flow", control_flow), ("job_without_a_key", job)]);
}

fn control_flow(program: &Program) {
    let bench = Bench::new();
    let (id, secret) = bench.access_key();
    let call = bench.call(program, []).env("GANGPLANK_ENDPOINT", bench.server.endpoint());
    call.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret).run().ok();
}

fn job(program: &Program) {
    let job = Job::new();
    job.push_by(|args| job.bench.call(program, args.iter().copied()));
}
