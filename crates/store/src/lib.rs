//! What is kept, and the promises that keeping makes.
//!
//! Two stores, each behind traits whose documentation is the contract: [`metadata`] (rows) and
//! [`blobs`] (bytes). Beside them are the [`logs`] of containers, which promise less, and claims on work
//! ([`coordination`]). [`open`] is the way to all of them. Bytes are made durable before the row that makes them visible, and a row is
//! removed before its bytes: an orphaned byte is garbage, a row without bytes is data loss.

pub mod blobs;
pub mod coordination;
pub mod durable_file;
mod error;
pub mod logs;
pub mod metadata;
pub mod open;
mod reserve;
mod turns;

// The tests in the crate use the world of those beside it, which knows the crate by its name.
#[cfg(test)]
extern crate self as gangplank_store;

pub use error::{Cause, Result, StoreError};
