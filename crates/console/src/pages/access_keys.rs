//! Access keys.

use askama::Template;

use super::rights::Rights;
use crate::{Command, Copied, Frame, Moment, State};

/// The list of access keys.
#[derive(Clone, Debug, Template)]
#[template(path = "access_keys.html")]
pub struct AccessKeys {
    /// The frame around the content.
    pub frame: Frame,
    /// The keys, the newest first.
    pub rows: Vec<KeyRow>,
    /// The path of the form for a new key.
    pub new: String,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
    /// The command that shows the same.
    pub command: Command,
}

/// An access key.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The public half.
    pub id: Copied,
    /// Its account, if the list has keys of several.
    pub account: Option<String>,
    /// Whether it signs.
    pub state: State,
    /// The maker's description.
    pub description: Option<String>,
    /// Its permissions.
    pub rights: Rights,
    /// When it was made.
    pub made: Moment,
    /// Who made it.
    pub made_by: Option<String>,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it ends.
    pub ends: Option<Moment>,
    /// The actions on the key: the word for the button, and the path.
    pub actions: Vec<(&'static str, String)>,
}

/// The form for a new key.
#[derive(Clone, Debug, Template)]
#[template(path = "new_key.html")]
pub struct NewKey {
    /// The frame around the content.
    pub frame: Frame,
    /// The reason for which the last attempt was refused.
    pub refusal: Option<String>,
    /// The path that the form is sent to.
    pub action: String,
    /// The path for cancelling.
    pub back: String,
    /// Whether other accounts and root keys can be chosen.
    pub is_root: bool,
    /// The values that were filled in.
    pub filled: FilledKey,
}

/// The values of the form for a new key.
#[derive(Clone, Debug, Default)]
pub struct FilledKey {
    /// The description.
    pub description: String,
    /// The name of the preset.
    pub preset: String,
    /// The services, as text.
    pub services: String,
    /// The repositories, as text.
    pub repositories: String,
    /// The networks, as text.
    pub networks: String,
    /// The number of days until it ends, as text.
    pub days: String,
    /// Its account.
    pub account: String,
    /// Whether it is a root key.
    pub root: bool,
}

impl FilledKey {
    /// The presets: each name, and its meaning.
    const PRESETS: [(&'static str, &'static str); 4] = [
        ("all", "everything in its account"),
        ("push", "log in, push and register images"),
        ("deploy", "the same, and deploy them"),
        ("read", "look, and pull what is registered"),
    ];
}

/// A key that was just made. Only this page shows its secret.
#[derive(Clone, Debug, Template)]
#[template(path = "key_made.html")]
pub struct KeyMade {
    /// The frame around the content.
    pub frame: Frame,
    /// The public half.
    pub id: Copied,
    /// The secret half.
    pub secret: Copied,
    /// Its account.
    pub account: String,
    /// When it ends.
    pub ends: Option<Moment>,
    /// The command that sets up a machine with it.
    pub command: Command,
    /// The path of the list.
    pub back: String,
}
