//! A `Host` as routes know it.

use std::borrow::Cow;

/// A host without its port and without the dot at its end, in lower case.
pub(super) fn plain(host: &str) -> Cow<'_, str> {
    // An address of IPv6 has colons of its own, and is no service's.
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
