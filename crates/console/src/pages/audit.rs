//! The audit trail.

use askama::Template;

use crate::{Command, Copied, Frame, Moment};

/// A page of events.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct Audit {
    /// What surrounds it.
    pub frame: Frame,
    /// Where the filter is sent.
    pub action: String,
    /// Every kind of event, and whether it is the one that is asked for.
    pub kinds: Vec<(&'static str, bool)>,
    /// What is asked for beside the kind.
    pub filters: Vec<Filter>,
    /// Whether anything is asked for.
    pub is_filtered: bool,
    /// The events, the newest first.
    pub rows: Vec<EventRow>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// Where the same events are as a file.
    pub export: String,
    /// What shows the same on the command line.
    pub command: Command,
}

/// Something to ask for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What it is called in the path.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What is asked for.
    pub value: String,
}

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub kind: &'static str,
    /// Who did it, and where that is shown.
    pub who: Vec<(String, Option<String>)>,
    /// What it was done to, and where that is shown.
    pub what: Vec<(String, Option<String>)>,
    /// The content that it was done to.
    pub digest: Option<Copied>,
    /// What was asked for and refused, or why it happened.
    pub why: Vec<String>,
    /// From where.
    pub from: Option<String>,
    /// With what.
    pub agent: Option<String>,
    /// How often, if more than once.
    pub count: Option<i32>,
}
