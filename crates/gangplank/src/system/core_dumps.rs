//! Prevents core dumps. The memory of a process holds secrets, and nearly every command has an access key in memory.

use crate::system;
use crate::terminal::output;

/// Prevents core dumps of this process.
pub(crate) fn forbid() {
    if let Err(error) = system::forbid_core_dumps() {
        output::warn(format_args!("cannot forbid core dumps, which would hold secrets: {error}"));
    }
}
