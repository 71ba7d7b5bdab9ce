//! Roles: what jobs become that show an identity token.

use askama::Template;

use super::rights::Rights;
use crate::{Command, Copied, Frame, Moment, State};

/// The list of roles.
#[derive(Clone, Debug, Template)]
#[template(path = "roles.html")]
pub struct Roles {
    /// What surrounds it.
    pub frame: Frame,
    /// The roles, by name.
    pub rows: Vec<RoleRow>,
    /// How a role is made.
    pub first_steps: Vec<Command>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
}

/// A role in the list.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// Its name.
    pub name: String,
    /// Where its page is.
    pub page: String,
    /// Whether it can be assumed.
    pub state: State,
    /// What it is for, in the words of who made it.
    pub description: Option<String>,
    /// Whose tokens open it, in words.
    pub trust: Vec<String>,
    /// What it may do, in words.
    pub rights: Vec<String>,
    /// When it was last assumed.
    pub used: Option<Moment>,
}

/// One role.
#[derive(Clone, Debug, Template)]
#[template(path = "role.html")]
pub struct RolePage {
    /// What surrounds it; its title is the role's name.
    pub frame: Frame,
    /// Whether it can be assumed.
    pub state: State,
    /// What it is for, in the words of who made it.
    pub description: Option<String>,
    /// How clients name it.
    pub arn: Copied,
    /// When it was made.
    pub made: Moment,
    /// Who made it.
    pub made_by: Option<String>,
    /// When it was last assumed.
    pub used: Option<Moment>,
    /// Whose tokens open it: in words, and as the policy that decides.
    pub trust: Rights,
    /// What it may do.
    pub rights: Rights,
    /// The claims of its first token that every later one must have too.
    pub remembered: Vec<(String, String)>,
    /// How long its sessions and logins live.
    pub lives: String,
    /// Its sessions, the newest first.
    pub sessions: Vec<SessionRow>,
    /// Why there are none to be seen.
    pub no_sessions: Option<String>,
    /// Where the next page of them is.
    pub more_sessions: Option<String>,
    /// Who was refused lately, the newest first.
    pub refusals: Vec<RefusalRow>,
    /// Why there are none to be seen.
    pub no_refusals: Option<String>,
    /// What can be done with it: the word, and where.
    pub actions: Vec<(&'static str, String)>,
    /// What helps to find out why a token does not open it.
    pub trial: Command,
}

/// A session of a role.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The id of its temporary key.
    pub id: String,
    /// What its maker called it.
    pub name: String,
    /// When it began.
    pub began: Moment,
    /// When it ends.
    pub ends: Moment,
    /// What its token claimed.
    pub claims: Vec<(String, String)>,
    /// Where it is revoked.
    pub revoke: String,
}

/// A refusal, or several that are alike.
#[derive(Clone, Debug)]
pub struct RefusalRow {
    /// When the last of them was.
    pub at: Moment,
    /// Why.
    pub reason: String,
    /// What was asked for.
    pub action: String,
    /// From where.
    pub address: Option<String>,
    /// How many.
    pub count: i32,
}
