//! Refuses forms of other sites. Browsers say where a form comes from, so forms need no token.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

use crate::app::App;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a form that does not come from a page of this console in a browser.
///
/// # Errors
/// The reason, for people.
pub(super) fn check(app: &App, headers: &HeaderMap) -> Result<(), &'static str> {
    judge(headers, app.is_secure(headers), app.public_address.as_deref())
}

/// The `Referrer-Policy` of pages: normally `no-referrer`. Over plain HTTP to another machine, browsers send
/// no `Sec-Fetch-Site`, so only `Origin` proves that a form is our own. With `no-referrer`, `Origin` would be
/// `null`, so the policy there is `same-origin`.
pub(super) fn referrer_policy(app: &App, headers: &HeaderMap) -> &'static str {
    let is_loopback = headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback);
    if app.is_secure(headers) || is_loopback { "no-referrer" } else { "same-origin" }
}

/// Whether browsers trust a host since it is this machine (W3C Secure Contexts, "Is origin potentially
/// trustworthy?").
fn is_loopback(host: &str) -> bool {
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let name = name.to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the browser says that a page of another site caused this request.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site.as_bytes() == b"cross-site")
}

fn judge(headers: &HeaderMap, is_secure: bool, public_address: Option<&str>) -> Result<(), &'static str> {
    let one = |name| {
        let mut values = headers.get_all(name).iter();
        (values.next(), values.next().is_some())
    };
    match one(FETCH_SITE) {
        (Some(site), false) if matches!(site.as_bytes(), b"same-origin" | b"none") => return Ok(()),
        (Some(_), _) => return Err("This form was sent by a page of another site, and nothing was done."),
        (None, _) => {}
    }
    // Browsers send no `Sec-Fetch-Site` over plain HTTP to another machine.
    match one(ORIGIN) {
        (Some(origin), false) => {
            let host = headers.get(HOST).map(|host| host.as_bytes().to_ascii_lowercase());
            let scheme = if is_secure { "https://" } else { "http://" };
            let is_of = |scheme: &str, host: &[u8]| {
                let origin = origin.as_bytes().to_ascii_lowercase();
                origin.strip_prefix(scheme.as_bytes()) == Some(host)
            };
            let public = public_address.map(|address| address.to_ascii_lowercase().into_bytes());
            let is_ours = host.is_some_and(|host| is_of(scheme, &host))
                // A proxy may have ended TLS and changed `Host`.
                || public.is_some_and(|public| is_of("https://", &public) || is_of(scheme, &public));
            if is_ours {
                Ok(())
            } else {
                Err(
                    "This form was sent by a page of another site, and nothing was done. If there is a proxy in front \
                     of this server, it has to keep the Host, or the server has to be told --public-address.",
                )
            }
        }
        (Some(_), true) => Err("This request has two origins, and nothing was done."),
        (None, _) => {
            Err("This request does not say from which page it comes, as browsers do, and nothing was done.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(pairs: &[(&'static str, &str)], is_secure: bool, public: Option<&str>) -> bool {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        judge(&pairs.collect(), is_secure, public).is_ok()
    }

    #[test]
    fn browsers_trust_this_machine_by_its_names() {
        for host in [
            "127.0.0.1:5000",
            "127.0.0.9",
            "[::1]:5000",
            "[::1]",
            "localhost:5000",
            "LOCALHOST",
            "a.localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["lan.test:5000", "10.0.0.7", "[fe80::1]:5000", "localhost.example", "127.0.0.1.example", ""]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn forms_of_our_own_pages_are_taken_and_no_others() {
        let host = ("host", "registry.example:5000");
        for (header, expected) in [
            (("sec-fetch-site", "same-origin"), true),
            (("sec-fetch-site", "none"), true),
            (("sec-fetch-site", "same-site"), false),
            (("sec-fetch-site", "cross-site"), false),
            (("sec-fetch-site", ""), false),
            (("origin", "http://registry.example:5000"), true),
            (("origin", "HTTP://Registry.example:5000"), true),
            (("origin", "https://registry.example:5000"), false),
            (("origin", "http://registry.example"), false),
            (("origin", "http://evil.example"), false),
            (("origin", "null"), false),
        ] {
            assert_eq!(is_taken(&[host, header], false, None), expected, "{header:?}");
        }
        let origin = ("origin", "https://registry.example:5000");
        assert!(is_taken(&[host, origin], true, None));
        assert!(!is_taken(&[host], false, None), "no browser sends neither");
        let cross = ("sec-fetch-site", "cross-site");
        assert!(!is_taken(&[host, origin, cross], true, None), "the first counts");
        let two = [host, ("origin", "http://registry.example:5000"), ("origin", "http://evil.example")];
        let mut headers = HeaderMap::new();
        for (name, value) in two {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        assert!(judge(&headers, false, None).is_err());
    }

    #[test]
    fn behind_a_proxy_the_public_address_counts_as_well() {
        let host = ("host", "10.0.0.7:5000");
        let origin = ("origin", "https://registry.example");
        assert!(is_taken(&[host, origin], false, Some("registry.example")));
        assert!(!is_taken(&[host, origin], false, Some("other.example")));
        assert!(!is_taken(&[host, origin], false, None));
        assert!(!is_taken(&[host, ("origin", "http://registry.example")], true, Some("registry.example")));
    }
}
