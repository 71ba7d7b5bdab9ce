//! OCI image layouts (image specification, image-layout.md), in a directory or in an archive.

use std::collections::HashSet;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_oci::{Digest, ManifestKind, ManifestView, media_type};
use serde::Deserialize;

use super::content::Content;
use super::files::Files;
use super::image::{Blob, Finished, Manifest};
use super::platform::{Platform, Platforms};

/// What registries take.
const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
/// How deep indexes may lie in indexes.
const DEEPEST: usize = 4;
const NAME: &str = "org.opencontainers.image.ref.name";
const FULL_NAME: &str = "io.containerd.image.name";

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

/// A manifest that an index lists.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: Digest,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: std::collections::HashMap<String, String>,
}

impl Entry {
    fn names(&self) -> impl Iterator<Item = &str> {
        [NAME, FULL_NAME].iter().filter_map(|key| self.annotations.get(*key)).map(String::as_str)
    }
}

/// Finds an image in a layout, and everything that belongs to it. Of an image that an engine has `saved`, what the
/// engine never pulled may be missing. Blocks.
pub(super) fn image(
    files: &Files,
    name: Option<&str>,
    platforms: &Platforms,
    saved: bool,
) -> Result<Finished> {
    let index = files.find("index.json")?.context("is no OCI layout: index.json is missing")?;
    let index: Index =
        serde_json::from_slice(&index.whole(LARGEST_MANIFEST)?).context("index.json cannot be read")?;
    let mut entry = choose(&index.manifests, name)?.clone();
    if let Some(wanted) = platforms.named()
        && (platforms.required().is_some() || media_type::is_index(&entry.media_type))
    {
        entry = match narrow(files, entry.clone(), wanted) {
            Err(_) if platforms.required().is_none() => entry,
            narrowed => narrowed?,
        };
    }
    let (found, missing) = Walk::from(files, &entry)?;
    if missing.is_empty() {
        return Ok(found);
    }
    if saved
        && platforms.required().is_none()
        && let Some(found) = only_whole_child(files, &entry)?
    {
        return Ok(found);
    }
    bail!(
        "is not whole: {} missing; pull what is missing first, or push one platform with --platform",
        missing.join(", ")
    );
}

/// The one image of an index that is there with all its parts.
fn only_whole_child(files: &Files, index: &Entry) -> Result<Option<Finished>> {
    let Some(content) = blob(files, &index.digest)?.filter(|_| media_type::is_index(&index.media_type))
    else {
        return Ok(None);
    };
    let index: Index = serde_json::from_slice(&content.whole(LARGEST_MANIFEST)?)?;
    let mut whole = Vec::new();
    for child in index.manifests {
        let Some(platform) = child.platform.clone().filter(|platform| platform.os != "unknown") else {
            continue;
        };
        let (found, missing) = Walk::from(files, &child)?;
        if missing.is_empty() {
            whole.push((found, platform));
        }
    }
    let [(found, platform)] = whole.as_mut_slice() else { return Ok(None) };
    found.note = Some(format!("Of this image the engine has {platform} alone; that is what is pushed."));
    Ok(Some(std::mem::take(found)))
}

fn choose<'i>(entries: &'i [Entry], name: Option<&str>) -> Result<&'i Entry> {
    let there = || {
        let mut names: Vec<&str> = entries.iter().filter_map(|entry| entry.names().next()).collect();
        names.sort_unstable();
        if names.is_empty() { "no tags".to_owned() } else { names.join(", ") }
    };
    match (name, entries) {
        (_, []) => bail!("the layout holds no image"),
        (Some(name), _) => entries
            .iter()
            .find(|entry| entry.names().any(|known| known == name))
            .with_context(|| format!("no image is tagged {name:?}; there is {}", there())),
        (None, [entry]) => Ok(entry),
        (None, _) => {
            bail!("{} images are in it: name one behind a colon; there is {}", entries.len(), there())
        }
    }
}

/// The manifest for one platform.
fn narrow(files: &Files, mut entry: Entry, wanted: &Platform) -> Result<Entry> {
    for depth in 0..DEEPEST {
        let content = blob(files, &entry.digest)?.with_context(|| format!("{} is missing", entry.digest))?;
        let bytes = content.whole(LARGEST_MANIFEST)?;
        if !media_type::is_index(&entry.media_type) {
            // An index has said what it is for.
            if depth == 0 {
                require_platform(&config(files, &bytes)?, wanted)?;
            }
            return Ok(entry);
        }
        let index: Index = serde_json::from_slice(&bytes)?;
        let fits = |child: &&Entry| child.platform.as_ref().is_some_and(|there| wanted.takes(there));
        let Some(child) = index.manifests.iter().find(fits) else {
            let there: Vec<String> = index
                .manifests
                .iter()
                .filter_map(|child| child.platform.as_ref())
                .filter(|platform| platform.os != "unknown")
                .map(Platform::to_string)
                .collect();
            bail!("has no image for {wanted}; there is {}", there.join(", "));
        };
        entry = child.clone();
    }
    bail!("its indexes lie too deep in each other")
}

/// The configuration of an image manifest.
fn config(files: &Files, manifest: &[u8]) -> Result<bytes::Bytes> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Image {
        config: Named,
    }
    #[derive(Deserialize)]
    struct Named {
        digest: Digest,
    }
    let image: Image = serde_json::from_slice(manifest).context("its manifest cannot be read")?;
    let digest = image.config.digest;
    blob(files, &digest)?.with_context(|| format!("{digest} is missing"))?.whole(LARGEST_MANIFEST)
}

fn blob(files: &Files, digest: &Digest) -> Result<Option<Content>> {
    files.find(&path(digest))
}

/// Everything that belongs to a manifest, and what of it is missing.
struct Walk<'f> {
    files: &'f Files,
    seen: HashSet<Digest>,
    found: Finished,
    missing: Vec<String>,
}

impl<'f> Walk<'f> {
    fn from(files: &'f Files, entry: &Entry) -> Result<(Finished, Vec<String>)> {
        let mut walk = Self { files, seen: HashSet::new(), found: Finished::default(), missing: Vec::new() };
        walk.visit(entry, DEEPEST)?;
        Ok((walk.found, walk.missing))
    }

    fn visit(&mut self, entry: &Entry, depth: usize) -> Result<()> {
        let digest = entry.digest;
        if !self.seen.insert(digest) {
            return Ok(());
        }
        ensure!(depth > 0, "its indexes lie too deep in each other");
        let Some(content) = blob(self.files, &digest)? else {
            let platform =
                entry.platform.as_ref().map_or_else(String::new, |platform| format!(" ({platform})"));
            self.missing.push(format!("{digest}{platform}"));
            return Ok(());
        };
        let bytes = content.whole(LARGEST_MANIFEST).with_context(|| format!("the manifest {digest}"))?;
        ensure!(
            Digest::of(digest.algorithm(), &bytes) == digest,
            "is damaged: {} is not what its name says",
            path(&digest)
        );
        if media_type::is_schema1(&entry.media_type) {
            bail!("holds a manifest of schema 1, which no longer can be pushed; build or pull it anew");
        }
        let view = ManifestView::parse(&bytes, Some(&entry.media_type))
            .with_context(|| format!("the manifest {digest}"))?;
        if view.kind == ManifestKind::Index {
            let index: Index = serde_json::from_slice(&bytes)?;
            let children: HashSet<Digest> = view.children.iter().map(|child| child.digest).collect();
            for child in index.manifests.iter().filter(|child| children.contains(&child.digest)) {
                self.visit(child, depth - 1)?;
            }
        }
        for blob in view.blobs {
            if !self.seen.insert(blob.digest) {
                continue;
            }
            match self::blob(self.files, &blob.digest)? {
                // Its owner wants it fetched from elsewhere.
                None if media_type::is_foreign_layer(&blob.media_type) => {}
                None => self.missing.push(blob.digest.to_string()),
                Some(content) => {
                    let (size, found) = (blob.size, content.size());
                    let name = path(&blob.digest);
                    ensure!(found == size, "is damaged: {name} has {found} bytes instead of {size}");
                    self.found.blobs.push(Blob { digest: blob.digest, content });
                }
            }
        }
        self.found.manifests.push(Manifest { digest, media_type: view.media_type, bytes });
        Ok(())
    }
}

fn path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// Whether anything in an image is a layer that nobody has compressed.
pub(super) fn has_plain_layers(image: &Finished) -> bool {
    let plain = |manifest: &Manifest| {
        ManifestView::parse(&manifest.bytes, None)
            .is_ok_and(|view| view.blobs.iter().any(|blob| blob.media_type == media_type::OCI_LAYER))
    };
    matches!(image.manifests.as_slice(), [only] if plain(only))
}

/// Refuses a configuration of another platform.
pub(super) fn require_platform(config: &[u8], wanted: &Platform) -> Result<()> {
    let platform: Platform = serde_json::from_slice(config).context("its configuration cannot be read")?;
    ensure!(wanted.takes(&platform), "is an image for {platform}, not for {wanted}");
    Ok(())
}
