//! Repositories, and the manifests of one.

use askama::Template;

use crate::{Command, Copied, Frame, Moment, Size};

/// The list of repositories.
#[derive(Clone, Debug, Template)]
#[template(path = "repositories.html")]
pub struct Repositories {
    /// What surrounds it.
    pub frame: Frame,
    /// With what their names begin.
    pub prefix: String,
    /// The repositories, by name.
    pub rows: Vec<RepositoryRow>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// What shows the same on the command line.
    pub command: Command,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct RepositoryRow {
    /// Its name.
    pub name: String,
    /// Where its page is.
    pub page: String,
    /// When its newest manifest came.
    pub newest: Option<Moment>,
}

/// One repository.
#[derive(Clone, Debug, Template)]
#[template(path = "repository.html")]
pub struct Repository {
    /// What surrounds it; its title is the repository's name.
    pub frame: Frame,
    /// Its name.
    pub name: String,
    /// Where the filter is sent.
    pub action: String,
    /// With what tags begin.
    pub prefix: String,
    /// Whether what belongs to another manifest is shown too.
    pub with_parts: bool,
    /// The manifests, the newest first.
    pub rows: Vec<ManifestRow>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// How an image gets here.
    pub push: Vec<Command>,
    /// What shows the same on the command line.
    pub command: Command,
}

/// A manifest in a list.
#[derive(Clone, Debug)]
pub struct ManifestRow {
    /// Its tags.
    pub tags: Vec<String>,
    /// Its digest.
    pub digest: Copied,
    /// Where its page is.
    pub page: String,
    /// What it is, in words.
    pub kind: String,
    /// How many bytes its layers have.
    pub size: Option<Size>,
    /// When it came.
    pub came: Moment,
}
