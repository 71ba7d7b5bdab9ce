//! Signs requests, for a client.

use std::fmt;

use crate::canonical::{Paths, Unfinished, encode, hex_digits, signature};
use crate::{ALGORITHM, Request, TERMINATOR, timestamp};

/// Headers that signing adds to a request.
const OURS: [&str; 3] = ["authorization", "x-amz-date", "x-amz-security-token"];

/// An access key with its secret.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The public half.
    pub access_key_id: &'a str,
    /// The half that signs.
    pub secret_access_key: &'a str,
    /// The token that belongs to temporary keys.
    pub session_token: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"***")
            .field("session_token", &self.session_token.map(|_| "***"))
            .finish()
    }
}

/// Signs a request at `now` (Unix seconds, within the years 0 to 9999). Returns the headers to add: `x-amz-date`,
/// `x-amz-security-token` if there is a session token, and `authorization`. The last one alone lets its holder make
/// this request, so keep it secret.
///
/// Signs every header of the request, and the headers that it adds. `host` must be one of them, or no server
/// accepts the result. The request must have no header that may change on the way. Added headers replace those
/// of the same name.
pub fn sign(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    region: &str,
    service: &str,
    now: i64,
    payload_sha256: &[u8; 32],
) -> Vec<(&'static str, String)> {
    let scope = Scope { region, service, paths: Paths::Normalised };
    signed(request, credentials, &scope, now, &hex_digits(payload_sha256))
}

/// The statement of a request to S3 about its payload, in the signature and in `x-amz-content-sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The SHA-256 of the payload. The server checks it.
    Sha256([u8; 32]),
    /// No statement: only the head is signed. Something else has to guard the payload, such as a checksum in a header.
    Unsigned,
}

impl Payload {
    /// The value of `x-amz-content-sha256`.
    pub fn header(&self) -> String {
        match self {
            Self::Sha256(hash) => hex::encode(hash),
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        }
    }
}

/// Signs a request to S3, as [`sign`] does for every other service, and returns the headers to add. The given
/// headers include `x-amz-content-sha256` ([`Payload::header`]), and the path is encoded as
/// [`encode_path`](crate::encode_path) does it.
pub fn sign_s3(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    region: &str,
    now: i64,
    payload: Payload,
) -> Vec<(&'static str, String)> {
    let scope = Scope { region, service: "s3", paths: Paths::Unchanged };
    signed(request, credentials, &scope, now, payload.header().as_bytes())
}

/// The query of a URL of S3 with which anybody can make this request for `seconds` after `now`. The request
/// must have no query and only the header `host`. The holder of the URL needs no key, so keep it secret.
pub fn presign_s3(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    region: &str,
    now: i64,
    seconds: u32,
) -> String {
    let time = timestamp::format(now);
    let day = time.split('T').next().unwrap_or_default();
    let scope = [day, region, "s3", TERMINATOR].join("/");
    let credential = format!("{}/{scope}", credentials.access_key_id);
    let seconds = seconds.to_string();
    let mut pairs = vec![
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &time),
        ("X-Amz-Expires", &seconds),
    ];
    pairs.extend(credentials.session_token.map(|token| ("X-Amz-Security-Token", token)));
    pairs.push(("X-Amz-SignedHeaders", "host"));
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let query = pairs.join("&");
    let request = Request { query: Some(&query), ..request.clone() };
    let payload = Payload::Unsigned.header();
    let unfinished = Unfinished::new(&request, &["host"], Paths::Unchanged);
    let string_to_sign = unfinished.string_to_sign(&time, &scope, payload.as_bytes());
    let signature = signature(credentials.secret_access_key.as_bytes(), &scope, &string_to_sign);
    format!("{query}&X-Amz-Signature={}", hex::encode(signature))
}

/// The scope of a signature, and the rules of its service.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
    paths: Paths,
}

fn signed(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    scope: &Scope<'_>,
    now: i64,
    payload: &[u8],
) -> Vec<(&'static str, String)> {
    let time = timestamp::format(now);
    let mut added = vec![("x-amz-date", time.clone())];
    added.extend(credentials.session_token.map(|token| ("x-amz-security-token", token.to_owned())));

    let mut covered = request.clone();
    covered.headers.retain(|(name, _)| !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)));
    covered.headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let mut names: Vec<String> = covered.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();

    let day = time.split('T').next().unwrap_or_default();
    let paths = scope.paths;
    let scope = [day, scope.region, scope.service, TERMINATOR].join("/");
    let string_to_sign = Unfinished::new(&covered, &names, paths).string_to_sign(&time, &scope, payload);
    let signature = signature(credentials.secret_access_key.as_bytes(), &scope, &string_to_sign);
    let access_key_id = credentials.access_key_id;
    let (signed_headers, signature) = (names.join(";"), hex::encode(signature));
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    added.push(("authorization", authorization));
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of Amazon's documents ("Authenticating Requests: Using Query Parameters").
    #[test]
    fn a_url_is_signed_as_in_amazons_example() {
        let request = Request {
            method: "GET",
            path: "/test.txt",
            query: None,
            headers: vec![("host", b"examplebucket.s3.amazonaws.com")],
        };
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            session_token: None,
        };
        let query = presign_s3(&request, &credentials, "us-east-1", 1_369_353_600, 86_400);
        assert!(
            query.ends_with(
                "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
                 &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
            ),
            "{query}"
        );
        let temporary = Credentials { session_token: Some("a/b="), ..credentials };
        let query = presign_s3(&request, &temporary, "us-east-1", 1_369_353_600, 86_400);
        assert!(query.contains("&X-Amz-Security-Token=a%2Fb%3D&X-Amz-SignedHeaders=host&"), "{query}");
    }
}
