//! What a key or a role may do.

use askama::Template;
use askama::filters::HtmlSafe;

/// What a key or a role may do: in words, and as the policy that decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(path = "parts/rights.html")]
pub struct Rights {
    /// In words.
    pub words: Vec<String>,
    /// The policy.
    pub policy: Option<String>,
}

// A template of its own, which has escaped what it shows.
impl HtmlSafe for Rights {}
