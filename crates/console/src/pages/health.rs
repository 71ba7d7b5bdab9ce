//! The state of the server.

use askama::Template;

use crate::{Command, Frame, Moment, Size, State};

/// The state of the server.
#[derive(Clone, Debug, Template)]
#[template(path = "health.html")]
pub struct Health {
    /// The frame around the content.
    pub frame: Frame,
    /// The version of the program.
    pub version: String,
    /// The time of the server's clock.
    pub now: Moment,
    /// Whether the database accepts writes.
    pub database: State,
    /// Whether there is space for pushes.
    pub disk: State,
    /// The bytes that pushes may still use, and all bytes of the disk.
    pub space: Option<(Size, Size)>,
    /// The bytes that stay free.
    pub reserve: Size,
    /// Whether any content is damaged.
    pub content: State,
    /// When the scrub began to read all content for the last time, or will begin next.
    pub scrub: Option<Moment>,
    /// The garbage for the next collection, as text.
    pub garbage: String,
    /// The certificates: the names that each covers, its state, and when it ends.
    pub certificates: Vec<(String, State, Moment)>,
    /// The command that shows the same.
    pub command: Command,
}
