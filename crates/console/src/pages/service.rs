//! One container service.

use askama::Template;

use crate::{Chart, Command, Copied, Frame, Moment, State};

/// A service, with its images and what runs of it.
#[derive(Clone, Debug, Template)]
#[template(path = "service.html")]
pub struct Service {
    /// What surrounds it; its title is the service's name.
    pub frame: Frame,
    /// Its state.
    pub state: State,
    /// Where its events are.
    pub events: String,
    /// Why it is in that state, if there is more to say.
    pub detail: Option<String>,
    /// Its power and scale.
    pub capacity: String,
    /// Where it is reached.
    pub endpoint: Option<Endpoint>,
    /// When it was made.
    pub made: Option<Moment>,
    /// The registered images, the newest first.
    pub images: Vec<ImageRow>,
    /// Why there are none to be seen.
    pub no_images: Option<String>,
    /// How the first image gets here.
    pub first_steps: Vec<Command>,
    /// How its images are pulled.
    pub pull: Vec<Command>,
    /// Its deployments, the newest first.
    pub deployments: Vec<DeploymentRow>,
    /// Why there are none to be seen.
    pub no_deployments: Option<String>,
    /// The containers that there are logs of, each with where its log is shown.
    pub containers: Vec<(String, String)>,
    /// Of which container the log is shown.
    pub container: String,
    /// The newest lines of its log.
    pub log: Vec<LogLine>,
    /// Why there is no log to be seen.
    pub no_log: Option<String>,
    /// What it uses of its power.
    pub charts: Vec<Chart>,
}

/// Where a service is reached.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its URL.
    pub url: Copied,
    /// Whether something answers there.
    pub is_live: bool,
}

/// A registered image.
#[derive(Clone, Debug)]
pub struct ImageRow {
    /// Its name, as deployments write it: `:web.app.7`.
    pub name: Copied,
    /// Its digest.
    pub digest: Copied,
    /// When it was registered.
    pub registered: Option<Moment>,
    /// Who registered it, if that may be seen.
    pub by: Option<String>,
    /// Whether a deployment uses it.
    pub in_use: bool,
    /// Where it is deleted.
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
    /// The container that answers, and its port.
    pub endpoint: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it came.
    pub at: Moment,
    /// What it says.
    pub text: String,
}
