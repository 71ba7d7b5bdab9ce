//! OCI image layouts (image specification, image-layout.md), in a directory or in an archive.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use gangplank_oci::{Descriptor, Digest, ManifestKind, ManifestView, media_type};

use super::choice::{self, Offer, Wanted};
use super::content::Content;
use super::files::Files;
use super::go_json::{self, Go};
use super::image::{Blob, Finished, Manifest};
use super::layout_entry::{Entry, entries, entry};
use super::platform::{Platform, Platforms};

/// The largest manifest that registries accept, in bytes.
const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
/// The largest sum of an image's manifests, in bytes. They are kept in memory.
const MOST_MANIFEST_BYTES: usize = 256 * 1024 * 1024;
/// How many indexes may be nested.
const DEEPEST: usize = 4;

/// Finds an image in a layout, with all its parts. `saved` images come from an engine. They may lack parts that the
/// engine never pulled. Blocks.
pub(crate) fn image(
    files: &Files,
    wanted: &Wanted<'_>,
    platforms: &Platforms,
    saved: bool,
) -> Result<Finished> {
    let index = files.find("index.json")?.context("is no OCI layout: index.json is missing")?;
    let index = index.whole(LARGEST_MANIFEST).context("index.json")?;
    let listed = entries(&index, "manifests").context("index.json cannot be read")?;
    let (mut entry, note) = choose(files, listed, wanted)?;
    if let Some(platform) = platforms.named()
        && (platforms.required().is_some() || is_index(files, &entry))
    {
        entry = match narrow(files, entry.clone(), platform, wanted) {
            Err(_) if platforms.required().is_none() => entry,
            narrowed => narrowed?,
        };
    }
    let (mut found, missing) = Walk::from(files, &entry)?;
    if missing.is_empty() {
        found.note = note;
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

/// The one image of an index that has all its parts.
fn only_whole_child(files: &Files, index: &Entry) -> Result<Option<Finished>> {
    if !is_index(files, index) {
        return Ok(None);
    }
    let Some(content) = manifest(files, index)? else { return Ok(None) };
    let (mut whole, mut seen) = (Vec::new(), HashSet::new());
    for child in entries(&content, "manifests")? {
        let Some(platform) = child.platform.clone().filter(Platform::is_known) else { continue };
        if !seen.insert(child.digest) {
            continue;
        }
        let (found, missing) = Walk::from(files, &child)?;
        if missing.is_empty() {
            whole.push((found, platform));
        }
    }
    let [(found, platform)] = whole.as_mut_slice() else { return Ok(None) };
    found.note = Some(format!("Of this image the engine has {platform} alone; that is what is pushed."));
    Ok(Some(std::mem::take(found)))
}

/// The entry that is meant, and a remark about it.
fn choose(files: &Files, mut listed: Vec<Entry>, wanted: &Wanted<'_>) -> Result<(Entry, Option<String>)> {
    let is_one = listed.iter().all(|entry| entry.digest == listed[0].digest);
    let offer = |entry: &Entry| {
        let mut offer = Offer {
            names: entry.names.clone(),
            id: entry.digest,
            platform: entry.platform.clone(),
            is_attached: entry.is_attached,
        };
        if !is_one {
            look_into(files, entry, &mut offer);
        }
        offer
    };
    let mut offers: Vec<Offer> = listed.iter().map(offer).collect();
    // The digest may belong to an image inside an index.
    if let Some(name) = wanted.name
        && !offers.iter().any(|offer| choice::is_id(&offer.id, name))
    {
        for below in below(files, &listed) {
            if choice::is_id(&below.digest, name) {
                offers.push(Offer { names: Vec::new(), ..offer(&below) });
                listed.push(below);
            }
        }
    }
    let (number, note) = choice::choose(&offers, wanted)?;
    Ok((listed.swap_remove(number), note))
}

/// Completes an entry from its manifest.
fn look_into(files: &Files, entry: &Entry, offer: &mut Offer) {
    let Ok(Some(bytes)) = manifest(files, entry) else { return };
    offer.is_attached |= layout_subject(&bytes);
    if offer.platform.is_none() && !is_index(files, entry) {
        offer.platform = platform_of(files, &bytes).ok().flatten();
    }
}

fn layout_subject(manifest: &[u8]) -> bool {
    entry(manifest, "subject").is_ok_and(|subject| subject.is_some())
}

/// All entries inside the indexes of a list, at any depth. Unreadable ones are skipped.
fn below(files: &Files, listed: &[Entry]) -> Vec<Entry> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut layer: Vec<Entry> = listed.to_vec();
    for _ in 0..DEEPEST {
        let indexes = std::mem::take(&mut layer).into_iter().filter(|entry| is_index(files, entry));
        for index in indexes.collect::<Vec<_>>() {
            let Ok(Some(bytes)) = manifest(files, &index) else { continue };
            let children = entries(&bytes, "manifests").unwrap_or_default();
            layer.extend(children.into_iter().filter(|child| seen.insert(child.digest)));
        }
        found.extend(layer.iter().cloned());
    }
    found
}

/// The manifest for one platform.
fn narrow(files: &Files, mut entry: Entry, platform: &Platform, wanted: &Wanted<'_>) -> Result<Entry> {
    for depth in 0..DEEPEST {
        let bytes = manifest(files, &entry)?.with_context(|| format!("{} is missing", entry.digest))?;
        if !is_index(files, &entry) {
            // The index has already given the platform.
            if depth == 0 {
                require_platform(&config(files, &bytes)?, platform)?;
            }
            return Ok(entry);
        }
        let children = entries(&bytes, "manifests")?;
        let mut fits = choice::fitting(&children, platform, |child| child.platform.as_ref());
        let mut seen = HashSet::new();
        fits.retain(|child| seen.insert(child.digest));
        let shown = |entries: &[Entry]| {
            let known = entries.iter().filter_map(|child| Some((child, child.platform.as_ref()?)));
            let shown = known.filter(|(_, platform)| platform.is_known());
            shown.map(|(child, platform)| (platform.to_string(), child.digest)).collect::<Vec<_>>()
        };
        entry = match fits.as_slice() {
            [one] => one.clone(),
            [] => {
                let there: Vec<String> = shown(&children).into_iter().map(|(platform, _)| platform).collect();
                bail!("has no image for {platform}; there is {}", there.join(", "));
            }
            several => {
                let there =
                    shown(several).into_iter().map(|(platform, digest)| format!("{platform} ({digest})"));
                let advice = match wanted.written {
                    "" => "name one with its variant".to_owned(),
                    written => format!("name one, such as {written}:{}", several[0].digest),
                };
                bail!(
                    "has {} images that are for {platform}: {}; {advice}",
                    several.len(),
                    there.collect::<Vec<_>>().join(", ")
                );
            }
        };
    }
    bail!("its indexes are nested too deeply")
}

/// The configuration of an image manifest.
fn config(files: &Files, manifest: &[u8]) -> Result<Bytes> {
    let config = entry(manifest, "config").context("its manifest cannot be read")?;
    let config = config.context("its manifest names no configuration")?;
    let content = content(files, &config)?.with_context(|| format!("{} is missing", config.digest))?;
    content.whole(LARGEST_MANIFEST)
}

/// The platform of an image manifest, if it has the configuration of a container image.
fn platform_of(files: &Files, manifest: &[u8]) -> Result<Option<Platform>> {
    let Some(pointer) = entry(manifest, "config")? else { return Ok(None) };
    if !matches!(pointer.media_type.as_str(), media_type::OCI_CONFIG | media_type::DOCKER_CONFIG) {
        return Ok(None);
    }
    Platform::read(&Go::of(&go_json::parse(&config(files, manifest)?)?)).map(Some)
}

/// Whether an entry is an index. If its media type does not say, the content is read.
fn is_index(files: &Files, entry: &Entry) -> bool {
    if !entry.media_type.is_empty() {
        return media_type::is_index(&entry.media_type);
    }
    let bytes = manifest(files, entry).ok().flatten();
    bytes.is_some_and(|bytes| entries(&bytes, "manifests").is_ok_and(|children| !children.is_empty()))
}

/// The bytes of a manifest. `None` if they are missing.
fn manifest(files: &Files, entry: &Entry) -> Result<Option<Bytes>> {
    let content = content(files, entry)?;
    content.map(|content| content.whole(LARGEST_MANIFEST)).transpose()
}

/// Content in its own file, or inside the descriptor.
fn content(files: &Files, entry: &Entry) -> Result<Option<Content>> {
    let there = files.find(&path(&entry.digest))?;
    Ok(there.or_else(|| entry.data.clone().map(Content::Memory)))
}

/// All parts of a manifest, and those that are missing.
struct Walk<'f> {
    files: &'f Files,
    seen: HashSet<Digest>,
    found: Finished,
    missing: Vec<String>,
    /// The sum of the manifests so far, in bytes.
    bytes: usize,
}

impl<'f> Walk<'f> {
    fn from(files: &'f Files, entry: &Entry) -> Result<(Finished, Vec<String>)> {
        let (seen, found) = (HashSet::new(), Finished::default());
        let mut walk = Self { files, seen, found, missing: Vec::new(), bytes: 0 };
        walk.visit(entry, DEEPEST)?;
        Ok((walk.found, walk.missing))
    }

    fn visit(&mut self, entry: &Entry, depth: usize) -> Result<()> {
        let digest = entry.digest;
        if !self.seen.insert(digest) {
            return Ok(());
        }
        ensure!(depth > 0, "its indexes are nested too deeply");
        let Some(content) = content(self.files, entry)? else {
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
        let kind = Some(entry.media_type.as_str()).filter(|kind| !kind.is_empty());
        let view = ManifestView::parse(&bytes, kind).with_context(|| format!("the manifest {digest}"))?;
        let listed = if view.kind == ManifestKind::Index { "manifests" } else { "layers" };
        let listed = entries(&bytes, listed)?;
        if view.kind == ManifestKind::Index {
            let children: HashSet<Digest> = view.children.iter().map(|child| child.digest).collect();
            for child in listed.iter().filter(|child| children.contains(&child.digest)) {
                self.visit(child, depth - 1)?;
            }
        } else if let Some(platform) = entry.platform.clone().filter(Platform::is_known) {
            self.found.platforms.push(platform);
        } else if let Ok(Some(platform)) = platform_of(self.files, &bytes) {
            self.found.platforms.push(platform);
        }
        let config = self::entry(&bytes, "config")?;
        let diff_ids = self.diff_ids(&bytes, &listed);
        let pointers: HashMap<Digest, &Entry> =
            listed.iter().chain(&config).map(|entry| (entry.digest, entry)).collect();
        for blob in view.blobs {
            if self.seen.insert(blob.digest) {
                self.take(&blob, pointers.get(&blob.digest).copied(), diff_ids.get(&blob.digest).copied())?;
            }
        }
        self.bytes += bytes.len();
        ensure!(
            self.bytes <= MOST_MANIFEST_BYTES,
            "has more than {} MiB of manifests",
            MOST_MANIFEST_BYTES >> 20
        );
        self.found.manifests.push(Manifest { digest, media_type: view.media_type, bytes });
        Ok(())
    }

    fn take(&mut self, blob: &Descriptor, pointer: Option<&Entry>, diff_id: Option<Digest>) -> Result<()> {
        let there = match pointer {
            Some(pointer) => content(self.files, pointer)?,
            None => self.files.find(&path(&blob.digest))?,
        };
        let Some(content) = there else {
            self.missing.push(if media_type::is_foreign_layer(&blob.media_type) {
                let from = pointer.and_then(|pointer| pointer.urls.first());
                let from = from.map_or_else(String::new, |url| format!(" from {url:?}"));
                format!(
                    "the foreign layer {} ({}), which its owner wants fetched{from} and a push needs all the same, is",
                    blob.digest, blob.media_type
                )
            } else {
                blob.digest.to_string()
            });
            return Ok(());
        };
        let (size, found) = (blob.size, content.size());
        let name = path(&blob.digest);
        ensure!(found == size, "is damaged: {name} has {found} bytes instead of {size}");
        self.found.blobs.push(Blob { digest: blob.digest, content, diff_id });
        Ok(())
    }

    /// The digests of the uncompressed layers of a container image, by the digests of the compressed ones.
    fn diff_ids(&self, manifest: &[u8], layers: &[Entry]) -> HashMap<Digest, Digest> {
        let read = || -> Option<Vec<Digest>> {
            platform_of(self.files, manifest).ok()??;
            let config = go_json::parse(&config(self.files, manifest).ok()?).ok()?;
            let diff_ids = Go::of(&config).member("rootfs").ok()?.member("diff_ids").ok()?.texts().ok()?;
            diff_ids.into_iter().map(|text| Digest::parse(text).ok()).collect()
        };
        let diff_ids = read().filter(|diff_ids| diff_ids.len() == layers.len()).unwrap_or_default();
        let pairs = layers.iter().zip(diff_ids);
        // Layers with other media types, such as encrypted layers, are not decompressed.
        let known = pairs.filter(|(layer, _)| media_type::is_layer(&layer.media_type));
        known.map(|(layer, diff_id)| (layer.digest, diff_id)).collect()
    }
}

fn path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// Whether any layer of an image is uncompressed.
pub(crate) fn has_plain_layers(image: &Finished) -> bool {
    let plain = |manifest: &Manifest| {
        ManifestView::parse(&manifest.bytes, None)
            .is_ok_and(|view| view.blobs.iter().any(|blob| blob.media_type == media_type::OCI_LAYER))
    };
    matches!(image.manifests.as_slice(), [only] if plain(only))
}

/// Refuses a configuration of another platform.
pub(crate) fn require_platform(config: &[u8], wanted: &Platform) -> Result<()> {
    let config = go_json::parse(config).context("its configuration cannot be read")?;
    let platform = Platform::read(&Go::of(&config)).context("its configuration cannot be read")?;
    ensure!(wanted.takes(&platform), "is an image for {platform}, not for {wanted}");
    Ok(())
}
