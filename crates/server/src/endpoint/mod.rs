//! The public endpoint of container services: a reverse proxy, led by the `Host` of a request.

mod dial;
pub(crate) mod probe;
pub(crate) mod routes;
