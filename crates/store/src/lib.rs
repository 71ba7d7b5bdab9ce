//! Storage, and what it promises.
//!
//! There are two stores, [`metadata`] (rows) and [`blobs`] (bytes). Each is behind traits whose documentation
//! is the contract. There are also the [`logs`] of containers, which promise less, and claims on work
//! ([`coordination`]). [`open`] opens them all. Bytes become durable before the row that makes them visible,
//! and a row is removed before its bytes. In the other order a crash could leave a row without bytes, which is
//! data loss. Bytes without a row are only garbage.

pub mod blobs;
pub mod coordination;
pub mod durable_file;
mod error;
pub mod identity;
pub mod logs;
pub mod metadata;
pub mod open;
mod reserve;
mod turns;

// The unit tests share a module with the integration tests, which use the crate by this name.
#[cfg(test)]
extern crate self as gangplank_store;

pub use error::{Cause, Result, StoreError};
