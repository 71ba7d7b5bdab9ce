//! Paths and queries in canonical form (IAM User Guide, "Create a signed AWS API request", step 1).

/// Appends the canonical path: dot segments and empty segments removed, then each segment encoded once more than on
/// the wire (`%3D` becomes `%253D`). An empty path is `/`. Every service but S3 does it so.
pub(crate) fn push_path(out: &mut Vec<u8>, path: &str) {
    if path.is_empty() {
        out.push(b'/');
        return;
    }
    let Some(rooted) = path.strip_prefix('/') else {
        // `*` and absolute forms: no path to normalise, and never the canonical form of one.
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

/// Appends the canonical path of S3: as on the wire, which has to be encoded as [`encode_path`] does it.
pub(crate) fn push_path_as_it_is(out: &mut Vec<u8>, path: &str) {
    out.extend_from_slice(if path.is_empty() { b"/" } else { path.as_bytes() });
}

/// Encodes text for a query, as its canonical form has it.
pub fn encode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_encoded(&mut out, text.as_bytes());
    String::from_utf8(out).unwrap_or_default()
}

/// Encodes a path of S3, whose slashes stay.
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Appends the canonical query: each name and value decoded and encoded afresh, sorted by name, then by value.
pub(crate) fn push_query(out: &mut Vec<u8>, query: &str) {
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
