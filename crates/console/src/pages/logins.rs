//! Registry logins.

use askama::Template;

use crate::{Command, Frame, Moment, State};

/// The list of logins.
#[derive(Clone, Debug, Template)]
#[template(path = "logins.html")]
pub struct Logins {
    /// What surrounds it.
    pub frame: Frame,
    /// The logins, live ones first.
    pub rows: Vec<LoginRow>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// What shows the same on the command line.
    pub command: Command,
}

/// A login.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// Its number.
    pub id: String,
    /// Whether it is accepted.
    pub state: State,
    /// What it is for: push, pull or operator.
    pub kind: &'static str,
    /// What it may do, and where.
    pub reach: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// Of which session of a role, and for which repository that worked.
    pub job: Vec<String>,
    /// Where all logins of the same maker are revoked.
    pub revoke_all: Option<String>,
    /// When it was made.
    pub made: Moment,
    /// When it ends.
    pub ends: Moment,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it last pushed.
    pub pushed: Option<Moment>,
    /// From where it last pushed.
    pub from: Option<String>,
    /// Where its events are.
    pub events: String,
    /// Where it is revoked, if it is live.
    pub revoke: Option<String>,
}
