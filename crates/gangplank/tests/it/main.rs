//! The program end to end, over HTTP, in one binary.

mod house;
mod main_job;

use gangplank_testkit::TestServer;

/// A server with nothing configured.
fn server() -> TestServer {
    TestServer::start(env!("CARGO_BIN_EXE_gangplank"))
}
