//! The image of a crashed process holds every secret that it held, and nearly every command holds an access key.

use crate::system;
use crate::terminal::output;

/// Lets no crash of this process be written down.
pub(crate) fn forbid() {
    if let Err(error) = system::forbid_core_dumps() {
        output::warn(format_args!("cannot forbid core dumps, which would hold secrets: {error}"));
    }
}
