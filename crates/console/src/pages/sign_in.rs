//! The pages for signing in.

use askama::Template;

/// The form for an access key.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// The reason for which the last attempt was refused.
    pub refusal: Option<String>,
    /// The key id of the last attempt.
    pub key_id: String,
    /// The page to show afterwards, if one was asked for.
    pub to: Option<String>,
    /// The reason for which signing in is not allowed over this connection. Then there is no form.
    pub closed: Option<String>,
    /// The command that makes a one-time link.
    pub command: crate::Command,
}

/// The page with the button that uses a one-time link.
#[derive(Clone, Debug, Template)]
#[template(path = "link.html")]
pub struct Link {
    /// The secret of the link.
    pub secret: String,
    /// The reason for which signing in is not allowed over this connection. Then there is no button.
    pub closed: Option<String>,
}

/// A page that loads another one at once, so that the request comes from this origin.
#[derive(Clone, Debug, Template)]
#[template(path = "detour.html")]
pub struct Detour {
    /// The path of the other page.
    pub target: String,
}
