//! Roles, which jobs take on by showing an identity token.

use askama::Template;

use super::rights::Rights;
use crate::{Command, Copied, Frame, Moment, State};

/// The list of roles.
#[derive(Clone, Debug, Template)]
#[template(path = "roles.html")]
pub struct Roles {
    /// The frame around the content.
    pub frame: Frame,
    /// The roles, by name.
    pub rows: Vec<RoleRow>,
    /// Commands that make a role.
    pub first_steps: Vec<Command>,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
}

/// A role in the list.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// Its name.
    pub name: String,
    /// The path of its page.
    pub page: String,
    /// Whether it can be assumed.
    pub state: State,
    /// The maker's description.
    pub description: Option<String>,
    /// The tokens that open it, in words.
    pub trust: Vec<String>,
    /// Its permissions, in words.
    pub rights: Vec<String>,
    /// When it was last assumed.
    pub used: Option<Moment>,
}

/// One role.
#[derive(Clone, Debug, Template)]
#[template(path = "role.html")]
pub struct RolePage {
    /// The frame. Its title is the role's name.
    pub frame: Frame,
    /// Whether it can be assumed.
    pub state: State,
    /// The maker's description.
    pub description: Option<String>,
    /// Its ARN.
    pub arn: Copied,
    /// When it was made.
    pub made: Moment,
    /// Who made it.
    pub made_by: Option<String>,
    /// When it was last assumed.
    pub used: Option<Moment>,
    /// The tokens that open it: in words, and as a policy.
    pub trust: Rights,
    /// Its permissions.
    pub rights: Rights,
    /// Claims of its first token that every later token must have too.
    pub remembered: Vec<(String, String)>,
    /// The longest lives of its sessions and logins, in words.
    pub lives: String,
    /// Its sessions, the newest first.
    pub sessions: Vec<SessionRow>,
    /// The reason for which no sessions are shown.
    pub no_sessions: Option<String>,
    /// The path of the next page of sessions.
    pub more_sessions: Option<String>,
    /// Recent refusals, the newest first.
    pub refusals: Vec<RefusalRow>,
    /// The reason for which no refusals are shown.
    pub no_refusals: Option<String>,
    /// The actions on the role: the word for the button, and the path.
    pub actions: Vec<(&'static str, String)>,
    /// The command that tests a token on it.
    pub trial: Command,
}

/// A session of a role.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The id of its temporary key.
    pub id: String,
    /// The name that its maker gave it.
    pub name: String,
    /// When it began.
    pub began: Moment,
    /// When it ends.
    pub ends: Moment,
    /// The claims of its token.
    pub claims: Vec<(String, String)>,
    /// The path for revoking it.
    pub revoke: String,
}

/// A refusal, or several equal ones.
#[derive(Clone, Debug)]
pub struct RefusalRow {
    /// The time of the last one.
    pub at: Moment,
    /// The reason.
    pub reason: String,
    /// The refused action.
    pub action: String,
    /// The address of the client.
    pub address: Option<String>,
    /// The number of equal refusals.
    pub count: i32,
}
