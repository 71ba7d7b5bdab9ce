//! Tests of a server whose services run on an engine in memory, which can fail at every step.

#![allow(clippy::unwrap_used, reason = "a failure here is a finding")]

mod blob_stores;
mod console;
mod faults;
mod lost_answers;
mod replicas;
mod rollouts;
mod shared_bytes;
mod updates;
mod watched;
mod world;
mod writers;
