//! The program end to end, over HTTP, in one binary.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod house;
mod main_job;

use gangplank_testkit::TestServer;

/// A server with nothing configured.
fn server() -> TestServer {
    TestServer::start(env!("CARGO_BIN_EXE_gangplank"))
}
