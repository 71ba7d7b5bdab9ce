//! The client and the probe against servers that others made, directly and through a proxy that makes trouble.

mod calls;
mod faults;
mod probe;
mod world;
