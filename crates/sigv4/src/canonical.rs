//! The canonical request is the text that signer and verifier both make from a request (IAM User Guide, "Create
//! a signed AWS API request", step 1). Its hash goes into the string to sign (step 3), and the signature covers
//! that string (steps 2 and 4).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{ALGORITHM, Request};

/// How a service wants paths in the canonical request.
#[derive(Clone, Copy)]
pub(crate) enum Paths {
    /// Normalised and encoded once more: every service but S3.
    Normalised,
    /// Unchanged, as on the wire: S3, whose keys may have empty segments and dot segments.
    Unchanged,
}

/// The whole canonical request, for this crate's tests. It must never be in an answer or a log: it has the session
/// token, and helps a forger.
#[doc(hidden)]
pub fn canonical_request(request: &Request<'_>, signed_headers: &str, payload_sha256: &[u8; 32]) -> Vec<u8> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    [&without_payload(request, &names, Paths::Normalised)[..], &hex_digits(payload_sha256)].concat()
}

/// The hash of the canonical request up to the payload's hash. The remaining steps do not need the request.
#[derive(Clone)]
pub(crate) struct Unfinished(Sha256);

impl Unfinished {
    /// `signed_headers` are names in lower case, sorted, each once.
    pub(crate) fn new(request: &Request<'_>, signed_headers: &[&str], paths: Paths) -> Unfinished {
        Unfinished(Sha256::new_with_prefix(without_payload(request, signed_headers, paths)))
    }

    /// The string to sign, for a time in basic format and a scope `yyyymmdd/region/service/aws4_request`.
    /// `payload` is the last line of the canonical request.
    pub(crate) fn string_to_sign(&self, time: &str, scope: &str, payload: &[u8]) -> Vec<u8> {
        let hash = self.0.clone().chain_update(payload).finalize();
        let hash = hex_digits(&hash.into());
        [ALGORITHM.as_bytes(), time.as_bytes(), scope.as_bytes(), &hash].join(&b'\n')
    }
}

/// The signature of a string, with the key derived from a secret for a scope `yyyymmdd/region/service/aws4_request`:
/// a chain of HMACs over the scope's parts.
pub(crate) fn signature(secret: &[u8], scope: &str, string_to_sign: &[u8]) -> [u8; 32] {
    let root = [b"AWS4", secret].concat();
    let mut parts = scope.split('/');
    let first = hmac(&root, parts.next().unwrap_or_default().as_bytes());
    let key = parts.fold(first, |key, part| hmac(&key, part.as_bytes()));
    hmac(&key, string_to_sign)
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn without_payload(request: &Request<'_>, signed_headers: &[&str], paths: Paths) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    match paths {
        Paths::Normalised => push_path(&mut out, request.path),
        Paths::Unchanged if request.path.is_empty() => out.push(b'/'),
        Paths::Unchanged => out.extend_from_slice(request.path.as_bytes()),
    }
    out.push(b'\n');
    push_query(&mut out, request.query.unwrap_or_default());
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

/// Appends a header value without the white space around it. Each run of spaces inside becomes one space.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// The 64 lower-case digits of a SHA-256 value.
pub(crate) fn hex_digits(value: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    hex::encode_to_slice(value, &mut digits).expect("32 bytes have 64 digits");
    digits
}

/// Encodes text for a query, as the canonical form has it.
pub fn encode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_encoded(&mut out, text.as_bytes());
    String::from_utf8(out).unwrap_or_default()
}

/// Encodes a path of S3. Its slashes stay.
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Appends the canonical path: dot segments and empty segments removed, then each segment encoded once more than on
/// the wire (`%3D` becomes `%253D`). An empty path is `/`. Every service but S3 has this form.
fn push_path(out: &mut Vec<u8>, path: &str) {
    if path.is_empty() {
        out.push(b'/');
        return;
    }
    let Some(rooted) = path.strip_prefix('/') else {
        // `*` and absolute forms are no paths, so they are not normalised. They never equal the canonical form of a
        // path.
        push_encoded(out, path.as_bytes());
        return;
    };
    let mut kept = Vec::new();
    let mut ends_open = true;
    for segment in rooted.split('/') {
        ends_open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    for segment in &kept {
        out.push(b'/');
        push_encoded(out, segment.as_bytes());
    }
    if ends_open || kept.is_empty() {
        out.push(b'/');
    }
}

/// Appends the canonical query: each name and value decoded and encoded afresh, sorted by name, then by value.
fn push_query(out: &mut Vec<u8>, query: &str) {
    let mut parameters: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (reencoded(name), reencoded(value))
        })
        .collect();
    parameters.sort_unstable();
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// Percent-encodes every byte that RFC 3986 does not leave unreserved, with upper-case digits.
fn push_encoded(out: &mut Vec<u8>, text: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

fn reencoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let mut byte = [0];
        if *first == b'%' && tail.len() >= 2 && hex::decode_to_slice(&tail[..2], &mut byte).is_ok() {
            decoded.extend_from_slice(&byte);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    let mut encoded = Vec::with_capacity(decoded.len());
    push_encoded(&mut encoded, &decoded);
    encoded
}
