//! The image of a crashed process holds every secret that it held.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Lets no crash of this process be written down.
pub(crate) fn forbid() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "cannot forbid core dumps, which would hold secrets");
    }
}
