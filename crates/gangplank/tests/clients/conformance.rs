//! The OCI conformance checks, with an operator's login.

use std::path::Path;

use crate::bench::Bench;
use crate::boto3::python;
use crate::client::Program;
use crate::suite::Suite;

/// Adds the checks.
pub(crate) fn add(suite: &mut Suite) {
    let version = "import platform; print(platform.python_version())";
    suite.client(
        "conformance",
        "apt-get install python3",
        python(version),
        &[("distribution_spec", checks), ("distribution_spec_over_s3", checks_over_s3)],
    );
}

fn checks(python: &Program) {
    check(python, &Bench::new());
}

fn checks_over_s3(python: &Program) {
    Bench::s3_servers().for_each(|s3| check(python, &Bench::over_s3(&s3)));
}

fn check(python: &Program, bench: &Bench) {
    let login = bench.server.operator_login();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/conformance.py");
    let (script, url) = (script.display().to_string(), bench.server.endpoint());
    let args = [
        "-B",
        &script,
        "--url",
        &url,
        "--username",
        &login.username,
        "--password",
        &login.password,
        "--strict",
    ];
    let done = bench.call(python, args).run().ok();
    eprintln!("conformance: {}", done.stdout.trim().lines().last().unwrap_or_default());
}
