//! The contracts of the stores, as tests that every backend must pass, and the properties of single backends.
//!
//! The clauses of a contract are functions that take a store. Each kind of row has its own module. The macros
//! in [`contract`] run every clause on every backend.

#![expect(clippy::unwrap_used, reason = "the helpers of tests, too, stop the test that asked for nonsense")]

#[macro_use]
mod contract;

mod backends;
mod blobs;
mod buckets;
mod child;
mod collection_model;
mod coordination;
mod crash;
mod databases;
mod metadata;
mod migration;
mod model;
mod open;
mod open_bucket;
mod places;
mod principals_model;
mod round_trips;
mod world;
