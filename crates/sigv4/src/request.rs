//! What is signed, and what a verifier accepts.

/// The parts of an HTTP request that a signature covers.
///
/// It has been through an HTTP parser: names are tokens and values hold no line breaks. No `Debug`, because the
/// headers may hold a session token.
#[derive(Clone)]
pub struct Request<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as on the wire: not decoded, not normalised.
    pub path: &'a str,
    /// What follows the `?`, as on the wire.
    pub query: Option<&'a str>,
    /// Names in any case, in wire order, repeated where repeated.
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

/// What a verifier accepts.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// The service that a credential must be scoped to, such as `lightsail`.
    pub service: &'a str,
    /// The time, in Unix seconds.
    pub now: i64,
    /// How far a request's clock may be from `now`, in seconds, either way. AWS says 15 minutes (Lightsail, Common
    /// Errors, `RequestExpired`): 900.
    pub max_skew: i64,
    /// Whether a Region is served here.
    pub serves_region: &'a dyn Fn(&str) -> bool,
}
