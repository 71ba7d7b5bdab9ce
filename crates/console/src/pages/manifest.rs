//! One manifest.

use askama::Template;

use crate::{Command, Copied, Frame, Moment, Size};

/// A manifest: what it is made of, what its configuration says, what is about it and what holds it.
#[derive(Clone, Debug, Template)]
#[template(path = "manifest.html")]
pub struct Manifest {
    /// What surrounds it.
    pub frame: Frame,
    /// The repository, and where its page is.
    pub repository: (String, String),
    /// Its digest.
    pub digest: Copied,
    /// What it is, in words.
    pub kind: String,
    /// Its media type.
    pub media_type: String,
    /// How many bytes it has itself.
    pub own_size: Size,
    /// How many bytes its layers have.
    pub size: Option<Size>,
    /// When it came.
    pub came: Moment,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its annotations.
    pub annotations: Vec<Note>,
    /// What it lists, if it is an index.
    pub platforms: Vec<PartRow>,
    /// What its configuration says.
    pub configuration: Vec<(&'static str, Vec<String>)>,
    /// Its layers, or the steps of its build, the first first.
    pub layers: Vec<LayerRow>,
    /// What it is about.
    pub subject: Option<(Copied, String)>,
    /// What is about it.
    pub referrers: Vec<PartRow>,
    /// Whether there is more about it than is shown.
    pub more_referrers: bool,
    /// What holds it, and where that is shown.
    pub holders: Vec<(String, Option<String>)>,
    /// When it may be collected.
    pub collected: Option<String>,
    /// Where its events are.
    pub events: String,
    /// What to do with it.
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
    /// What it is called.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Whether it is a link that may be followed.
    pub is_link: bool,
}

/// A manifest that belongs to another.
#[derive(Clone, Debug)]
pub struct PartRow {
    /// The platform that it is for, or what kind of thing it is.
    pub what: String,
    /// Its digest.
    pub digest: Copied,
    /// Where its page is.
    pub page: String,
    /// Its media type.
    pub media_type: String,
    /// How many bytes its layers have.
    pub size: Option<Size>,
}

/// A layer, or a step of the build that made none.
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// What was done, as far as it is known.
    pub step: Option<String>,
    /// The layer: its digest and its bytes.
    pub layer: Option<(Copied, Size)>,
    /// Its media type.
    pub media_type: String,
}
