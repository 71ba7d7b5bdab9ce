//! Pointers to content.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::excerpt::Excerpt;
use crate::members::Members;
use crate::strict_json::{Json, Path};
use crate::{Digest, ManifestError};

/// A reference to content: its type, digest and size (image specification, descriptor.md).
///
/// It serialises in the specification's form, which lists of referrers use. It is only read as part of a manifest, by
/// [`ManifestView::parse`](crate::ManifestView::parse). A `data` member is verified and not kept. A `platform` stays
/// in the manifest's own bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: String,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes; at most `i64::MAX`.
    pub size: u64,
    /// Other places where the content can be fetched. A registry never fetches it from there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations: notes about the content, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The type of the artifact, if the content is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

/// The members of a descriptor (image specification, descriptor.md).
const MEMBERS: [&str; 8] =
    ["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"];

/// The members of a descriptor's `platform` (image specification, image-index.md).
const PLATFORM: [&str; 6] = ["architecture", "os", "os.version", "os.features", "variant", "features"];

impl Descriptor {
    pub(crate) fn read(value: Json<'_>, path: &Path<'_>) -> Result<Descriptor, ManifestError> {
        let mut members = Members::known(value, path, &MEMBERS)?;
        let media_type = members.required_text("mediaType")?.into_owned();
        let digest = members.required_text("digest")?;
        let digest = Digest::parse(&digest)
            .map_err(|error| members.error("digest", format!("is {}: {error}", Excerpt(&digest))))?;
        let size = size(&mut members)?;
        if let Some(data) = members.nonempty_text("data")? {
            require_content(&data, &digest, size).map_err(|problem| members.error("data", problem))?;
        }
        if let Some(platform) = members.optional("platform") {
            Members::known(platform, &Path::Member(path, "platform"), &PLATFORM)?;
        }
        Ok(Descriptor {
            media_type,
            digest,
            size,
            urls: members.texts("urls")?,
            annotations: members.text_map("annotations")?,
            artifact_type: members.nonempty_text("artifactType")?.map(std::borrow::Cow::into_owned),
        })
    }
}

/// Reads the size. The specification's type is a signed 64-bit integer, as in a database.
fn size(members: &mut Members<'_, '_>) -> Result<u64, ManifestError> {
    const WANTED: &str = "a whole number of bytes";
    match members.required("size", WANTED)? {
        Json::Unsigned(size) if i64::try_from(size).is_ok() => Ok(size),
        Json::Unsigned(_) | Json::OtherNumber => {
            Err(members.error("size", format!("must be {WANTED}, from 0 to {}", i64::MAX)))
        }
        other => Err(members.error("size", format!("must be {WANTED}, is {}", other.kind()))),
    }
}

/// Checks that embedded content matches its digest and size. Otherwise readers would disagree about the content.
/// `STANDARD` requires padding and spare bits of zero, so each content has one spelling.
fn require_content(data: &str, digest: &Digest, size: u64) -> Result<(), &'static str> {
    let content = STANDARD.decode(data).map_err(|_| "must be Base 64 with padding")?;
    if content.len() as u64 != size {
        return Err("must be of the descriptor's size");
    }
    if Digest::of(digest.algorithm(), &content) != *digest {
        return Err("must have the descriptor's digest");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    #[test]
    fn content_is_in_the_standard_alphabet_with_padding() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYmFy", b"foobar"),
            ("e30=", b"{}"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            let digest = Digest::of(Algorithm::Sha256, bytes);
            assert_eq!(require_content(text, &digest, bytes.len() as u64), Ok(()), "{text}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let digest = Digest::of(Algorithm::Sha256, b"foo");
        for text in [
            "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v", "-_-_", "Zm9v\n", "Z=g=", "é==",
        ] {
            let refused = require_content(text, &digest, 3);
            assert_eq!(refused, Err("must be Base 64 with padding"), "{text}");
        }
    }
}
