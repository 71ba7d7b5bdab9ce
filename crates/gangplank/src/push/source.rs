//! The source of an image, and its syntax on the command line.

mod choice;
pub(crate) mod content;
mod docker_archive;
mod engine;
mod engine_address;
pub(crate) mod exposed;
mod files;
mod go_json;
pub(crate) mod image;
mod layout;
mod layout_entry;
pub(crate) mod platform;
pub(crate) mod tar_heads;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};

use self::choice::Wanted;
use self::content::Content;
use self::files::Files;
use self::image::Image;
use self::platform::Platforms;
use super::layers::packing::Packing;
use super::layers::staging::Staged;
use super::progress::Progress;
use super::spool::spooled::{Spooled, spool};

/// The source of an image. The prefixes are those of skopeo and podman.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An image of a running engine.
    Engine(String),
    /// `oci:DIR[:tag]`
    Layout(PathBuf, Option<String>),
    /// `oci-archive:FILE[:tag]`
    LayoutArchive(PathBuf, Option<String>),
    /// `docker-archive:FILE[:name]`
    DockerArchive(PathBuf, Option<String>),
    /// `-`: an archive of either kind on standard input. `docker-archive:-:name` and `oci-archive:-:name` name an
    /// image in it.
    StandardInput(Option<String>),
}

impl Source {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Self {
        let (prefix, rest) = text.split_once(':').unwrap_or((text, ""));
        match prefix {
            "-" if rest.is_empty() => Self::StandardInput(None),
            "oci-archive" | "docker-archive" if rest == "-" => Self::StandardInput(None),
            "oci-archive" | "docker-archive" if rest.starts_with("-:") => {
                Self::StandardInput(Some(rest[2..].to_owned()))
            }
            "oci" => with_path(rest, Self::Layout),
            "oci-archive" => with_path(rest, Self::LayoutArchive),
            "docker-archive" => with_path(rest, Self::DockerArchive),
            "docker-daemon" => Self::Engine(rest.to_owned()),
            _ => Self::Engine(text.to_owned()),
        }
    }

    /// Finds the image and all its parts.
    pub(crate) async fn open(self, platforms: Platforms, progress: &Arc<Progress>) -> Result<Image> {
        if let Self::Engine(name) = &self {
            let kept = match engine::export(name, &platforms, progress).await {
                Ok(kept) => kept,
                Err(error) => return Err(advised(name, error)),
            };
            let name = name.clone();
            let read = move || either(kept, None, &platforms, false);
            return tokio::task::spawn_blocking(read)
                .await?
                .with_context(|| format!("the engine's export of {name}"));
        }
        self.check_path()?;
        let progress = Arc::clone(progress);
        tokio::task::spawn_blocking(move || self.read(&platforms, &progress)).await?
    }

    fn check_path(&self) -> Result<()> {
        let (Self::Layout(path, _) | Self::LayoutArchive(path, _) | Self::DockerArchive(path, _)) = self
        else {
            return Ok(());
        };
        ensure!(!path.as_os_str().is_empty(), "no file is named: write oci:DIR or docker-archive:FILE");
        Ok(())
    }

    fn read(&self, platforms: &Platforms, progress: &Arc<Progress>) -> Result<Image> {
        match self {
            Self::Engine(_) => bail!("an engine's image is read through its API"),
            Self::Layout(path, tag) => {
                if !path.is_dir() {
                    bail!("{} is no directory", path.display());
                }
                let written = format!("oci:{}", path.display());
                let wanted = wanted(tag.as_deref(), platforms, &written);
                layout::image(&Files::Directory(path.clone()), &wanted, platforms, false).map(Image::Finished)
            }
            .with_context(|| path.display().to_string()),
            Self::LayoutArchive(path, tag) => {
                let written = format!("oci-archive:{}", path.display());
                let wanted = wanted(tag.as_deref(), platforms, &written);
                let found = archive(path, progress).and_then(|(files, _)| {
                    let other = "an archive of `docker save`; name it docker-archive:";
                    check_kind(&files, ["index.json", "manifest.json"], other, path)?;
                    layout::image(&files, &wanted, platforms, false)
                });
                found.map(Image::Finished).with_context(|| path.display().to_string())
            }
            Self::DockerArchive(path, name) => {
                let written = format!("docker-archive:{}", path.display());
                let wanted = wanted(name.as_deref(), platforms, &written);
                let found = archive(path, progress).and_then(|(files, staged)| {
                    let other = "an OCI layout; name it oci-archive:";
                    check_kind(&files, ["manifest.json", "index.json"], other, path)?;
                    docker_archive::image(&files, &wanted, platforms, staged)
                });
                found.map(Image::Unfinished).with_context(|| path.display().to_string())
            }
            Self::StandardInput(name) => spool(io::stdin().lock(), progress)
                .and_then(|kept| either(kept, name.as_deref(), platforms, true))
                .context("standard input"),
        }
    }
}

fn wanted<'w>(name: Option<&'w str>, platforms: &'w Platforms, written: &'w str) -> Wanted<'w> {
    Wanted { name, platform: platforms.named(), written }
}

/// Places that skopeo reads and a push does not.
const OTHER_PLACES: [&str; 5] = ["dir", "docker", "containers-storage", "ostree", "sif"];

/// Adds advice to the error of an engine, if there is a file with that name, or if the name is a place in the
/// syntax of skopeo.
fn advised(name: &str, error: anyhow::Error) -> anyhow::Error {
    let name = name.strip_prefix("file://").unwrap_or(name);
    let path = Path::new(name);
    let advice = if name.split_once(':').is_some_and(|(place, _)| OTHER_PLACES.contains(&place)) {
        format!(
            "`gangplank push` cannot read {name}: make a copy with `skopeo copy {name} oci:DIR`, and push oci:DIR"
        )
    } else if path.join("index.json").exists() || path.is_dir() {
        format!("the directory {name:?} is pushed as oci:{name}")
    } else if path.exists() {
        format!(
            "the file {name:?} is pushed as docker-archive:{name}, or as oci-archive:{name} if it is a layout's"
        )
    } else {
        return error;
    };
    anyhow::anyhow!("{error:#}; {advice}")
}

/// Splits `rest` into the path of a file or directory that exists, and the text behind a colon.
fn with_path(rest: &str, make: impl Fn(PathBuf, Option<String>) -> Source) -> Source {
    if Path::new(rest).exists() {
        return make(rest.into(), None);
    }
    let colons: Vec<usize> = rest.match_indices(':').map(|(at, _)| at).collect();
    let there = colons.iter().copied().find(|at| Path::new(&rest[..*at]).exists());
    match there.or_else(|| colons.first().copied()) {
        Some(at) => make(rest[..at].into(), Some(rest[at + 1..].to_owned())),
        None => make(rest.into(), None),
    }
}

fn archive(path: &Path, progress: &Arc<Progress>) -> Result<(Files, HashMap<u64, Staged>)> {
    let file = files::open(path)?;
    let kept = match Packing::of_content(&Content::of(file.try_clone()?)?)? {
        Packing::Plain => Spooled { file, staged: HashMap::new() },
        _ => spool(file, progress)?,
    };
    Ok((Files::of_archive(kept.file)?, kept.staged))
}

/// Refuses an archive of the other kind: it has the second of these files, and not the first.
fn check_kind(files: &Files, [own, others]: [&str; 2], other: &str, path: &Path) -> Result<()> {
    if files.find(own)?.is_none() && files.find(others)?.is_some() {
        bail!("is {other}{}", path.display());
    }
    Ok(())
}

/// The image in an archive of either kind. Newer engines write both kinds into one archive. An image with
/// uncompressed layers is then read as a saved one, because it needs a new manifest anyway.
fn either(
    Spooled { file, staged }: Spooled,
    name: Option<&str>,
    platforms: &Platforms,
    is_named_here: bool,
) -> Result<Image> {
    let files = Files::of_archive(file)?;
    let saved = files.find("manifest.json")?.is_some();
    let written = match (is_named_here, saved) {
        (false, _) => "",
        (true, true) => "docker-archive:-",
        (true, false) => "oci-archive:-",
    };
    let wanted = wanted(name, platforms, written);
    if files.find("index.json")?.is_none() {
        return docker_archive::image(&files, &wanted, platforms, staged).map(Image::Unfinished);
    }
    let finished = layout::image(&files, &wanted, platforms, saved)?;
    if saved && layout::has_plain_layers(&finished) {
        return docker_archive::image(&files, &wanted, platforms, staged).map(Image::Unfinished);
    }
    Ok(Image::Finished(finished))
}
