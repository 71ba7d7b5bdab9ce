//! The permissions of a key or a role.

use askama::Template;
use askama::filters::HtmlSafe;

/// The permissions of a key or a role: in words, and as a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(path = "parts/rights.html")]
pub struct Rights {
    /// The permissions in words.
    pub words: Vec<String>,
    /// The permissions as a policy in IAM's language, if there is one.
    pub policy: Option<String>,
}

// This template has escaped its values already.
impl HtmlSafe for Rights {}
