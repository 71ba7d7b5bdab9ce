//! The public endpoint of container services: a reverse proxy, led by the `Host` of a request.

pub(crate) mod routes;
