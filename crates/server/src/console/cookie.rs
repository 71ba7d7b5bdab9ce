//! The cookie of a console login. Over TLS, its name makes browsers send it only to this host and only over
//! TLS. Over plain HTTP some browsers refuse such a cookie, so it has another name.

use gangplank_core::ConsoleSecret;
use hyper::HeaderMap;
use hyper::header::COOKIE;

const SECURE: &str = "__Host-gangplank";
const PLAIN: &str = "gangplank-plain";

/// The secret in a browser's cookie. If several cookies have the name, none is accepted: a neighbouring host
/// may have set one.
pub(super) fn read(headers: &HeaderMap, is_secure: bool) -> Option<ConsoleSecret> {
    let wanted = if is_secure { SECURE } else { PLAIN };
    let pairs = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = pairs.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => ConsoleSecret::parse(value),
        _ => None,
    }
}

/// The value of `Set-Cookie` that gives a browser its secret.
pub(super) fn given(secret: &ConsoleSecret, is_secure: bool) -> String {
    let (name, secure) = name_and_fence(is_secure);
    format!("{name}={}; Path=/; {secure}HttpOnly; SameSite=Strict", secret.expose())
}

/// The value of `Set-Cookie` that removes the secret.
pub(super) fn taken(is_secure: bool) -> String {
    let (name, secure) = name_and_fence(is_secure);
    format!("{name}=; Path=/; {secure}HttpOnly; SameSite=Strict; Max-Age=0")
}

fn name_and_fence(is_secure: bool) -> (&'static str, &'static str) {
    if is_secure { (SECURE, "Secure; ") } else { (PLAIN, "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, cookie.parse().unwrap())).collect()
    }

    #[test]
    fn the_cookie_of_the_connection_is_read_and_no_other() {
        let secret = ConsoleSecret::generate([7; 32]);
        let (plain, secure) =
            (format!("{PLAIN}={}", secret.expose()), format!("{SECURE}={}", secret.expose()));
        let is_read = |cookies: &[&str], is_secure| read(&headers(cookies), is_secure).is_some();
        assert!(is_read(&[&secure], true) && is_read(&[&plain], false));
        assert!(is_read(&[&format!("a=b; {secure} ; c=d")], true));
        assert!(!is_read(&[&plain], true) && !is_read(&[&secure], false), "one is no good for the other");
        assert!(!is_read(&[&format!("{plain}; {plain}")], false) && !is_read(&[&plain, &plain], false));
        assert!(!is_read(&[&format!("{PLAIN}=x")], false) && !is_read(&[], false));
    }

    #[test]
    fn over_tls_browsers_are_told_to_keep_it_there() {
        let secret = ConsoleSecret::generate([7; 32]);
        let expected =
            format!("__Host-gangplank={}; Path=/; Secure; HttpOnly; SameSite=Strict", secret.expose());
        assert_eq!(given(&secret, true), expected);
        let expected = format!("gangplank-plain={}; Path=/; HttpOnly; SameSite=Strict", secret.expose());
        assert_eq!(given(&secret, false), expected);
        assert!(taken(true).ends_with("Max-Age=0"));
    }
}
