//! The platform of an image.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;

use super::go_json::Go;

/// The platforms of an image that are pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Platforms {
    /// All platforms.
    All,
    /// Only this platform. An image without it is refused.
    Only(Platform),
    /// This platform, if the image has several. An image for a single platform is pushed, whatever its platform
    /// is.
    Rather(Platform),
}

impl Platforms {
    /// The platform that was named.
    pub(crate) fn named(&self) -> Option<&Platform> {
        match self {
            Self::All => None,
            Self::Only(platform) | Self::Rather(platform) => Some(platform),
        }
    }

    /// The only platform that is accepted.
    pub(crate) fn required(&self) -> Option<&Platform> {
        match self {
            Self::Only(platform) => Some(platform),
            Self::All | Self::Rather(_) => None,
        }
    }
}

/// A platform, as an index names it: `linux/arm64/v8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

impl Platform {
    /// The platform that container services run.
    pub(crate) fn of_services() -> Self {
        Self { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None }
    }

    /// Reads the platform of a configuration or an index's entry.
    pub(crate) fn read(named: &Go<'_>) -> Result<Self> {
        let text = |name| Ok::<_, anyhow::Error>(named.member(name)?.text()?.to_owned());
        let variant = Some(text("variant")?).filter(|variant| !variant.is_empty());
        Ok(Self { os: text("os")?, architecture: text("architecture")?, variant })
    }

    /// Whether the platform is one of a real machine. Attestations have "unknown".
    pub(crate) fn is_known(&self) -> bool {
        !self.os.is_empty() && !self.architecture.is_empty() && self.os != "unknown"
    }

    /// Whether a machine of this platform can run an image for `other`. If this platform names no variant, it
    /// runs every variant.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        let same = self.os == other.os && self.architecture == other.architecture;
        same && (self.variant.is_none() || self.usual_variant() == other.usual_variant())
    }

    /// The default variant of an architecture.
    fn usual_variant(&self) -> Option<&str> {
        self.variant.as_deref().filter(|variant| !variant.is_empty()).or(match self.architecture.as_str() {
            "arm64" => Some("v8"),
            "arm" => Some("v7"),
            _ => None,
        })
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split('/').collect();
        let known = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
        let variant = match words.as_slice() {
            [_, _] => None,
            [_, _, variant] => Some((*variant).to_owned()),
            _ => return Err("a platform is os/architecture, such as linux/amd64 or linux/arm/v7".to_owned()),
        };
        if !words.iter().all(known) {
            return Err("a platform is os/architecture, such as linux/amd64 or linux/arm/v7".to_owned());
        }
        Ok(Self { os: words[0].to_owned(), architecture: words[1].to_owned(), variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            _ => Ok(()),
        }
    }
}
