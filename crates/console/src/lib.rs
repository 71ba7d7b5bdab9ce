//! The pages of the web console: templates in HTML, one style sheet, one small script and an icon.
//!
//! A page is a struct with what it shows, ready to be read; [`Page::html`] writes it. Nothing here knows a store, a
//! request or an API, and nothing is set up before the first page is written. Templates escape whatever they show.

pub mod assets;
mod chart;
mod frame;
mod moment;
mod pages;
mod parts;
mod paths;
mod size;

pub use chart::{Chart, Series};
pub use frame::{Frame, Screen};
pub use moment::Moment;
pub use pages::access_keys::{AccessKeys, FilledKey, KeyMade, KeyRow, NewKey};
pub use pages::confirm::{Confirm, Fact};
pub use pages::logins::{LoginRow, Logins};
pub use pages::manifest::{LayerRow, Manifest, Note, PartRow};
pub use pages::message::{Message, Stranger};
pub use pages::repositories::{ManifestRow, Repositories, Repository, RepositoryRow};
pub use pages::rights::Rights;
pub use pages::roles::{RefusalRow, RolePage, RoleRow, Roles, SessionRow};
pub use pages::service::{DeploymentRow, Endpoint, ImageRow, LogLine, Service};
pub use pages::services::{ServiceRow, Services};
pub use pages::sign_in::{Detour, Link, SignIn};
pub use parts::{Command, Copied, State, Tone};
pub use paths::{Place, escaped};
pub use size::Size;

/// A page that can be written.
pub trait Page {
    /// The page as HTML.
    ///
    /// # Errors
    /// If it cannot be written, which no page of this crate does.
    fn html(&self) -> Result<String, std::fmt::Error>;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> Result<String, std::fmt::Error> {
        self.render().map_err(|_| std::fmt::Error)
    }
}
