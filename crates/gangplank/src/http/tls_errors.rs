//! Explanations of TLS errors for users. The library's messages are written for programmers.

use std::error::Error;
use std::io;
use std::net::IpAddr;

use rustls::CertificateError;

/// Explains an error, with advice, if TLS is its cause.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    let host = error.downcast_ref::<reqwest::Error>().and_then(reqwest::Error::url);
    let host = host.and_then(|url| url.host_str()).unwrap_or("HOST").trim_matches(['[', ']']);
    Some(match tls_error(error)? {
        rustls::Error::InvalidCertificate(why) => {
            format!("the server's certificate {}", certificate(why, host))
        }
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS; try http://".to_owned(),
        rustls::Error::AlertReceived(why) => {
            format!("the server broke TLS off: {}", spelt(&format!("{why:?}")))
        }
        rustls::Error::PeerIncompatible(_) => {
            "the server speaks no version of TLS, or no cipher, that this program does".to_owned()
        }
        rustls::Error::PeerMisbehaved(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. } => {
            "the server there breaks the rules of TLS".to_owned()
        }
        rustls::Error::NoCertificatesPresented => "the server showed no certificate".to_owned(),
        rustls::Error::FailedToGetCurrentTime => "this machine's clock cannot be read".to_owned(),
        _ => "TLS with the server failed".to_owned(),
    })
}

/// The TLS error among the causes of an error.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error holds the TLS error inside, and not as its cause.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

fn certificate(why: &CertificateError, host: &str) -> String {
    const AUTHORITY: &str = "name the file of the authority that signed it with AWS_CA_BUNDLE";
    match why {
        CertificateError::UnknownIssuer => format!("is signed by nobody that is trusted here; {AUTHORITY}"),
        // A key of the wrong type fails in the same way as a wrong key.
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "is not signed by the authority that is trusted here, but by another one of the same name; {AUTHORITY}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; the server needs a new one".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; is the clock of this machine right?".to_owned()
        }
        CertificateError::NotValidForName => format!("is not for {host}; use a name that it is for"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            match names.as_slice() {
                [] => format!("is not for {host}, nor for any other name"),
                names => format!("is not for {host}, but for {}; use one of these names", names.join(", ")),
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not meant for servers; it needs the extended key usage serverAuth, or none".to_owned()
        }
        CertificateError::Revoked => "has been revoked".to_owned(),
        CertificateError::BadEncoding => "cannot be read".to_owned(),
        CertificateError::UnhandledCriticalExtension => {
            "has a critical extension that this program does not know".to_owned()
        }
        // The library has no error of its own for this.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            authority(host)
        }
        why if format!("{why:?}").starts_with("UnsupportedSignatureAlgorithm") => {
            "is signed in a way that this program does not know".to_owned()
        }
        _ => "cannot be trusted".to_owned(),
    }
}

/// A certificate as `openssl req -x509` makes it with its defaults.
fn authority(host: &str) -> String {
    let name = if host.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    format!(
        "is that of an authority (it says CA:TRUE), and an authority's is not taken for a server's own. Make an authority \
         and let it sign one for the server, with `openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj \
         /CN=authority -keyout ca.key -out ca.pem && openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj \
         /CN={host} -CA ca.pem -CAkey ca.key -keyout key.pem -out cert.pem -addext \
         basicConstraints=critical,CA:FALSE -addext subjectAltName={name}:{host}`; then name ca.pem with AWS_CA_BUNDLE"
    )
}

/// The inner text of `DnsName("example.com")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or_else(|| name.split(['(', ')']).nth(1).unwrap_or(name))
}

/// Writes `HandshakeFailure` as two words.
fn spelt(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_tls_is_found_among_causes_and_told_in_words() {
        let names = CertificateError::UnknownIssuer;
        let inner = io::Error::other(rustls::Error::InvalidCertificate(names));
        let error = io::Error::other(inner);
        let told = explain(&error).unwrap();
        assert!(told.contains("AWS_CA_BUNDLE") && !told.contains("UnknownIssuer"), "{told}");
        assert_eq!(explain(&io::Error::other("reset")), None);
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure);
        assert_eq!(explain(&alert).unwrap(), "the server broke TLS off: handshake failure");
        assert_eq!((bare("DnsName(\"a.example\")"), bare("IpAddress(10.0.0.1)")), ("a.example", "10.0.0.1"));
    }
}
