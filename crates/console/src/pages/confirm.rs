//! A question before an action that cannot be undone.

use askama::Template;

use crate::Frame;

/// A fact that helps to decide.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The name of the fact.
    pub name: String,
    /// The value of the fact.
    pub value: String,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The question.
#[derive(Clone, Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    /// The frame. Its title is the question.
    pub frame: Frame,
    /// The consequence of the action.
    pub consequence: String,
    /// Facts about the thing.
    pub facts: Vec<Fact>,
    /// The path that the answer is sent to.
    pub action: String,
    /// The text of the button.
    pub button: String,
    /// The path for cancelling.
    pub back: String,
}
