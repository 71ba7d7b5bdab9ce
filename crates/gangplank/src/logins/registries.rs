//! The profile that makes the logins of each registry, as `gangplank configure` recorded it. The credential helper
//! needs it, because clients tell it only the registry's name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::kept::Kind;
use crate::files::private_file::Holds;
use crate::files::{home_folders, private_file};

/// The registries, by `host[:port]`.
pub(crate) struct Registries {
    file: PathBuf,
    known: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    profile: String,
    /// The container service whose images this machine pulls. Without a service, the logins push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pulls: Option<String>,
}

impl Registries {
    /// Reads the file. A missing file has no registries.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, or if there is no home folder.
    pub(crate) fn open() -> Result<Self> {
        let config = home_folders::config().context("there is no folder for configuration")?;
        let file = config.join("gangplank/registries.toml");
        let text = private_file::read(&file)?.unwrap_or_default();
        let known = toml::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
        Ok(Self { file, known })
    }

    /// Reads the file as [`open`](Self::open) does. Without a home folder, no registry is known.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub(crate) fn open_to_use() -> Result<Self> {
        match home_folders::config() {
            Ok(_) => Self::open(),
            Err(_) => Ok(Self { file: PathBuf::new(), known: BTreeMap::new() }),
        }
    }

    /// The profile for a registry.
    pub(crate) fn profile(&self, registry: &str) -> Option<&str> {
        self.known.get(registry).map(|entry| entry.profile.as_str())
    }

    /// The kind of login for a registry.
    pub(crate) fn kind(&self, registry: &str) -> Kind {
        let pulls = self.known.get(registry).and_then(|entry| entry.pulls.clone());
        pulls.map_or(Kind::Push, Kind::Pull)
    }

    /// Records the kind of login for a registry. False if the registry is not known.
    pub(crate) fn set_kind(&mut self, registry: &str, kind: &Kind) -> Result<bool> {
        let pulls = kind.service().map(str::to_owned);
        match self.known.get_mut(registry) {
            None => return Ok(false),
            Some(entry) if entry.pulls == pulls => return Ok(true),
            Some(entry) => entry.pulls = pulls,
        }
        self.save().map(|()| true)
    }

    /// Records a registry's profile. It replaces an earlier one.
    pub(crate) fn set(&mut self, registry: &str, profile: &str) -> Result<()> {
        self.known.insert(registry.to_owned(), Entry { profile: profile.to_owned(), pulls: None });
        self.save()
    }

    fn save(&self) -> Result<()> {
        private_file::replace(&self.file, &toml::to_string(&self.known)?, Holds::Settings)
    }
}
