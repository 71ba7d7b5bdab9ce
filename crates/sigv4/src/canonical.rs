//! The canonical request: the text that signer and verifier both make from a request (IAM User Guide, "Create a
//! signed AWS API request", step 1). Also the string to sign, which has its hash (step 3).

use sha2::{Digest, Sha256};

use crate::{ALGORITHM, Request, hex_digest, uri};

/// The whole canonical request, for this crate's tests. It must never be in an answer or a log: it has the session
/// token, and helps a forger.
#[doc(hidden)]
pub fn canonical_request(request: &Request<'_>, signed_headers: &str, payload_sha256: &[u8; 32]) -> Vec<u8> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    [&without_payload(request, &names)[..], &hex_digest::format(payload_sha256)].concat()
}

/// The hash of the canonical request up to the payload's hash. The rest of the work does not need the request.
#[derive(Clone)]
pub(crate) struct Unfinished(Sha256);

impl Unfinished {
    /// `signed_headers` are names in lower case, sorted, each once.
    pub(crate) fn new(request: &Request<'_>, signed_headers: &[&str]) -> Unfinished {
        Unfinished(Sha256::new_with_prefix(without_payload(request, signed_headers)))
    }

    /// The string to sign, for a time in basic format and a scope `yyyymmdd/region/service/aws4_request`.
    pub(crate) fn string_to_sign(&self, time: &str, scope: &str, payload_sha256: &[u8; 32]) -> Vec<u8> {
        let hash = self.0.clone().chain_update(hex_digest::format(payload_sha256)).finalize();
        let hash = hex_digest::format(&hash.into());
        [ALGORITHM.as_bytes(), time.as_bytes(), scope.as_bytes(), &hash].join(&b'\n')
    }
}

fn without_payload(request: &Request<'_>, signed_headers: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    uri::push_path(&mut out, request.path);
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

/// Appends a header's value, without outer white space and with each inner run of spaces as one space.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}
