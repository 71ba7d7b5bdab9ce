//! What a bucket's server can do, found out by asking it: what it says of itself is not enough.
//!
//! A few objects under `probe/` are put, read, joined, listed and deleted. What everything else is built on has to work;
//! the rest is used where it works.

mod deletions;
mod multipart;
mod objects;
mod report;
mod trial;

pub use report::{Abilities, Check, Report, Verdict};

use crate::client::Client;
use crate::location::Location;
use trial::Trial;

/// Asks the server of a bucket what it can do under a prefix, and takes away what that needed.
pub async fn probe(client: &Client, location: &Location) -> Report {
    let mut trial = Trial::new(client, location);
    if objects::run(&mut trial).await {
        multipart::run(&mut trial).await;
        deletions::run(&mut trial).await;
    }
    trial.report()
}
