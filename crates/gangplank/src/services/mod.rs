//! Container services, as several commands ask for them: one by its name, the log of a container, and an answer of a
//! server that is away while a command waits.

pub(crate) mod by_name;
pub(crate) mod container_log;
pub(crate) mod outage;
