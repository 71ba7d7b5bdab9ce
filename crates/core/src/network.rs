//! Networks: ranges of addresses, in the form that operators and policies use.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// A range of addresses, such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address such as 192.0.2.1 or 2001:db8::1, or a range such as 10.0.0.0/8")]
pub struct BadNetwork;

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => text.parse::<IpNet>().map_err(|_| BadNetwork)?,
        };
        Ok(Self(as_ipv4(network).unwrap_or(network)))
    }
}

impl Network {
    /// Whether the network has the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether the network has all addresses of the other one.
    pub fn includes(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether it has every address.
    pub fn is_all(&self) -> bool {
        self.0.prefix_len() == 0
    }

    /// Whether it is wider than any private network. The widest private networks are `10.0.0.0/8` and
    /// `fc00::/7`.
    pub fn is_wide(&self) -> bool {
        let widest = if self.0.addr().is_ipv4() { 8 } else { 7 };
        self.0.prefix_len() < widest
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The IPv4 network that an IPv4-mapped one stands for. Addresses are converted to IPv4 before they are compared.
fn as_ipv4(network: IpNet) -> Option<IpNet> {
    const MAPPED: u8 = 96;
    let IpAddr::V6(address) = network.addr() else { return None };
    let prefix = network.prefix_len().checked_sub(MAPPED)?;
    Ipv4Net::new(address.to_ipv4_mapped()?, prefix).ok().map(IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_includes_what_is_in_it_and_itself() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        for (wide, narrow, includes) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.0.0.0/8", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "192.0.2.1", false),
            ("0.0.0.0/0", "::/0", false),
            ("::ffff:10.0.0.0/104", "10.2.0.0/16", true),
        ] {
            assert_eq!(network(wide).includes(&network(narrow)), includes, "{wide} {narrow}");
        }
        assert!(network("10.0.0.0/8").contains("::ffff:10.0.0.1".parse().unwrap()));
    }
}
