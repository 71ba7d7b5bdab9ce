//! One manifest.

use askama::Template;

use crate::{Command, Copied, Frame, Moment, Size};

/// A manifest: its parts, its configuration, its referrers, and what keeps it from being collected.
#[derive(Clone, Debug, Template)]
#[template(path = "manifest.html")]
pub struct Manifest {
    /// The frame around the content.
    pub frame: Frame,
    /// The repository, and the path of its page.
    pub repository: (String, String),
    /// Its digest.
    pub digest: Copied,
    /// Its kind, in words.
    pub kind: String,
    /// Its media type.
    pub media_type: String,
    /// The bytes of the manifest itself.
    pub own_size: Size,
    /// The bytes of its layers.
    pub size: Option<Size>,
    /// When it was pushed.
    pub came: Moment,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its annotations.
    pub annotations: Vec<Note>,
    /// The manifests that it lists, if it is an index.
    pub platforms: Vec<PartRow>,
    /// The facts of its configuration.
    pub configuration: Vec<(&'static str, Vec<String>)>,
    /// Its layers, or the steps of its build, in order.
    pub layers: Vec<LayerRow>,
    /// The manifest that it refers to, and the path of its page.
    pub subject: Option<(Copied, String)>,
    /// The manifests that refer to it.
    pub referrers: Vec<PartRow>,
    /// Whether there are more referrers than are shown.
    pub more_referrers: bool,
    /// The things that keep it from being collected, each with the path of its page.
    pub holders: Vec<(String, Option<String>)>,
    /// When it may be collected, in words.
    pub collected: Option<String>,
    /// The path of its events.
    pub events: String,
    /// Commands for this manifest.
    pub commands: Vec<Command>,
}

impl Manifest {
    fn referrers_caption(&self) -> &'static str {
        if self.more_referrers {
            "Signatures, lists of parts and other manifests about this one; there are more"
        } else {
            "Signatures, lists of parts and other manifests about this one"
        }
    }
}

/// An annotation or a label.
#[derive(Clone, Debug)]
pub struct Note {
    /// Its name.
    pub name: String,
    /// The value of the annotation.
    pub value: String,
    /// Whether its value is a link that may be followed.
    pub is_link: bool,
}

/// A manifest that belongs to another.
#[derive(Clone, Debug)]
pub struct PartRow {
    /// Its platform, or the type of the artifact.
    pub what: String,
    /// Its digest.
    pub digest: Copied,
    /// The path of its page.
    pub page: String,
    /// Its media type.
    pub media_type: String,
    /// The bytes of its layers.
    pub size: Option<Size>,
}

/// A layer, or a step of the build that made no layer.
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// The command of the step, if it is known.
    pub step: Option<String>,
    /// The layer: its digest and its size.
    pub layer: Option<(Copied, Size)>,
    /// Its media type.
    pub media_type: String,
}
