//! What the server does by itself, beside requests.

pub(crate) mod audit;
pub(crate) mod certificates;
pub(crate) mod collection;
pub(crate) mod discarded;
pub(crate) mod expiry;
pub(crate) mod leftovers;
pub(crate) mod marks;
pub(crate) mod observations;
pub(crate) mod orphans;
pub(crate) mod private;
pub(crate) mod scrub;
pub(crate) mod usage;
