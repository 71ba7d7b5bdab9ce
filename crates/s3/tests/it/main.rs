//! The client and the probe against servers that others made, directly and through a proxy that makes trouble; and those
//! who hand out credentials.

mod calls;
mod credentials;
mod faults;
mod probe;
mod tls;
mod world;
