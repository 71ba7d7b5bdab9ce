//! The form of a `Host` that routes use.

use std::borrow::Cow;

/// The host in lower case, without its port and without a dot at its end.
pub(super) fn plain(host: &str) -> Cow<'_, str> {
    // An IPv6 address has colons of its own. No service has such a host.
    let name = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_as_names_are() {
        for (host, expected) in [
            ("web.x.cs.localhost", "web.x.cs.localhost"),
            ("Web.X.CS.localhost.:5000", "web.x.cs.localhost"),
            ("web:", "web"),
            ("[::1]:80", "[::1]:80"),
            ("", ""),
            (".", ""),
        ] {
            assert_eq!(plain(host), expected);
        }
    }
}
