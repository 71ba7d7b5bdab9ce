//! The inverse of [`route`](crate::route): paths for `Location` and `Link` headers.
//!
//! All are relative to the host. A registry must not build an absolute URL from the `Host` header, which the client
//! chooses. Clients also drop their credentials when the host or the scheme changes.

use crate::{Digest, Reference, RepositoryName};

/// The path of a blob.
pub fn blob(repository: &RepositoryName, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// The path where an upload continues.
pub fn upload(repository: &RepositoryName, session: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/{session}")
}

/// The path of a manifest.
pub fn manifest(repository: &RepositoryName, reference: &Reference) -> String {
    format!("/v2/{repository}/manifests/{reference}")
}

/// The next page of a list of tags, after `last`.
pub fn tags(repository: &RepositoryName, n: usize, last: &str) -> String {
    format!("/v2/{repository}/tags/list?n={n}&last={}", Encoded(last))
}

/// The next page of a list of referrers, after the mark `last`.
pub fn referrers(
    repository: &RepositoryName,
    digest: &Digest,
    artifact_type: Option<&str>,
    last: i64,
) -> String {
    let page = format!("/v2/{repository}/referrers/{digest}?last={last}");
    match artifact_type {
        Some(artifact_type) => format!("{page}&artifactType={}", Encoded(artifact_type)),
        None => page,
    }
}

/// The next page of the catalog, after `last`.
pub fn catalog(n: usize, last: &str) -> String {
    format!("/v2/_catalog?n={n}&last={}", Encoded(last))
}

/// A text, encoded as the value of a query parameter.
struct Encoded<'a>(&'a str);

impl std::fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                write!(f, "{}", char::from(byte))
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}
