//! How somebody comes in.

use askama::Template;

/// The form for an access key.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// Why the last try was refused.
    pub refusal: Option<String>,
    /// The key id of the last try.
    pub key_id: String,
    /// Where to go afterwards, if a page was asked for.
    pub to: Option<String>,
    /// Why the form cannot be used over this connection; then it is not shown.
    pub closed: Option<String>,
    /// The command that makes a one-time link here.
    pub command: crate::Command,
}

/// The button that uses a one-time link.
#[derive(Clone, Debug, Template)]
#[template(path = "link.html")]
pub struct Link {
    /// The secret of the link.
    pub secret: String,
    /// Why it cannot be used over this connection; then there is no button.
    pub closed: Option<String>,
}

/// A page that asks for another one at once, so that the browser comes from here.
#[derive(Clone, Debug, Template)]
#[template(path = "detour.html")]
pub struct Detour {
    /// The path of the other one.
    pub target: String,
}
