//! The client and the probe against real servers, directly and through a proxy that causes faults; and the
//! sources of credentials.

#![expect(clippy::unwrap_used, reason = "the helpers of tests, too, stop the test that asked for nonsense")]

mod calls;
mod credentials;
mod faults;
mod presigned;
mod probe;
mod silence;
mod tls;
mod world;
