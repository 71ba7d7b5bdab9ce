//! Services that run on an engine in memory, which can be told to fail at every step.

#![allow(clippy::unwrap_used, reason = "a failure here is a finding")]

mod blob_stores;
mod console;
mod faults;
mod lost_answers;
mod rollouts;
mod updates;
mod world;
