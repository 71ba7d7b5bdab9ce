//! The entries of a layout's index, read as programs in Go read them.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gangplank_oci::Digest;

use super::go_json::{self, Go};
use super::platform::Platform;

/// The annotations in which writers of layouts give an image's name.
const NAMES: [&str; 2] = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];
/// The annotation with which cosign marks signatures and other things that it stores beside an image.
const COSIGN: [&str; 2] = ["kind", "dev.cosignproject.cosign/kind"];
/// The annotation with which `BuildKit` marks an attestation.
const ATTACHED_TO: &str = "vnd.docker.reference.digest";

/// A descriptor: a reference to content.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) platform: Option<Platform>,
    pub(crate) names: Vec<String>,
    /// Whether its annotations say that it belongs to another image.
    pub(crate) is_attached: bool,
    /// The content itself, if the descriptor embeds it.
    pub(crate) data: Option<Bytes>,
    /// Other places where the content can be fetched.
    pub(crate) urls: Vec<String>,
}

impl Entry {
    fn read(entry: &Go<'_>) -> Result<Self> {
        let digest = entry.member("digest")?.text()?;
        let digest = Digest::parse(digest).with_context(|| format!("{digest:?} is no digest"))?;
        let platform = entry.member("platform")?;
        let platform = if platform.is_there() { Some(Platform::read(&platform)?) } else { None };
        let annotations = entry.member("annotations")?;
        let annotation = |name| annotations.member(name).and_then(|value| value.text());
        let mut names = Vec::new();
        for name in NAMES {
            let name = annotation(name)?;
            if !name.is_empty() && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let mut is_attached = !annotation(ATTACHED_TO)?.is_empty();
        for name in COSIGN {
            let kind = annotation(name)?;
            is_attached |= kind.starts_with("dev.cosignproject.cosign/") && !kind.contains("cosign/image");
        }
        is_attached |= !names.is_empty() && names.iter().all(|name| is_of_a_digest(name));
        let data = entry.member("data")?.text()?;
        let data = STANDARD.decode(data).ok().filter(|data| !data.is_empty()).map(Bytes::from);
        Ok(Self {
            media_type: entry.member("mediaType")?.text()?.to_owned(),
            digest,
            platform,
            names,
            is_attached,
            // An annotation that is no text is ignored.
            data: data.filter(|data| Digest::of(digest.algorithm(), data) == digest),
            urls: entry.member("urls")?.texts()?.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// Whether a tag has the form under which signatures are found: `sha256-<hex>`, with or without a suffix.
fn is_of_a_digest(tag: &str) -> bool {
    let tag = tag.rsplit(':').next().unwrap_or_default();
    let Some(rest) = tag.strip_prefix("sha256-") else { return false };
    let hex = rest.split('.').next().unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The descriptors of a document under one of its members, such as `manifests` or `layers`.
pub(crate) fn entries(document: &[u8], member: &str) -> Result<Vec<Entry>> {
    let document = go_json::parse(document)?;
    Go::of(&document).member(member)?.list()?.map(|entry| Entry::read(&entry)).collect()
}

/// The descriptor of a document under a member, if there is one.
pub(crate) fn entry(document: &[u8], member: &str) -> Result<Option<Entry>> {
    let document = go_json::parse(document)?;
    let entry = Go::of(&document).member(member)?;
    if entry.is_there() { Entry::read(&entry).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_go_reads_them() {
        let digest = Digest::sha256(b"{}");
        let text = format!(
            r#"{{"Manifests":[{{"mediatype":"t","DIGEST":"{digest}","platform":null,"annotations":null,"data":"e30="}}]}}"#
        );
        let read = entries(text.as_bytes(), "manifests").unwrap();
        assert_eq!((read[0].media_type.as_str(), read[0].digest), ("t", digest));
        assert_eq!(read[0].data.as_deref(), Some(&b"{}"[..]));
        assert!(read[0].platform.is_none() && read[0].names.is_empty() && !read[0].is_attached);
        assert!(entries(br#"{"manifests":null}"#, "manifests").unwrap().is_empty());
        assert!(entry(b"{}", "subject").unwrap().is_none());
        assert!(entries(br#"{"manifests":[{}]}"#, "manifests").is_err());
    }

    #[test]
    fn tags_of_signatures_are_known() {
        let hex = "a".repeat(64);
        assert!(is_of_a_digest(&format!("sha256-{hex}.sig")) && is_of_a_digest(&format!("h/r:sha256-{hex}")));
        assert!(!is_of_a_digest("v1") && !is_of_a_digest("sha256-abc.sig"));
    }
}
