//! Everything that `gangplank serve` needs in addition to the server itself: its options, its log, signals, and
//! the service manager that started it.

pub(crate) mod logging;
pub(crate) mod open_files;
pub(crate) mod options;
pub(crate) mod service_manager;
pub(crate) mod shared_store;
pub(crate) mod signals;
