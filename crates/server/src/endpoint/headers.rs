//! The headers that a proxy removes from a message, and those that it adds.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, Entry, FORWARDED, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE,
};
use hyper::{HeaderMap, Response};
use uuid::Uuid;

use crate::http::client::FORWARDED_PROTO;
use crate::relay::proof;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Only attackers send this header: CGI programs read it as the variable `HTTP_PROXY`.
const PROXY: HeaderName = HeaderName::from_static("proxy");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The sender of a request.
pub(super) struct Sender {
    /// The address of the connection's other end.
    pub(super) peer: IpAddr,
    /// Whether it is a trusted proxy, which may report the client.
    pub(super) is_trusted: bool,
    /// Whether the request came over TLS.
    pub(super) is_tls: bool,
    /// The port that the request came to.
    pub(super) port: u16,
}

/// Turns the headers of a visitor's request into the headers of the request to a node.
pub(super) fn for_node(headers: &mut HeaderMap, sender: &Sender, trace: &Trace) {
    for_next_hop(headers);
    headers.remove(PROXY);
    headers.remove(FORWARDED);
    headers.remove(proof::HEADER);
    let peer = sender.peer.to_canonical().to_string();
    let before = headers.get_all(FORWARDED_FOR).iter().filter(|_| sender.is_trusted);
    let before: Vec<&str> = before.filter_map(|hops| hops.to_str().ok()).collect();
    let hops = if before.is_empty() { peer } else { format!("{}, {peer}", before.join(", ")) };
    set(headers, FORWARDED_FOR, hops);
    let keeps = |headers: &HeaderMap, name| sender.is_trusted && headers.contains_key(name);
    if !keeps(headers, FORWARDED_PROTO) {
        let scheme = if sender.is_tls { "https" } else { "http" };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
    if !keeps(headers, FORWARDED_PORT) {
        headers.insert(FORWARDED_PORT, sender.port.into());
    }
    trace.write(headers);
}

/// Turns the headers of a request for one hop into the headers for the next hop. All that the visitor's replica
/// wrote stays.
pub(super) fn for_next_hop(headers: &mut HeaderMap) {
    let takes_trailers = headers.get_all(TE).iter().any(|te| has(te, "trailers"));
    take_hops_off(headers);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Turns the headers of a node's answer into the headers of the answer to the visitor.
pub(super) fn for_client(headers: &mut HeaderMap) {
    // With a transfer coding, a length does not describe the bytes on the wire.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    take_hops_off(headers);
}

/// The protocol that the visitor wants to switch to. `None` if the node must not be asked for it.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let upgrade = headers.get(UPGRADE)?;
    let is_meant = headers.get_all(CONNECTION).iter().any(|connection| has(connection, "upgrade"));
    // A switch to HTTP/2 would carry requests past the checks of this proxy.
    let is_http = headers.get_all(UPGRADE).iter().any(|upgrade| has(upgrade, "h2c"));
    (is_meant && !is_http).then(|| upgrade.clone())
}

/// Sets the headers that ask for a switch of protocol, or confirm it.
pub(super) fn set_upgrade(headers: &mut HeaderMap, upgrade: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, upgrade);
}

/// Announces that the connection closes after this answer. It does if the body of the request was not read to
/// its end. Without this, the client would send its next request into a closed connection.
pub(super) fn closing<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Removes the headers that are only for the next hop.
fn take_hops_off(headers: &mut HeaderMap) {
    if let Some(first) = headers.get(CONNECTION) {
        let is_usual =
            ["keep-alive", "close"].iter().any(|it| first.as_bytes().eq_ignore_ascii_case(it.as_bytes()));
        if !is_usual || headers.get_all(CONNECTION).iter().nth(1).is_some() {
            for name in named(headers) {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// The headers that `Connection` names. The host and the length are never removed.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    names.filter(|name| *name != HOST && *name != CONTENT_LENGTH).collect()
}

/// Whether a list contains this token. The case of letters does not matter.
fn has(list: &HeaderValue, token: &str) -> bool {
    let mut tokens = list.to_str().unwrap_or_default().split(',');
    tokens.any(|it| it.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(token))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The id of a request in the logs of all servers on its way, in the form of Amazon's load balancer.
pub(super) struct Trace {
    second: i64,
    id: Uuid,
}

impl Display for Trace {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (upper, lower) = self.id.as_u64_pair();
        let (second, upper) = (self.second.rem_euclid(1 << 32), upper & 0xffff_ffff);
        write!(formatter, "1-{second:08x}-{upper:08x}{lower:016x}")
    }
}

impl Trace {
    /// An id from the time, in seconds since 1970, and the request's own id, whose end no other request has. So no
    /// random bytes are read, which would be one more system call for each request.
    pub(super) fn new(second: i64, id: Uuid) -> Self {
        Self { second, id }
    }

    /// Adds the id. A `Root` that any client sent stays, because nothing depends on it. This server then adds
    /// its own id as `Self`.
    fn write(&self, headers: &mut HeaderMap) {
        let value = match headers.entry(TRACE_ID) {
            Entry::Vacant(_) => format!("Root={self}"),
            Entry::Occupied(sent) => {
                let sent = sent.get().to_str().unwrap_or_default();
                let fields = sent.split(';').map(str::trim).filter(|it| !it.is_empty());
                let fields: Vec<&str> = fields.filter(|it| !it.starts_with("Self=")).collect();
                let begins = if fields.iter().any(|it| it.starts_with("Root=")) { "Self" } else { "Root" };
                [&format!("{begins}={self}")]
                    .into_iter()
                    .map(String::as_str)
                    .chain(fields)
                    .collect::<Vec<_>>()
                    .join(";")
            }
        };
        set(headers, TRACE_ID, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn sent(is_trusted: bool, pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        let sender =
            Sender { peer: "::ffff:192.0.2.1".parse().unwrap(), is_trusted, is_tls: true, port: 8443 };
        for_node(&mut map, &sender, &Trace::new(0x1234_5678, Uuid::from_bytes([0xab; 16])));
        map
    }

    const OWN: &str = "1-12345678-abababababababababababab";

    #[test]
    fn what_is_for_one_hop_stays_there() {
        let map = sent(
            false,
            &[
                ("host", "web"),
                ("connection", "close, X-Mine,host, content-length"),
                ("connection", "Upgrade"),
                ("x-mine", "a"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("proxy", "evil"),
                ("x-gangplank-relay", "visit 1 a"),
                ("forwarded", "for=192.0.2.60"),
                ("te", "gzip;q=1, trailers"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "websocket"),
                ("content-length", "5"),
                ("trailer", "x-sum"),
                ("cookie", "a=b"),
            ],
        );
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "content-length",
                "cookie",
                "host",
                "te",
                "trailer",
                "x-amzn-trace-id",
                "x-forwarded-for",
                "x-forwarded-port",
                "x-forwarded-proto"
            ]
        );
        assert_eq!(map["te"], "trailers");
        let mut answer = headers(&[
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("connection", "x-mine"),
            ("x-mine", "a"),
            ("server", "nginx"),
        ]);
        for_client(&mut answer);
        assert_eq!(answer, headers(&[("server", "nginx")]));
    }

    #[test]
    fn an_untrusted_client_says_nothing_of_others() {
        let claims = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-for", "10.0.0.2"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "80"),
            // If this were obeyed after the proxy has added the header, the header would be removed.
            ("connection", "x-forwarded-for"),
        ];
        let map = sent(false, &claims);
        assert_eq!(map.get_all("x-forwarded-for").iter().collect::<Vec<_>>(), ["192.0.2.1"]);
        assert_eq!(
            (&map["x-forwarded-proto"], &map["x-forwarded-port"]),
            (&"https".parse().unwrap(), &"8443".parse().unwrap())
        );
        let map = sent(true, &claims[..4]);
        assert_eq!(
            map.get_all("x-forwarded-for").iter().collect::<Vec<_>>(),
            ["10.0.0.1, 10.0.0.2, 192.0.2.1"]
        );
        assert_eq!(
            (&map["x-forwarded-proto"], &map["x-forwarded-port"]),
            (&"http".parse().unwrap(), &"80".parse().unwrap())
        );
        let map = sent(true, &[]);
        assert_eq!(map["x-forwarded-for"], "192.0.2.1");
    }

    #[test]
    fn a_trace_keeps_its_root() {
        let trace = |sent_id: &str| {
            sent(false, &[("x-amzn-trace-id", sent_id)])[TRACE_ID].to_str().unwrap().to_owned()
        };
        assert_eq!(sent(false, &[])[TRACE_ID], format!("Root={OWN}"));
        assert_eq!(trace("Root=1-67891233-a;Parent=b"), format!("Self={OWN};Root=1-67891233-a;Parent=b"));
        assert_eq!(trace("Self=1-2-3;Root=1-67891233-a"), format!("Self={OWN};Root=1-67891233-a"));
        assert_eq!(trace("TotalTimeSoFar=1ms"), format!("Root={OWN};TotalTimeSoFar=1ms"));
    }

    #[test]
    fn only_what_is_meant_is_an_upgrade() {
        let asked = |connection: &str, upgrade: &str| {
            super::upgrade(&headers(&[("connection", connection), ("upgrade", upgrade)]))
        };
        assert_eq!(asked("keep-alive, Upgrade", "websocket").unwrap(), "websocket");
        assert_eq!(asked("keep-alive", "websocket"), None);
        assert_eq!(asked("upgrade, http2-settings", "h2c"), None);
        assert_eq!(asked("upgrade", "websocket, H2C"), None);
        assert_eq!(super::upgrade(&HeaderMap::new()), None);
    }
}
