//! Access keys.

use askama::Template;

use super::rights::Rights;
use crate::{Command, Copied, Frame, Moment, State};

/// The list of access keys.
#[derive(Clone, Debug, Template)]
#[template(path = "access_keys.html")]
pub struct AccessKeys {
    /// What surrounds it.
    pub frame: Frame,
    /// The keys, the newest first.
    pub rows: Vec<KeyRow>,
    /// Where a key is made.
    pub new: String,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// What shows the same on the command line.
    pub command: Command,
}

/// An access key.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The public half.
    pub id: Copied,
    /// Its account, where keys of several are shown.
    pub account: Option<String>,
    /// Whether it signs.
    pub state: State,
    /// What it is for, in the words of who made it.
    pub description: Option<String>,
    /// What it may do.
    pub rights: Rights,
    /// When it was made.
    pub made: Moment,
    /// Who made it.
    pub made_by: Option<String>,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it ends.
    pub ends: Option<Moment>,
    /// What can be done with it: the word, and where.
    pub actions: Vec<(&'static str, String)>,
}

/// The form for a new key.
#[derive(Clone, Debug, Template)]
#[template(path = "new_key.html")]
pub struct NewKey {
    /// What surrounds it.
    pub frame: Frame,
    /// Why the last attempt was refused.
    pub refusal: Option<String>,
    /// Where the form is sent.
    pub action: String,
    /// Where to go instead.
    pub back: String,
    /// Whether other accounts and root keys are offered.
    pub is_root: bool,
    /// What was filled in.
    pub filled: FilledKey,
}

/// What is filled in for a new key.
#[derive(Clone, Debug, Default)]
pub struct FilledKey {
    /// What it is for.
    pub description: String,
    /// What it may do, by name.
    pub preset: String,
    /// The services that it is for.
    pub services: String,
    /// The repositories that it is for.
    pub repositories: String,
    /// The networks that it is accepted from.
    pub networks: String,
    /// After how many days it ends.
    pub days: String,
    /// Its account.
    pub account: String,
    /// Whether it administers the server.
    pub root: bool,
}

impl FilledKey {
    /// What can be chosen: the name, and what it means.
    const PRESETS: [(&'static str, &'static str); 4] = [
        ("all", "everything in its account"),
        ("push", "log in, push and register images"),
        ("deploy", "the same, and deploy them"),
        ("read", "look, and pull what is registered"),
    ];
}

/// A key that was just made: the one page that shows its secret.
#[derive(Clone, Debug, Template)]
#[template(path = "key_made.html")]
pub struct KeyMade {
    /// What surrounds it.
    pub frame: Frame,
    /// The public half.
    pub id: Copied,
    /// The secret half.
    pub secret: Copied,
    /// Its account.
    pub account: String,
    /// When it ends.
    pub ends: Option<Moment>,
    /// How a machine is set up with it.
    pub command: Command,
    /// Where the list is.
    pub back: String,
}
