//! The client and the probe against servers that others made, directly and through a proxy that makes trouble; and those
//! who hand out credentials.

#![expect(clippy::unwrap_used, reason = "the helpers of tests, too, stop the test that asked for nonsense")]

mod calls;
mod credentials;
mod faults;
mod probe;
mod tls;
mod world;
