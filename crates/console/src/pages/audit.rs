//! The audit trail.

use askama::Template;

use crate::{Command, Copied, Frame, Moment};

/// A page of events.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct Audit {
    /// The frame around the content.
    pub frame: Frame,
    /// The path that the filter is sent to.
    pub action: String,
    /// Every kind of event, and whether it is selected.
    pub kinds: Vec<(&'static str, bool)>,
    /// The filters other than the kind.
    pub filters: Vec<Filter>,
    /// Whether any filter is set.
    pub is_filtered: bool,
    /// The events, the newest first.
    pub rows: Vec<EventRow>,
    /// The path of the next page, if there is one.
    pub next: Option<String>,
    /// The path of the same events as a file.
    pub export: String,
    /// The command that shows the same.
    pub command: Command,
}

/// One filter.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its name in the path.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// Its value.
    pub value: String,
}

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When it happened.
    pub at: Moment,
    /// The kind of event.
    pub kind: &'static str,
    /// The actors, each with the path of its page.
    pub who: Vec<(String, Option<String>)>,
    /// The things that it is about, each with the path of its page.
    pub what: Vec<(String, Option<String>)>,
    /// The digest of the content that it is about.
    pub digest: Option<Copied>,
    /// The refused action, and the reasons.
    pub why: Vec<String>,
    /// The address of the client.
    pub from: Option<String>,
    /// The client's `User-Agent`.
    pub agent: Option<String>,
    /// How often it happened, if more than once.
    pub count: Option<i32>,
}
