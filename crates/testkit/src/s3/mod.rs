//! S3 servers that others made, started for tests, and a proxy before them that does what networks and servers do.

mod faults;
mod program;
mod server;

pub use faults::{Fault, FaultProxy, Seen};
pub use program::Program;
pub use server::{BUCKET, S3Server};
