//! Container services.

use askama::Template;

use crate::{Command, Frame, Moment, State};

/// The list of services.
#[derive(Clone, Debug, Template)]
#[template(path = "services.html")]
pub struct Services {
    /// What surrounds it.
    pub frame: Frame,
    /// The services, by name.
    pub rows: Vec<ServiceRow>,
    /// How to come from nothing to a registered image.
    pub first_steps: Vec<Command>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// Where its page is.
    pub page: String,
    /// Its state.
    pub state: State,
    /// How many images are registered, if that may be seen.
    pub images: Option<usize>,
    /// When the last of them was registered.
    pub last_registered: Option<Moment>,
    /// The version that runs, and the one that is on its way.
    pub deployments: Vec<String>,
    /// Where it is reached, if it runs.
    pub url: Option<String>,
}
