//! The question before something is done that cannot be undone.

use askama::Template;

use crate::Frame;

/// Something that helps to decide.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The thing itself.
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
    /// What surrounds it; its title is the question.
    pub frame: Frame,
    /// What happens then.
    pub consequence: String,
    /// What is known of the thing.
    pub facts: Vec<Fact>,
    /// Where the answer goes.
    pub action: String,
    /// What the button says.
    pub button: String,
    /// Where to go instead.
    pub back: String,
}
