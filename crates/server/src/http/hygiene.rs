//! Checks that every request has to pass, whatever it asks for.

use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, StatusCode, Uri};

use super::dispatch::is_registrys;
use super::response::Answer;
use crate::config::Limits;

/// The reason why a request is refused before any part of the server answers it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) status: StatusCode,
    pub(crate) text: &'static str,
    /// Whether the path is at fault.
    pub(crate) is_path: bool,
}

/// Refuses requests that are malformed, too large, or meant for a proxy.
pub(crate) fn check(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<(), Violation> {
    check_message(method, uri, headers, limits)?;
    if uri.scheme().is_some() || uri.authority().is_some() {
        let text = "this server is no proxy: send the path alone, not a whole URL";
        return refuse(StatusCode::BAD_REQUEST, text);
    }
    if let Some(text) = crooked(uri.path()) {
        return Err(Violation { status: StatusCode::BAD_REQUEST, text, is_path: true });
    }
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    if let Some(authorization) = authorizations.next() {
        if authorization.len() > limits.authorization_bytes {
            let text = "the Authorization header is too large";
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text);
        }
        if authorizations.next().is_some() {
            return refuse(StatusCode::BAD_REQUEST, "a request may have one Authorization header");
        }
    }
    Ok(())
}

/// Refuses requests that are ambiguous or too large, for this server or a service.
///
/// hyper has already refused conflicting or malformed lengths, folded or malformed headers, and too many
/// headers. It drops a length next to a transfer coding, which [`Framing`](super::framing::Framing) finds.
pub(crate) fn check_message(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<(), Violation> {
    if method == Method::CONNECT || method == Method::TRACE {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "CONNECT and TRACE are not served here");
    }
    if uri.path_and_query().map_or(0, |target| target.as_str().len()) > limits.target_bytes {
        return refuse(StatusCode::URI_TOO_LONG, "the request's path and query are too long");
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) => {}
        _ => return refuse(StatusCode::BAD_REQUEST, "a request needs one valid Host header"),
    }
    // hyper only looks at the last coding, and nothing would decode the codings before it.
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        || codings.next().is_some()
    {
        return refuse(StatusCode::BAD_REQUEST, "the only transfer coding here is chunked, once");
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        let text = "a request has a Content-Length or a Transfer-Encoding, and never both";
        return refuse(StatusCode::BAD_REQUEST, text);
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > limits.header_bytes {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's headers are too large");
    }
    Ok(())
}

fn refuse(status: StatusCode, text: &'static str) -> Result<(), Violation> {
    Err(Violation { status, text, is_path: false })
}

/// The reason why a proxy in front could take a path for another one. A proxy may let only `/v2/` pass. Some
/// proxies decide after they have decoded escapes, resolved dots and merged slashes.
fn crooked(path: &str) -> Option<&'static str> {
    if !path.contains(['%', '\\']) && !path.contains("//") && !path.contains("/.") {
        return None;
    }
    let is_registrys = is_registrys(path);
    // The path already begins with `/v2`, so an escaped slash in it cannot lead elsewhere.
    let ends_segment = |byte: &u8| !is_registrys && matches!(byte, b'/' | b'\\');
    let segments: Vec<Vec<u8>> = path.split('/').map(|segment| unescaped(segment.as_bytes())).collect();
    let mut parts = segments.iter().flat_map(|segment| segment.split(ends_segment));
    // A path begins with a slash and may end with one.
    let (first, second) = (parts.next(), parts.next());
    let mut inner: Vec<&[u8]> = second.into_iter().chain(parts).collect();
    let last = inner.pop();
    let is_dots = |part: &&[u8]| matches!(*part, b"." | b"..");
    if inner.iter().chain(&first).chain(&last).any(is_dots) || inner.iter().any(|part| part.is_empty()) {
        return Some("a path may have no empty segment, nor one that is . or ..");
    }
    let is_disguised = !is_registrys && second == Some(b"v2");
    is_disguised.then_some("write the registry's path as /v2/, without escapes")
}

/// Decodes the escapes of a path, once.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let digit = |at: usize| path.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let (mut plain, mut at) = (Vec::with_capacity(path.len()), 0);
    while let Some(&byte) = path.get(at) {
        let escaped = (byte == b'%').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        let escaped = escaped.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        plain.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    plain
}

/// Whether a text can be a host and a port. Answers contain it (`registry`), so it may only have characters of
/// host names and addresses.
fn is_host(host: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(byte);
    !host.is_empty() && host.len() <= 255 && host.iter().all(allowed)
}

/// A refusal as plain text.
pub(crate) fn refusal(status: StatusCode, text: &str) -> Answer {
    Answer::new(status).body("text/plain; charset=utf-8", format!("{text}\n")).because(text).close()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        match super::check(&method, &uri.parse().unwrap(), &map, &Limits::default()) {
            Ok(()) => 200,
            Err(violation) => violation.status.as_u16(),
        }
    }

    #[test]
    fn only_plain_requests_with_one_host_pass() {
        let host = ("host", "localhost:5000");
        assert_eq!(check("GET", "/v2/", &[host]), 200);
        assert_eq!(check("GET", "/v2/", &[("host", "[::1]:5000")]), 200);
        assert_eq!(check("GET", "/v2/", &[]), 400);
        assert_eq!(check("GET", "/v2/", &[host, host]), 400);
        assert_eq!(check("GET", "/v2/", &[("host", "a/b")]), 400);
        assert_eq!(check("GET", "http://elsewhere/v2/", &[host]), 400);
        for crooked in [
            "/foo/../v2/",
            "/./v2/",
            "//v2/",
            "/foo/%2e%2e/v2/",
            "/%2E/v2/",
            "/foo/.%2e/v2/",
            "/foo/..%2fv2/",
            "/%2fv2/",
            "/foo%2F%2e./v2/",
            "/foo/..",
            "/foo/.",
            "/v2//tags/list",
            "/v2/sr//manifests/a",
            "//",
            "/foo\\..\\v2/",
            "/foo/%5c../v2/",
            "/%762/",
            "/v%32/",
            "/%76%32",
            "/v2%2f",
            "/v2%2Fsr/tags/list",
            "/v2/..",
            "/v2/sr/../../",
        ] {
            assert_eq!(check("POST", crooked, &[host]), 400, "{crooked}");
        }
        for straight in [
            "/",
            "/v2",
            "/v2/",
            "/foo/",
            "/v2/sr/blobs/sha256%3Aabc",
            "/...",
            "/.well-known/a",
            "/a%20b/",
            "/%",
            "/%zz",
            "/v2/sr/manifests/a..b",
            "*",
        ] {
            assert_eq!(check("POST", straight, &[host]), 200, "{straight}");
        }
        assert_eq!(check("CONNECT", "elsewhere:443", &[host]), 405);
        assert_eq!(check("TRACE", "/", &[host]), 405);
        assert_eq!(check("GET", &format!("/{}", "a".repeat(9000)), &[host]), 414);
        assert_eq!(check("GET", "/", &[host, ("x-big", &"a".repeat(33_000))]), 431);
        assert_eq!(check("GET", "/", &[host, ("authorization", &"a".repeat(5_000))]), 431);
        assert_eq!(check("GET", "/", &[host, ("authorization", "a"), ("authorization", "a")]), 400);
        let chunked = ("transfer-encoding", "Chunked");
        assert_eq!(check("POST", "/", &[host, chunked]), 200);
        assert_eq!(check("POST", "/", &[host, chunked, chunked]), 400);
        assert_eq!(check("POST", "/", &[host, chunked, ("content-length", "3")]), 400);
        assert_eq!(check("POST", "/", &[host, ("content-length", "3")]), 200);
        assert_eq!(check("POST", "/", &[host, ("transfer-encoding", "gzip, chunked")]), 400);
    }
}
