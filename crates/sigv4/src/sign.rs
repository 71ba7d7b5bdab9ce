//! Signing, for a client.

use std::fmt;

use crate::canonical::{Unfinished, signature};
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
/// Signs every header of the request and those that it adds. `host` must be one of them, or no server accepts the
/// result. Headers that may change on the way must not be. Added headers replace those of the same name.
pub fn sign(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    region: &str,
    service: &str,
    now: i64,
    payload_sha256: &[u8; 32],
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
    let scope = [day, region, service, TERMINATOR].join("/");
    let string_to_sign = Unfinished::new(&covered, &names).string_to_sign(&time, &scope, payload_sha256);
    let signature = signature(credentials.secret_access_key.as_bytes(), &scope, &string_to_sign);
    let access_key_id = credentials.access_key_id;
    let (signed_headers, signature) = (names.join(";"), hex::encode(signature));
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    added.push(("authorization", authorization));
    added
}
