//! The program end to end, over HTTP, in one binary.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failure here is a failed test")]

mod answers;
mod blobs;
mod main_job;
mod push_logins;
mod races;
mod raw;
mod registry_auth;
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
