//! A message, usually a refusal.

use askama::Template;

use crate::Frame;

/// A message for a person who is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "message.html")]
pub struct Message {
    /// The frame around the content.
    pub frame: Frame,
    /// What happened.
    pub words: String,
    /// Advice on the next step.
    pub tip: Option<String>,
    /// The path to go on to.
    pub back: Option<String>,
}

/// A message for a person who is not signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "stranger.html")]
pub struct Stranger {
    /// The title.
    pub title: String,
    /// What happened.
    pub words: String,
}
