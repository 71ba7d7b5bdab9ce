//! One container service.

use askama::Template;

use crate::{Chart, Command, Copied, Frame, Moment, State};

/// A service, with its images and deployments.
#[derive(Clone, Debug, Template)]
#[template(path = "service.html")]
pub struct Service {
    /// The frame. Its title is the service's name.
    pub frame: Frame,
    /// Its state.
    pub state: State,
    /// The path of its events.
    pub events: String,
    /// The reason for its state, if there is one.
    pub detail: Option<String>,
    /// Its power and scale.
    pub capacity: String,
    /// The address of its endpoint.
    pub endpoint: Option<Endpoint>,
    /// When it was made.
    pub made: Option<Moment>,
    /// The registered images, the newest first.
    pub images: Vec<ImageRow>,
    /// The reason for which no images are shown.
    pub no_images: Option<String>,
    /// Commands that push and register the first image.
    pub first_steps: Vec<Command>,
    /// Commands that pull its images.
    pub pull: Vec<Command>,
    /// Its deployments, the newest first.
    pub deployments: Vec<DeploymentRow>,
    /// The reason for which no deployments are shown.
    pub no_deployments: Option<String>,
    /// The containers with logs, each with the path of its log.
    pub containers: Vec<(String, String)>,
    /// The container whose log is shown.
    pub container: String,
    /// The newest lines of its log.
    pub log: Vec<LogLine>,
    /// The reason for which no log is shown.
    pub no_log: Option<String>,
    /// Its use of processor and memory.
    pub charts: Vec<Chart>,
}

/// The address of a service.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its URL.
    pub url: Copied,
    /// Whether anything answers at it.
    pub is_live: bool,
}

/// A registered image.
#[derive(Clone, Debug)]
pub struct ImageRow {
    /// Its name in deployments: `:web.app.7`.
    pub name: Copied,
    /// Its digest.
    pub digest: Copied,
    /// When it was registered.
    pub registered: Option<Moment>,
    /// The principal who registered it, if the caller may see that.
    pub by: Option<String>,
    /// Whether a deployment uses it.
    pub in_use: bool,
    /// The path for deleting it.
    pub delete: String,
}

/// A deployment.
#[derive(Clone, Debug)]
pub struct DeploymentRow {
    /// Its number.
    pub version: String,
    /// Its state.
    pub state: State,
    /// When it was made.
    pub made: Option<Moment>,
    /// Its containers, each with its image.
    pub containers: Vec<(String, String)>,
    /// The container of the public endpoint, and its port.
    pub endpoint: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When the line was printed.
    pub at: Moment,
    /// The text of the line.
    pub text: String,
}
