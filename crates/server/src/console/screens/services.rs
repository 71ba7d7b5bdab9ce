//! The list of container services.

use gangplank_api::lightsail::{
    ContainerService, ContainerServiceState, GetContainerImagesRequest, GetContainerServicesRequest,
};
use gangplank_console::{Moment, Screen, ServiceRow, Services, State, Tone, escaped};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::first_steps;
use crate::http::response::Answer;

/// The name of the service in the commands for beginners.
const FIRST: &str = "web";

/// Shows the services of the region. Without services it shows how to make one.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let mut services = match visit.call(&GetContainerServicesRequest::default()).await {
        Ok(answer) => answer.container_services.unwrap_or_default(),
        Err(error) => return refused(visit, error, None),
    };
    services.sort_by(|one, other| one.container_service_name.cmp(&other.container_service_name));
    let mut rows = Vec::with_capacity(services.len());
    for service in services {
        rows.push(row(visit, service).await);
    }
    let (name, is_there) = rows.first().map_or((FIRST, false), |row| (row.name.as_str(), true));
    let first_steps = first_steps::push(visit, name, is_there);
    shown(&Services { frame: visit.frame("Services", Screen::Services), first_steps, rows })
}

/// The state of a service, for people.
pub(super) fn state(service: &ContainerService) -> State {
    let Some(state) = service.state else { return State::new("unknown", Tone::Over) };
    let tone = match state {
        ContainerServiceState::Running => Tone::Good,
        ContainerServiceState::Ready | ContainerServiceState::Disabled => Tone::Over,
        ContainerServiceState::Pending
        | ContainerServiceState::Updating
        | ContainerServiceState::Deleting
        | ContainerServiceState::Deploying => Tone::Busy,
    };
    State::new(state.as_str().to_lowercase(), tone)
}

async fn row(visit: &Visit<'_>, service: ContainerService) -> ServiceRow {
    let name = service.container_service_name.clone().unwrap_or_default();
    // A caller that may list services may lack the permission to list their images.
    let images = visit.call(&GetContainerImagesRequest { service_name: name.clone() }).await;
    let images = images.ok().map(|answer| answer.container_images.unwrap_or_default());
    let last = images.iter().flatten().filter_map(|image| image.created_at).max();
    let version = |deployment: &Option<_>, word: &str| -> Option<String> {
        let deployment: &gangplank_api::lightsail::ContainerServiceDeployment = deployment.as_ref()?;
        Some(format!("version {} {word}", deployment.version?))
    };
    let deployments =
        [version(&service.current_deployment, "runs"), version(&service.next_deployment, "is on its way")];
    ServiceRow {
        page: visit.place().path(&format!("services/{}", escaped(&name))),
        state: state(&service),
        images: images.as_ref().map(Vec::len),
        last_registered: last.map(|at| Moment(at.0)),
        deployments: deployments.into_iter().flatten().collect(),
        url: service.current_deployment.as_ref().and(service.url.clone()).filter(|url| is_link(url)),
        name,
    }
}

/// Whether a URL of a service can be a link.
fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
