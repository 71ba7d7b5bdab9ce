//! What `docker save` writes: `manifest.json`, configurations, layers.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_oci::Digest;
use serde::Deserialize;

use super::files::Files;
use super::image::{Layer, Unfinished};
use super::layout::require_platform;
use super::platform::Platforms;
use super::staging::Staged;

/// Far more than any list or configuration has.
const LARGEST_DOCUMENT: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

/// Finds an image in an archive, some of whose layers may be ready. Blocks.
pub(super) fn image(
    files: &Files,
    name: Option<&str>,
    platforms: &Platforms,
    staged: HashMap<u64, Staged>,
) -> Result<Unfinished> {
    let list = files.find("manifest.json")?.context(
        "is no archive of `docker save`: manifest.json is missing (is it truncated, or an OCI archive?)",
    )?;
    let list: Vec<Saved> =
        serde_json::from_slice(&list.whole(LARGEST_DOCUMENT)?).context("manifest.json cannot be read")?;
    let saved = choose(&list, name)?;
    let config = files.get(&saved.config)?.whole(LARGEST_DOCUMENT).context(saved.config.clone())?;
    if let Some(platform) = platforms.required() {
        require_platform(&config, platform)?;
    }
    let diff_ids = serde_json::from_slice::<Config>(&config)
        .with_context(|| format!("{} is no configuration of an image", saved.config))?
        .rootfs
        .diff_ids;
    ensure!(
        diff_ids.len() == saved.layers.len(),
        "is damaged: the configuration tells of {} layers, manifest.json of {}",
        diff_ids.len(),
        saved.layers.len()
    );
    let layers = saved.layers.iter().zip(diff_ids);
    let layers = layers
        .map(|(name, diff_id)| Ok(Layer { content: files.get(name)?, diff_id }))
        .collect::<Result<_>>()?;
    Ok(Unfinished { config, layers, staged })
}

fn choose<'l>(list: &'l [Saved], name: Option<&str>) -> Result<&'l Saved> {
    let names = || {
        let names = list.iter().flat_map(|saved| saved.repo_tags.iter().flatten());
        let names: Vec<&str> = names.map(String::as_str).collect();
        if names.is_empty() { "no names".to_owned() } else { names.join(", ") }
    };
    match (name, list) {
        (_, []) => bail!("the archive holds no image"),
        (Some(name), _) => {
            let wanted = full(name);
            let is_it = |saved: &&Saved| saved.repo_tags.iter().flatten().any(|tag| full(tag) == wanted);
            list.iter()
                .find(is_it)
                .with_context(|| format!("no image is named {name:?}; there is {}", names()))
        }
        (None, [saved]) => Ok(saved),
        (None, _) => {
            bail!("{} images are in it: name one behind a colon; there is {}", list.len(), names())
        }
    }
}

/// A name as engines complete it.
fn full(name: &str) -> String {
    let name = ["docker.io/library/", "docker.io/", "localhost/"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}
