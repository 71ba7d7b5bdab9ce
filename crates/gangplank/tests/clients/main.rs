//! Tests the program with unmodified clients of other projects, each with its own server and home. If a
//! client is not installed, its trials are skipped, and the output names it. With
//! `GANGPLANK_REQUIRE_CLIENTS=1`, as in CI, they fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]

mod aws_cli;
mod aws_credentials_action;
mod bench;
mod boto3;
mod buildah;
mod buildkit;
mod client;
mod conformance;
mod console;
mod containerd;
mod containers;
mod cosign;
mod crane;
mod credential_helper;
mod daemon;
mod deploying;
mod docker;
mod dockerd;
mod github_action;
mod go_sdk;
mod helm;
mod images;
mod jib;
mod journey;
mod js_sdk;
mod keyless;
mod ko;
mod oci_conformance;
mod oras;
mod plugin;
mod podman;
mod promtool;
mod redirected;
mod regctl;
mod rust_sdk;
mod services;
mod services_app;
mod services_by_clients;
mod services_failing;
mod services_faults;
mod services_kept_in;
mod services_load;
mod services_logs;
mod services_under_load;
mod skopeo;
mod suite;
mod tls;
mod words;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut suite = suite::Suite::default();
    aws_cli::add(&mut suite);
    plugin::add(&mut suite);
    boto3::add(&mut suite);
    rust_sdk::add(&mut suite);
    go_sdk::add(&mut suite);
    js_sdk::add(&mut suite);
    console::add(&mut suite);
    github_action::add(&mut suite);
    aws_credentials_action::add(&mut suite);
    docker::add(&mut suite);
    deploying::add(&mut suite);
    services::add(&mut suite);
    podman::add(&mut suite);
    skopeo::add(&mut suite);
    promtool::add(&mut suite);
    buildah::add(&mut suite);
    containerd::add(&mut suite);
    redirected::add(&mut suite);
    credential_helper::add(&mut suite);
    tls::add(&mut suite);
    crane::add(&mut suite);
    oras::add(&mut suite);
    regctl::add(&mut suite);
    helm::add(&mut suite);
    cosign::add(&mut suite);
    ko::add(&mut suite);
    jib::add(&mut suite);
    buildkit::add(&mut suite);
    conformance::add(&mut suite);
    oci_conformance::add(&mut suite);
    suite.run(&arguments)
}
