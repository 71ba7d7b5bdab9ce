//! Registry logins.

use askama::Template;

use crate::{Command, Frame, Moment, State};

/// The list of logins.
#[derive(Clone, Debug, Template)]
#[template(path = "logins.html")]
pub struct Logins {
    /// The frame around the content.
    pub frame: Frame,
    /// The logins, live ones first.
    pub rows: Vec<LoginRow>,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
    /// The command that shows the same.
    pub command: Command,
}

/// A login.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// Its number.
    pub id: String,
    /// Whether it is accepted.
    pub state: State,
    /// Its kind: push, pull or operator.
    pub kind: &'static str,
    /// Its actions and repositories.
    pub reach: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// The session of the role that made it, and the repository of the CI job.
    pub job: Vec<String>,
    /// The path for revoking all logins of the same maker.
    pub revoke_all: Option<String>,
    /// When it was made.
    pub made: Moment,
    /// When it ends.
    pub ends: Moment,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it last pushed.
    pub pushed: Option<Moment>,
    /// The address of its last push.
    pub from: Option<String>,
    /// The path of its events.
    pub events: String,
    /// The path for revoking it, if it is live.
    pub revoke: Option<String>,
}
