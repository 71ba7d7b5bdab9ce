//! Repositories, and the manifests of one repository.

use askama::Template;

use crate::{Command, Copied, Frame, Moment, Size};

/// The list of repositories.
#[derive(Clone, Debug, Template)]
#[template(path = "repositories.html")]
pub struct Repositories {
    /// The frame around the content.
    pub frame: Frame,
    /// The prefix of the names that are shown.
    pub prefix: String,
    /// The repositories, by name.
    pub rows: Vec<RepositoryRow>,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
    /// The command that shows the same.
    pub command: Command,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct RepositoryRow {
    /// Its name.
    pub name: String,
    /// The path of its page.
    pub page: String,
    /// When its newest manifest was pushed.
    pub newest: Option<Moment>,
}

/// One repository.
#[derive(Clone, Debug, Template)]
#[template(path = "repository.html")]
pub struct Repository {
    /// The frame. Its title is the repository's name.
    pub frame: Frame,
    /// Its name.
    pub name: String,
    /// The path that the filter is sent to.
    pub action: String,
    /// The path of its events.
    pub events: String,
    /// The prefix of the tags that are shown.
    pub prefix: String,
    /// Whether manifests that belong to others are shown too.
    pub with_parts: bool,
    /// The manifests, the newest first.
    pub rows: Vec<ManifestRow>,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
    /// Commands that push an image here.
    pub push: Vec<Command>,
    /// The command that shows the same.
    pub command: Command,
}

/// A manifest in a list.
#[derive(Clone, Debug)]
pub struct ManifestRow {
    /// Its tags.
    pub tags: Vec<String>,
    /// Its digest.
    pub digest: Copied,
    /// The path of its page.
    pub page: String,
    /// Its kind, in words.
    pub kind: String,
    /// The bytes of its layers.
    pub size: Option<Size>,
    /// When it was pushed.
    pub came: Moment,
}
