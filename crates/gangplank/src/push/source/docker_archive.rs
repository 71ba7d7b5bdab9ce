//! The output of `docker save`: `manifest.json`, configurations, layers.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use gangplank_oci::{Digest, ManifestLimits};
use serde_json::Value;

use super::choice::{Offer, Wanted};
use super::files::Files;
use super::go_json::Go;
use super::image::{Layer, Unfinished};
use super::layout::require_platform;
use super::platform::{Platform, Platforms};
use super::{choice, go_json};
use crate::push::layers::staging::Staged;

/// The largest list or configuration, in bytes. Real ones are far smaller.
const LARGEST_DOCUMENT: usize = 8 * 1024 * 1024;
/// The largest number of images in an archive. Real archives have far fewer.
const MOST_IMAGES: usize = 1_000;

/// An image in `manifest.json`.
struct Saved<'l> {
    config: &'l str,
    names: Vec<&'l str>,
    layers: Vec<&'l str>,
}

/// Finds an image in an archive. Some of its layers may be ready already. Blocks.
pub(crate) fn image(
    files: &Files,
    wanted: &Wanted<'_>,
    platforms: &Platforms,
    staged: HashMap<u64, Staged>,
) -> Result<Unfinished> {
    let list = files
        .find("manifest.json")?
        .context("is no archive of `docker save`: manifest.json is missing (is it truncated?)")?;
    let list = go_json::parse(&list.whole(LARGEST_DOCUMENT)?).context("manifest.json cannot be read")?;
    let list = saved(&list).context("manifest.json cannot be read")?;
    let (saved, note) = choose(files, &list, wanted)?;
    let name = saved.config;
    let config = config(files, name)?;
    if let Some(platform) = platforms.required() {
        require_platform(&config, platform)?;
    }
    let parsed =
        go_json::parse(&config).with_context(|| format!("{name:?} is no configuration of an image"))?;
    let (diff_ids, platform) =
        read_config(&parsed).with_context(|| format!("{name:?} is no configuration of an image"))?;
    ensure!(
        diff_ids.len() == saved.layers.len(),
        "is damaged: layers in the configuration: {}, in manifest.json: {}",
        diff_ids.len(),
        saved.layers.len()
    );
    // One descriptor is for the configuration.
    let most = ManifestLimits::default().descriptors - 1;
    ensure!(diff_ids.len() <= most, "has {} layers, and a registry takes {most}", diff_ids.len());
    let layers = saved.layers.iter().zip(diff_ids);
    let layers = layers
        .map(|(name, diff_id)| Ok(Layer { content: files.get(name)?, diff_id }))
        .collect::<Result<_>>()?;
    Ok(Unfinished { config, layers, staged, platforms: vec![platform], note })
}

fn config(files: &Files, name: &str) -> Result<Bytes> {
    files.get(name)?.whole(LARGEST_DOCUMENT).with_context(|| format!("{name:?}"))
}

/// Reads the layers and the platform of a configuration.
fn read_config(config: &Value) -> Result<(Vec<Digest>, Platform)> {
    let config = Go::of(config);
    let rootfs = config.member("rootfs")?;
    ensure!(rootfs.is_there(), "it has no rootfs");
    let diff_id = |text: &str| Digest::parse(text).with_context(|| format!("{text:?} is no digest"));
    let diff_ids = rootfs.member("diff_ids")?.texts()?.into_iter().map(diff_id);
    Ok((diff_ids.collect::<Result<_>>()?, Platform::read(&config)?))
}

/// The images of a list, each once. Entries with the same configuration and layers are names of the same image.
fn saved(list: &Value) -> Result<Vec<Saved<'_>>> {
    let mut found: Vec<Saved<'_>> = Vec::new();
    let mut places = HashMap::new();
    for entry in Go::of(list).list()? {
        let saved = Saved {
            config: entry.member("Config")?.text()?,
            names: entry.member("RepoTags")?.texts()?,
            layers: entry.member("Layers")?.texts()?,
        };
        let place = *places.entry((saved.config, saved.layers.clone())).or_insert(found.len());
        match found.get_mut(place) {
            Some(known) => known.names.extend(saved.names),
            None => found.push(saved),
        }
        if found.len() > MOST_IMAGES {
            bail!("it lists more than {MOST_IMAGES} images");
        }
    }
    Ok(found)
}

fn choose<'s, 'l>(
    files: &Files,
    list: &'s [Saved<'l>],
    wanted: &Wanted<'_>,
) -> Result<(&'s Saved<'l>, Option<String>)> {
    if let ([one], None) = (list, wanted.name) {
        return Ok((one, None));
    }
    let mut ids = HashSet::new();
    let mut offers = Vec::new();
    for saved in list {
        let config = config(files, saved.config)?;
        let platform = go_json::parse(&config).ok().and_then(|config| Some(read_config(&config).ok()?.1));
        let mut id = Digest::sha256(&config);
        if !ids.insert(id) {
            // The same configuration with other layers: one of the two entries is wrong, and nothing shows which.
            id = Digest::sha256(saved.layers.join("\n").as_bytes());
        }
        let names = saved.names.iter().map(|name| (*name).to_owned()).collect();
        offers.push(Offer { names, id, platform, is_attached: false });
    }
    let (number, note) = choice::choose(&offers, wanted)?;
    Ok((&list[number], note))
}
