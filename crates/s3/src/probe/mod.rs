//! Finds out by trial what a bucket's server can do. Its own statements about that may be untrue.
//!
//! The probe puts, reads, joins, lists and deletes a few objects under `probe/`. The basic calls have to work.
//! The others are used where they work.

mod deletions;
mod multipart;
mod objects;
mod report;
mod trial;

pub use report::{Abilities, Check, Report, Verdict};

use crate::client::Client;
use crate::location::Location;
use trial::Trial;

/// Tries what the server can do under a prefix of a bucket. Removes its objects at the end.
pub async fn probe(client: &Client, location: &Location) -> Report {
    let mut trial = Trial::new(client, location);
    if objects::run(&mut trial).await {
        multipart::run(&mut trial).await;
        deletions::run(&mut trial).await;
    }
    trial.report()
}
