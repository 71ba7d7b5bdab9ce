//! The program end to end, over HTTP, in one binary.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failure here is a failed test")]

mod answers;
mod api_auth;
mod api_errors;
mod api_images;
mod api_limits;
mod api_logins;
mod api_retries;
mod api_services;
mod api_signatures;
mod api_tags;
mod api_wire;
mod blobs;
mod fake_endpoint;
mod house;
mod main_job;
mod push_logins;
mod races;
mod raw;
mod recordings;
mod registry_auth;
mod uploads;

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

/// A server to be configured.
fn builder() -> ServerBuilder {
    TestServer::builder(PROGRAM)
}
