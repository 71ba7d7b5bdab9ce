//! The program end to end, over HTTP, in one binary.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod access_keys;
mod api_auth;
mod api_deployments;
mod api_errors;
mod api_images;
mod api_limits;
mod api_logins;
mod api_races;
mod api_retries;
mod api_services;
mod api_signatures;
mod api_tags;
mod api_tenants;
mod api_wire;
mod cli;
mod cli_access_key;
mod cli_registry_login;
mod cli_serve;
mod house;
mod main_job;
mod quickstart;
mod secrets;

use gangplank_testkit::{ServerBuilder, TestServer};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");

/// A server with nothing configured.
fn server() -> TestServer {
    TestServer::start(PROGRAM)
}

/// A server with something configured.
fn server_with(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> TestServer {
    configure(TestServer::builder(PROGRAM)).start()
}
