//! The canonical request: the one text that signer and verifier both make of a request (IAM User Guide, "Create a
//! signed AWS API request", step 1), and the string to sign that its hash goes into (step 3).

use sha2::{Digest, Sha256};

use crate::{ALGORITHM, Request, hex_digest, uri};

/// How a service wants paths in canonical form.
#[derive(Clone, Copy)]
pub(crate) enum Paths {
    /// Normalised and encoded once more: every service but S3.
    Normalised,
    /// As on the wire: S3, whose keys may hold what others take for dot segments.
    AsTheyAre,
}

/// The whole canonical request. For this crate's tests: it may never reach an answer or a log, because it holds the
/// session token, and because it tells a forger what to aim at.
#[doc(hidden)]
pub fn canonical_request(request: &Request<'_>, signed_headers: &str, payload_sha256: &[u8; 32]) -> Vec<u8> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    [&without_payload(request, &names, Paths::Normalised)[..], &hex_digest::format(payload_sha256)].concat()
}

/// The canonical request up to the payload's hash, hashed. What is left to do does not need the request any more.
#[derive(Clone)]
pub(crate) struct Unfinished(Sha256);

impl Unfinished {
    /// `signed_headers` are names in lower case, sorted, each once.
    pub(crate) fn new(request: &Request<'_>, signed_headers: &[&str], paths: Paths) -> Unfinished {
        Unfinished(Sha256::new_with_prefix(without_payload(request, signed_headers, paths)))
    }

    /// The string to sign, for a time in basic format and a scope `yyyymmdd/region/service/aws4_request`.
    pub(crate) fn string_to_sign(&self, time: &str, scope: &str, payload_sha256: &[u8; 32]) -> Vec<u8> {
        self.string_to_sign_of(time, scope, &hex_digest::format(payload_sha256))
    }

    /// The same for what stands in the place of the payload's hash.
    pub(crate) fn string_to_sign_of(&self, time: &str, scope: &str, payload: &[u8]) -> Vec<u8> {
        let hash = self.0.clone().chain_update(payload).finalize();
        let hash = hex_digest::format(&hash.into());
        [ALGORITHM.as_bytes(), time.as_bytes(), scope.as_bytes(), &hash].join(&b'\n')
    }
}

fn without_payload(request: &Request<'_>, signed_headers: &[&str], paths: Paths) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    match paths {
        Paths::Normalised => uri::push_path(&mut out, request.path),
        Paths::AsTheyAre => uri::push_path_as_it_is(&mut out, request.path),
    }
    out.push(b'\n');
    uri::push_query(&mut out, request.query.unwrap_or_default());
    out.push(b'\n');
    for name in signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (index, value) in request.values(name).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_value(&mut out, value);
        }
        out.push(b'\n');
    }
    out.push(b'\n');
    for (index, name) in signed_headers.iter().enumerate() {
        if index > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    out
}

/// Appends a header value without the white space around it and with every inner run of spaces made one.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}
