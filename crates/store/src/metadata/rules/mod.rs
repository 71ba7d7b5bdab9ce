//! The rules of the store, each written once over a transaction, a file for each noun.
//!
//! A rule takes its input by reference, so that it can run again, and locks first, in the order of
//! [`Level`](super::tx::Level).

pub(crate) mod audit;
pub(crate) mod leases;
pub(crate) mod live_counts;
pub(crate) mod progress;
pub(crate) mod rows;
pub(crate) mod sources;
pub(crate) mod tags;
pub(crate) mod usage;
