//! The AWS SDK for Go: the program in `e2e/go-sdk`, which CI builds.

use std::path::PathBuf;

use crate::client::Program;
use crate::keyless::Job;
use crate::suite::Suite;

/// Adds the SDK's trial.
pub(crate) fn add(suite: &mut Suite) {
    let program = std::env::var_os("GANGPLANK_GO_SDK").and_then(|path| Program::at(&PathBuf::from(path)));
    let install = "go build in e2e/go-sdk, named by GANGPLANK_GO_SDK";
    suite.client("go_sdk", install, program, &[("job_without_a_key", job)]);
}

fn job(program: &Program) {
    let job = Job::new();
    // The SDK's provider of credentials only knows the address for all services after a call of STS. So STS has its
    // own address.
    let sts = job.bench.server.endpoint();
    job.push_by(|args| job.bench.call(program, args.iter().copied()).env("AWS_ENDPOINT_URL_STS", &sts));
}
