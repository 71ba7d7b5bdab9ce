//! Addresses of container services for requests from outside.

use sha2::{Digest as _, Sha256};

use crate::tenant::Region;

/// The number of characters in the random part of an address.
const PART: usize = 13;

/// The random part of a service's address: 13 letters and digits. Nobody can guess it from the service's name. It
/// follows from the service's uuid. So it stays as long as the service does, and a later service with the same name
/// has another.
pub fn address_part(uuid: &str) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let hash: [u8; 32] = Sha256::digest(uuid).into();
    let mut number = hash.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let mut part = String::with_capacity(PART);
    for _ in 0..PART {
        part.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
    }
    part
}

/// The host of a service's address, under the domain that all services share.
pub fn host_name(name: &str, uuid: &str, region: &Region, domain: &str) -> String {
    format!("{name}.{}.{region}.cs.{domain}", address_part(uuid))
}

/// The scheme and port of services' URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// Whether the URLs use TLS.
    pub is_tls: bool,
    /// The port.
    pub port: u16,
}

impl Entrance {
    /// Reads `http`, `https`, or one of them with a port, such as `https:8443`. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, port) = text.split_once(':').map_or((text, None), |(scheme, port)| (scheme, Some(port)));
        let (is_tls, usual) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let port = port.map_or(Some(usual), |port| port.parse().ok())?;
        (port > 0).then_some(Self { is_tls, port })
    }

    /// The URL of a host. It ends in `/`, and leaves out the default port.
    pub fn url(self, host: &str) -> String {
        match (self.is_tls, self.port) {
            (true, 443) => format!("https://{host}/"),
            (false, 80) => format!("http://{host}/"),
            (true, port) => format!("https://{host}:{port}/"),
            (false, port) => format!("http://{host}:{port}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_entrance_is_read_as_people_write_it() {
        for (text, url) in [
            ("https", "https://a/"),
            ("http", "http://a/"),
            ("https:8443", "https://a:8443/"),
            ("http:443", "http://a:443/"),
        ] {
            assert_eq!(Entrance::parse(text).map(|it| it.url("a")).as_deref(), Some(url), "{text}");
        }
        for text in ["", "ftp", "https:", "https:0", "https:65536", "https://a", "HTTPS", ":443", "443"] {
            assert_eq!(Entrance::parse(text), None, "{text}");
        }
    }

    fn uuid(number: u32) -> String {
        format!("6f0c1f6e-0000-4000-8000-{number:012}")
    }

    #[test]
    fn a_part_is_13_letters_and_digits_and_stays() {
        let parts: BTreeSet<_> = (0..1_000).map(|number| address_part(&uuid(number))).collect();
        assert_eq!(parts.len(), 1_000);
        for part in &parts {
            assert_eq!(part.len(), 13, "{part}");
            assert!(part.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()), "{part}");
        }
        // People write addresses down, so they must never change.
        assert_eq!(address_part("00000000-0000-0000-0000-000000000000"), "dunkgde3ubect");
    }

    #[test]
    fn every_place_has_every_character() {
        let mut seen = vec![BTreeSet::new(); PART];
        for number in 0..2_000 {
            for (place, character) in address_part(&uuid(number)).chars().enumerate() {
                seen[place].insert(character);
            }
        }
        assert!(seen.iter().all(|characters| characters.len() == 36), "{seen:?}");
    }

    #[test]
    fn a_url_names_no_port_that_goes_without_saying() {
        let region = Region::parse("us-east-1").unwrap();
        let host = host_name("web", &uuid(1), &region, "localhost");
        assert_eq!(host, format!("web.{}.us-east-1.cs.localhost", address_part(&uuid(1))));
        for (is_tls, port, url) in [
            (true, 443, "https://a.example/"),
            (true, 80, "https://a.example:80/"),
            (false, 80, "http://a.example/"),
            (false, 443, "http://a.example:443/"),
            (false, 5000, "http://a.example:5000/"),
        ] {
            assert_eq!(Entrance { is_tls, port }.url("a.example"), url);
        }
    }
}
