//! What differs between operating systems, so that no command that only calls a server has to know on which it runs: each
//! has a file with the same functions. The server itself, and what opens its data directory, runs on Unix alone.

pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod core_dumps;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use elsewhere::*;
#[cfg(unix)]
pub(crate) use unix::*;
