//! The request that is signed, and the policy of a verifier.

/// The parts of an HTTP request that a signature covers.
///
/// It has been through an HTTP parser: names are tokens, and values have no line breaks. It has no `Debug`, because
/// the headers may have a session token.
#[derive(Clone)]
pub struct Request<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as on the wire: not decoded, not normalised.
    pub path: &'a str,
    /// The text after the `?`, as on the wire.
    pub query: Option<&'a str>,
    /// Names in any case, in wire order. A repeated header is there several times.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// The values of a header, in wire order.
    pub(crate) fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, '_, 'n> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// The requests that a verifier accepts.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// The service that a credential must be scoped to, such as `lightsail`.
    pub service: &'a str,
    /// The time, in Unix seconds.
    pub now: i64,
    /// The largest difference between a request's clock and `now`, in seconds. AWS says 15 minutes (Lightsail, Common
    /// Errors, `RequestExpired`): 900.
    pub max_skew: i64,
    /// Whether a Region is served here.
    pub serves_region: &'a dyn Fn(&str) -> bool,
}
