//! Something in words: mostly, why something was refused.

use askama::Template;

use crate::Frame;

/// A message to whoever is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "message.html")]
pub struct Message {
    /// What surrounds it.
    pub frame: Frame,
    /// What happened.
    pub words: String,
    /// What to do.
    pub tip: Option<String>,
    /// Where to go from here.
    pub back: Option<String>,
}

/// A message to whoever is not.
#[derive(Clone, Debug, Template)]
#[template(path = "stranger.html")]
pub struct Stranger {
    /// What it is called.
    pub title: String,
    /// What happened.
    pub words: String,
}
