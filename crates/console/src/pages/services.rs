//! Container services.

use askama::Template;

use crate::{Command, Frame, Moment, State};

/// The list of services.
#[derive(Clone, Debug, Template)]
#[template(path = "services.html")]
pub struct Services {
    /// The frame around the content.
    pub frame: Frame,
    /// The services, by name.
    pub rows: Vec<ServiceRow>,
    /// Commands that lead to a first registered image.
    pub first_steps: Vec<Command>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// The path of its page.
    pub page: String,
    /// Its state.
    pub state: State,
    /// The number of registered images, if the caller may see that.
    pub images: Option<usize>,
    /// When the newest image was registered.
    pub last_registered: Option<Moment>,
    /// The version that runs, and the one that is being started.
    pub deployments: Vec<String>,
    /// Its address, if it runs.
    pub url: Option<String>,
}
