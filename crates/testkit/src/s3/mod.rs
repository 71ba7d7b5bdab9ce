//! S3 servers of other projects, started for tests, and a proxy in front of them that makes the faults of
//! networks and servers.

mod faults;
mod program;
mod server;

pub use faults::{Fault, FaultProxy, Seen};
pub use program::Program;
pub use server::{BUCKET, S3Server};
