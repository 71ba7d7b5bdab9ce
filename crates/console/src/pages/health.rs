//! How the server is.

use askama::Template;

use crate::{Command, Frame, Moment, Size, State};

/// How the server is.
#[derive(Clone, Debug, Template)]
#[template(path = "health.html")]
pub struct Health {
    /// What surrounds it.
    pub frame: Frame,
    /// The version of the program.
    pub version: String,
    /// What time it is by the server's clock.
    pub now: Moment,
    /// Whether the database takes writes.
    pub database: State,
    /// Whether pushes find room.
    pub disk: State,
    /// How much pushes may still take, and how much there is.
    pub space: Option<(Size, Size)>,
    /// How much is kept free.
    pub reserve: Size,
    /// Whether anything is damaged.
    pub content: State,
    /// When the last round of reading everything again began, or the next one begins.
    pub scrub: Option<Moment>,
    /// What is there for the next collection, in words.
    pub garbage: String,
    /// The certificates: what each is for, how it stands and when it ends.
    pub certificates: Vec<(String, State, Moment)>,
    /// What shows the same on the command line.
    pub command: Command,
}
