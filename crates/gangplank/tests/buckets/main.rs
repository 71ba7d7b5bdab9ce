//! The program with its blobs in a bucket of another project's server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]

mod away;
mod check;
mod faults;
mod killed;
mod migration;
mod pushes;
mod redirects;
mod world;
