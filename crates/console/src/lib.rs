//! The pages of the web console: templates in HTML, one style sheet, one small script and an icon.
//!
//! A page is a struct with the values that it shows. [`Page::html`] writes it. Nothing here knows a store, a request
//! or an API, and no page needs any preparation. Templates escape all values.

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
pub use pages::audit::{Audit, EventRow, Filter};
pub use pages::confirm::{Confirm, Fact};
pub use pages::health::Health;
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
    /// If the page cannot be written. No page of this crate fails.
    fn html(&self) -> Result<String, std::fmt::Error>;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> Result<String, std::fmt::Error> {
        self.render().map_err(|_| std::fmt::Error)
    }
}
