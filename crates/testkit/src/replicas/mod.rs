//! Several processes of the program on one database and one bucket, behind a load balancer.
//!
//! [`ServerBuilder::replicas`](crate::ServerBuilder::replicas) makes a [`TestServer`](crate::TestServer) of them. With
//! `GANGPLANK_TEST_REPLICAS=3` every test server consists of replicas, so whole suites run against replicas
//! unchanged.

mod haproxy;
mod shared;

pub use haproxy::HaProxy;
pub(crate) use shared::Database;
pub use shared::{missing, postgres, s3};

/// Who ends TLS. The certificate is for `127.0.0.1`, and [`tls_file`](crate::identity::tls_file) has the
/// certificate of its authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsAt {
    /// The load balancer. Replicas get plain HTTP.
    Balancer,
    /// The replicas. The load balancer passes the bytes of connections.
    Replicas,
}

/// The number of replicas that `GANGPLANK_TEST_REPLICAS` asks for.
///
/// # Panics
/// If it is no number.
pub fn asked() -> Option<usize> {
    let text = std::env::var("GANGPLANK_TEST_REPLICAS").ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("GANGPLANK_TEST_REPLICAS: {text:?} is no number")))
}
