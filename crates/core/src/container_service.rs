//! What a container service is known by.

/// The number of a container service, unique for good. A service of the same name that is made later has
/// another, so what was made for the first does not open the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub i64);
