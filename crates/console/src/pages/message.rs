//! A message, usually a refusal.

use askama::Template;

use crate::Frame;

/// A message for a person who is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "message.html")]
pub struct Message {
    /// The frame around the content.
    pub frame: Frame,
    /// The text of the message.
    pub words: String,
    /// Advice on the next step.
    pub tip: Option<String>,
    /// The path of the page to continue with.
    pub back: Option<String>,
}

/// A message for a person who is not signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "stranger.html")]
pub struct Stranger {
    /// The title.
    pub title: String,
    /// The text of the message.
    pub words: String,
}
