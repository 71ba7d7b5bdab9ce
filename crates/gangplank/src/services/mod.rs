//! Container services, for several commands: one by its name, the log of a container, and waiting for a server that
//! is out of reach.

pub(crate) mod by_name;
pub(crate) mod container_log;
pub(crate) mod outage;
