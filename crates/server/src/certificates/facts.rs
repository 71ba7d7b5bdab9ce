//! The fields of a certificate that the server uses.

use anyhow::{Context as _, Result};
use gangplank_core::Time;
use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Reader as _, SliceReader, asn1::UintRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "EC_prime256v1"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "EC_secp384r1"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "EC_secp521r1"),
];

/// The fields of a certificate that the server uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its domain names, in lower case; some may begin with `*.`.
    pub(crate) domains: Vec<String>,
    /// The moment from which it is valid.
    pub(crate) not_before: Time,
    /// The last moment at which it is valid.
    pub(crate) not_after: Time,
    /// The distinguished name of the issuer.
    pub(crate) issuer: String,
    /// The serial number: pairs of hexadecimal digits with colons.
    pub(crate) serial: String,
    /// The kind of its key, under AWS's name; `None` if AWS has no name for it.
    pub(crate) key: Option<String>,
}

impl Facts {
    /// Reads a certificate.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Result<Self> {
        let certificate = Certificate::from_der(certificate).context("the certificate cannot be read")?;
        let said = certificate.tbs_certificate();
        let names = said.get_extension::<SubjectAltName>().context("its names cannot be read")?;
        let names = names.map(|(_, SubjectAltName(names))| names).unwrap_or_default();
        let domains = names.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
            _ => None,
        });
        let serial: Vec<String> =
            said.serial_number().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            domains: domains.collect(),
            not_before: moment(said.validity().not_before),
            not_after: moment(said.validity().not_after),
            issuer: said.issuer().to_string(),
            serial: serial.join(":"),
            key: key(said.subject_public_key_info()),
        })
    }

    /// Whether one of its names equals this domain name. Names with a star do not count.
    pub(crate) fn names(&self, domain: &str) -> bool {
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        self.domains.iter().any(|name| name.eq_ignore_ascii_case(domain))
    }

    /// Whether it is valid for this domain name, also by a name with a star.
    pub(crate) fn covers(&self, domain: &str) -> bool {
        let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
        self.domains.iter().any(|name| match name.strip_prefix("*.") {
            // A star stands for exactly one label.
            Some(parent) => {
                domain.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
            }
            None => *name == domain,
        })
    }
}

fn moment(time: time::Time) -> Time {
    Time(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX))
}

fn key(info: &SubjectPublicKeyInfoOwned) -> Option<String> {
    match info.algorithm.oid {
        RSA => Some(format!("RSA-{}", rsa_bits(info.subject_public_key.as_bytes()?)?)),
        EC => {
            let curve: ObjectIdentifier = info.algorithm.parameters.as_ref()?.decode_as().ok()?;
            CURVES.iter().find(|(known, _)| *known == curve).map(|(_, name)| (*name).to_owned())
        }
        ED25519 => Some("Ed25519".to_owned()),
        _ => None,
    }
}

/// The bits of the modulus, the first number of an RSA key.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let bits = reader.sequence(|inside| {
        let modulus = UintRef::decode(inside)?;
        UintRef::decode(inside)?;
        let leading = modulus.as_bytes().first().map_or(0, |byte| byte.leading_zeros() as usize);
        Ok::<_, x509_cert::der::Error>(modulus.as_bytes().len() * 8 - leading)
    });
    bits.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(domains: &[&str]) -> Facts {
        let domains: Vec<String> = domains.iter().map(|it| (*it).to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut asked = rcgen::CertificateParams::new(domains).unwrap();
        (asked.not_before, asked.not_after) =
            (rcgen::date_time_ymd(2026, 1, 2), rcgen::date_time_ymd(2060, 1, 2));
        asked.serial_number = Some(vec![0x0a, 0xff].into());
        asked.distinguished_name.push(rcgen::DnType::CommonName, "Test CA");
        Facts::read(asked.self_signed(&key).unwrap().der()).unwrap()
    }

    #[test]
    fn a_certificate_says_what_it_is() {
        let facts = facts(&["WWW.example.com", "*.example.org", "192.0.2.1"]);
        assert_eq!(facts.domains, ["www.example.com", "*.example.org"]);
        assert_eq!(facts.not_before, Time(1_767_312_000_000));
        // From 2050 on, X.509 writes dates in another form (`GeneralizedTime`).
        assert_eq!(facts.not_after, Time(2_840_227_200_000));
        assert_eq!((facts.serial.as_str(), facts.key.as_deref()), ("0a:ff", Some("EC_prime256v1")));
        assert!(facts.issuer.contains("CN=Test CA"), "{}", facts.issuer);
        assert!(Facts::read(&CertificateDer::from(vec![0x30, 0x01, 0x00])).is_err());
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let facts = facts(&["example.com", "*.example.org"]);
        for covered in ["example.com", "EXAMPLE.com.", "a.example.org", "b.example.ORG"] {
            assert!(facts.covers(covered), "{covered}");
        }
        for other in ["www.example.com", "example.org", ".example.org", "a.b.example.org", "", "*", "org"] {
            assert!(!facts.covers(other), "{other}");
        }
    }
}
