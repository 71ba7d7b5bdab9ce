//! Tests of the crate's promises, by example and by property.

#![expect(clippy::unwrap_used, reason = "the helpers of tests, too, stop the test that asked for nonsense")]

mod digest;
mod errors;
mod hasher;
mod index_builder;
mod manifest;
mod manifest_refusals;
mod names;
mod range;
mod route;
mod route_refusals;
