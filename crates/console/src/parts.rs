//! Parts that many pages have.

use askama::Template;
use askama::filters::HtmlSafe;

/// How a state is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something is under way.
    Busy,
    /// Something is wrong.
    Bad,
    /// It is over, or off.
    Over,
}

/// A state: a word, with a shape and a colour that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/state.html")]
pub struct State {
    /// The word.
    pub word: String,
    /// How it is meant.
    pub tone: Tone,
}

impl State {
    /// A state.
    pub fn new(word: impl Into<String>, tone: Tone) -> Self {
        Self { word: word.into(), tone }
    }

    fn class(&self) -> &'static str {
        match self.tone {
            Tone::Good => "good",
            Tone::Busy => "busy",
            Tone::Bad => "bad",
            Tone::Over => "over",
        }
    }
}

/// A text that can be copied, shown whole or in short.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/copied.html")]
pub struct Copied {
    /// The text.
    pub text: String,
    /// What is shown of it.
    pub shown: String,
    /// What the button says that it copies: `digest of web.app.7`.
    pub what: String,
}

impl Copied {
    /// A text that is shown whole.
    pub fn whole(text: impl Into<String>, what: impl Into<String>) -> Self {
        let text = text.into();
        Self { shown: text.clone(), text, what: what.into() }
    }

    /// A digest, of which so much is shown that people know it by.
    pub fn digest(digest: &str, of: &str) -> Self {
        let shown = digest.get(..19).unwrap_or(digest).to_owned();
        Self { text: digest.to_owned(), shown, what: format!("digest of {of}") }
    }
}

/// A command to be copied, with what it does.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/command.html")]
pub struct Command {
    /// What it does.
    pub does: String,
    /// The command, of one line or several.
    pub text: String,
}

impl Command {
    /// A command.
    pub fn new(does: impl Into<String>, text: impl Into<String>) -> Self {
        Self { does: does.into(), text: text.into() }
    }
}

// Templates of their own, which have escaped what they show.
impl HtmlSafe for State {}
impl HtmlSafe for Copied {}
impl HtmlSafe for Command {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parts_show_is_escaped() {
        let evil = "<img src=x onerror=alert(1)>\"'&";
        for html in [
            State::new(evil, Tone::Bad).to_string(),
            Copied::whole(evil, evil).to_string(),
            Copied::digest(evil, evil).to_string(),
            Command::new(evil, evil).to_string(),
        ] {
            assert!(!html.contains("<img") && !html.contains("\"'&"), "{html}");
        }
    }
}
