//! Code that end-to-end tests share: a server in its own process, on port 0 and in a hermetic home; signed
//! calls to its API; images; and a registry client that is not the program's own.
//!
//! A failure here is a failed test, so functions panic with a reason and return no errors.

mod api;
mod client;
pub mod identity;
mod image;
pub mod postgres;
mod registry;
pub mod replicas;
pub mod s3;
mod server;
mod skip;

pub use api::{Api, ApiAnswer};
pub use image::{Blob, Image};
pub use postgres::Postgres;
pub use registry::{Login, Registry};
pub use server::{MASTER_KEY, Replica, ServerBuilder, TestServer};
pub use skip::{clients_are_required, skip};
