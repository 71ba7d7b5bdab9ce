//! The differences between operating systems. Each system has a file with the same functions, so commands that only
//! call a server need not know the system. Commands that run a server or open its data directory exist on Unix only.

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
