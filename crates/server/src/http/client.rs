//! The client of a request: the peer, or the address that a trusted proxy reports.

use std::net::{IpAddr, SocketAddr};

use gangplank_core::Network;
use hyper::HeaderMap;
use hyper::header::HeaderName;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A trusted proxy reports here whether its client spoke TLS.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client's address. `X-Forwarded-For` is read from its end, for as long as each address is in `proxies`. A
/// client could have forged the earlier hops.
pub(super) fn address(peer: SocketAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut client = peer.ip().to_canonical();
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        for hop in value.to_str().unwrap_or_default().rsplit(',') {
            match address_of_hop(hop) {
                Some(hop) if is_proxy(client) => client = hop.to_canonical(),
                _ => return client,
            }
        }
    }
    client
}

/// If the peer is not in `proxies`, removes the header that claims how the client spoke to a proxy. Without any
/// `proxies`, the header stays.
pub(super) fn drop_unbelieved(peer: SocketAddr, headers: &mut HeaderMap, proxies: &[Network]) {
    let peer = peer.ip().to_canonical();
    if !proxies.is_empty() && !proxies.iter().any(|proxy| proxy.contains(peer)) {
        headers.remove(FORWARDED_PROTO);
    }
}

/// Parses a hop as proxies write it: an address with or without a port. An IPv6 address may be in brackets.
fn address_of_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip())).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies: Vec<Network> = proxies.iter().map(|it| it.parse().unwrap()).collect();
        super::address(SocketAddr::new(peer.parse().unwrap(), 1), &headers, &proxies).to_string()
    }

    #[test]
    fn only_a_proxy_that_is_known_speaks_for_others() {
        assert_eq!(address("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(address("192.0.2.1", &["198.51.100.7"], &["192.0.2.0/24"]), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &["198.51.100.7"], &["192.0.3.0/24"]), "192.0.2.1");
        assert_eq!(address("192.0.2.1", &[], &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(address("::ffff:192.0.2.1", &["2001:db8::7"], &["192.0.2.1"]), "2001:db8::7");
    }

    #[test]
    fn what_a_client_makes_up_is_not_believed() {
        let proxies = ["192.0.2.1", "192.0.2.2"];
        assert_eq!(address("192.0.2.1", &["10.0.0.1, 198.51.100.7"], &proxies), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &["10.0.0.1, 198.51.100.7, 192.0.2.2"], &proxies), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &["10.0.0.1", "198.51.100.7"], &proxies), "198.51.100.7");
        assert_eq!(address("192.0.2.1", &["10.0.0.1, unknown"], &proxies), "192.0.2.1");
        assert_eq!(address("192.0.2.1", &["10.0.0.1, 198.51.100.7:http"], &proxies), "192.0.2.1");
    }

    #[test]
    fn a_hop_may_have_a_port() {
        for (hop, expected) in [
            ("198.51.100.7:80", "198.51.100.7"),
            ("[2001:db8::7]:65535", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("\"[2001:db8::7]:1\"", "2001:db8::7"),
            ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
            ("10.0.0.1:1, 198.51.100.7:2, 192.0.2.2:3", "198.51.100.7"),
        ] {
            assert_eq!(address("192.0.2.1", &[hop], &["192.0.2.1", "192.0.2.2"]), expected, "{hop}");
        }
    }

    #[test]
    fn networks_have_prefixes() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("::1", "::1") && !contains("::/0", "10.0.0.1"));
        assert!(contains("10.1.2.3/8", "10.9.9.9") && contains("10.0.0.0/32", "10.0.0.0"));
        for bad in ["", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0/8"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_that_are_too_wide_are_known() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        for all in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0:0/96"] {
            assert!(network(all).is_all() && network(all).is_wide(), "{all}");
        }
        for wide in ["0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "2000::/3"] {
            assert!(!network(wide).is_all() && network(wide).is_wide(), "{wide}");
        }
        for narrow in ["10.0.0.0/8", "fc00::/7", "192.0.2.1", "::ffff:10.0.0.0/104"] {
            assert!(!network(narrow).is_wide(), "{narrow}");
        }
    }

    #[test]
    fn an_ipv4_mapped_network_is_the_ipv4_network() {
        for (mapped, plain) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1/128", "192.0.2.1/32"),
        ] {
            assert_eq!(mapped.parse::<Network>().unwrap(), plain.parse().unwrap());
        }
        assert_eq!(address("::ffff:10.0.0.1", &["198.51.100.7"], &["::ffff:10.0.0.0/104"]), "198.51.100.7");
        assert!("::ffff:10.0.0.0/129".parse::<Network>().is_err());
    }
}
