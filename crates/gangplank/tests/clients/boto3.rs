//! Boto3, by the script beside this file, with only the files that the server writes.

use std::path::Path;

use gangplank_testkit::Image;
use serde_json::json;

use crate::bench::Bench;
use crate::client::Program;
use crate::keyless::Job;
use crate::suite::Suite;

/// Adds boto3's trials.
pub(crate) fn add(suite: &mut Suite) {
    let tests: [(&str, crate::suite::Test); 4] = [
        ("control_flow", control_flow),
        ("errors", errors),
        ("sts_and_others", sts_and_others),
        ("job_without_a_key", job_without_a_key),
    ];
    suite.client(
        "boto3",
        "pip install boto3, for $GANGPLANK_PYTHON or python3",
        python("import boto3; print(boto3.__version__)"),
        &tests,
    );
}

/// The Python in `GANGPLANK_PYTHON`, else the first on the path that can run this script. The script prints the
/// version.
pub(crate) fn python(script: &str) -> Option<Program> {
    let found = match std::env::var_os("GANGPLANK_PYTHON") {
        Some(path) => Program::at(Path::new(&path)).into_iter().collect(),
        None => Program::all("python3"),
    };
    let home = tempfile::tempdir().expect("a home");
    found.into_iter().find_map(|python| {
        let done = python.call(home.path(), ["-c", script]).run();
        let version = done.stdout.trim().to_owned();
        (done.code == Some(0)).then_some(Program { version, ..python })
    })
}

fn control_flow(python: &Program) {
    let bench = Bench::new();
    let login = bench.push_login();
    let image = Image::unique(1);
    let digest = bench.server.registry_as(&login).push_image("sr", "boto3", &image);
    script(&bench, python, &["control_flow", &bench.server.host(), &digest]);
}

fn errors(python: &Program) {
    script(&Bench::new(), python, &["errors"]);
}

fn sts_and_others(python: &Program) {
    let bench = Bench::new();
    let made = bench.server.api().gangplank("CreateAccessKey", &json!({ "account": "111122223333" })).body;
    let member = |name: &str| made["accessKey"][name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    script(&bench, python, &["sts_and_others", &member("accessKeyId"), &member("secretAccessKey")]);
}

fn job_without_a_key(python: &Program) {
    let job = Job::new();
    job.push_by(|args| {
        let script = script_path();
        let args = ["-B", script.as_str(), "web_identity"].into_iter().chain(args.iter().copied());
        job.bench.call(python, args)
    });
}

fn script_path() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/boto3_flow.py").display().to_string()
}

fn script(bench: &Bench, python: &Program, args: &[&str]) {
    let script = script_path();
    let args = ["-B", script.as_str()].into_iter().chain(args.iter().copied());
    bench.call_with_keys(python, args).run().ok();
}
