//! The program end to end, over HTTP, in one binary.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failure here is a failed test")]

mod answers;
mod blobs;
mod crash;
mod disk_full;
mod documents;
mod http_limits;
mod http_patience;
mod main_job;
mod manifests;
mod pull_logins;
mod push_logins;
mod races;
mod raw;
mod referrers;
mod registry_auth;
mod secrets;
mod shutdown;
mod smuggling;
mod tags;
mod tenants_registry;
mod tls;
mod uploads;

use gangplank_testkit::{ServerBuilder, TestServer};

/// A server with nothing configured.
fn server() -> TestServer {
    builder().start()
}

/// A server to be configured.
fn builder() -> ServerBuilder {
    TestServer::builder(env!("CARGO_BIN_EXE_gangplank"))
}
