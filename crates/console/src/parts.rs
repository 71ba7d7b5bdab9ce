//! Parts that many pages use.

use askama::Template;
use askama::filters::HtmlSafe;

/// The meaning of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something is in progress.
    Busy,
    /// Something is wrong.
    Bad,
    /// The thing has ended, or is switched off.
    Over,
}

/// A state: a word, with a shape and a colour of the same meaning.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/state.html")]
pub struct State {
    /// The word that is shown.
    pub word: String,
    /// The meaning, which decides the shape and the colour.
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

/// A text that can be copied. It is shown whole or shortened.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/copied.html")]
pub struct Copied {
    /// The text.
    pub text: String,
    /// The text that is shown.
    pub shown: String,
    /// The description for the button: `digest of web.app.7`.
    pub what: String,
}

impl Copied {
    /// A text that is shown whole.
    pub fn whole(text: impl Into<String>, what: impl Into<String>) -> Self {
        let text = text.into();
        Self { shown: text.clone(), text, what: what.into() }
    }

    /// A digest. Its beginning is shown, enough to recognise it.
    pub fn digest(digest: &str, of: &str) -> Self {
        let shown = digest.get(..19).unwrap_or(digest).to_owned();
        Self { text: digest.to_owned(), shown, what: format!("digest of {of}") }
    }
}

/// A command that can be copied, with its purpose.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/command.html")]
pub struct Command {
    /// The purpose of the command.
    pub does: String,
    /// The command, which may have several lines.
    pub text: String,
}

impl Command {
    /// A command.
    pub fn new(does: impl Into<String>, text: impl Into<String>) -> Self {
        Self { does: does.into(), text: text.into() }
    }
}

// These templates have escaped their values already.
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
