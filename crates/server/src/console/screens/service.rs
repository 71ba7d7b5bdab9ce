//! One container service.

use gangplank_api::lightsail::{
    ContainerService, ContainerServiceState, ContainerServiceStateDetailCode,
    GetContainerServiceDeploymentsRequest, GetContainerServicesRequest,
};
use gangplank_api::{ApiError, lightsail};
use gangplank_console::{Copied, Endpoint, Moment, Screen, Service};

use super::super::trouble::refused;
use super::super::visit::{Visit, shown};
use super::services::state;
use super::{audit, first_steps, service_images, service_runs};
use crate::http::response::Answer;

/// Shows a service, its images and its deployments.
pub(super) async fn show(visit: &Visit<'_>, name: &str) -> Answer {
    let (service, deployments) = match found(visit, name).await {
        Ok(found) => found,
        Err(error) => return refused(visit, error, Some(visit.place().path("services"))),
    };
    let all = deployments.as_deref().unwrap_or_default();
    let (images, no_images) = service_images::rows(visit, name, all).await;
    let newest = images.first().and_then(|image| service_images::label_and_number(&image.name.text, name));
    let runs = service_runs::of(visit, name, all).await;
    shown(&Service {
        frame: visit.frame(name, Screen::Services),
        state: state(&service),
        events: audit::path(&visit.place(), "subject", name),
        detail: detail(&service),
        capacity: capacity(&service),
        endpoint: service.url.as_ref().map(|url| Endpoint {
            url: Copied::whole(url, "URL of the service"),
            is_live: service.state == Some(ContainerServiceState::Running),
        }),
        made: service.created_at.map(|at| Moment(at.0)),
        first_steps: if images.is_empty() { first_steps::push(visit, name, true) } else { Vec::new() },
        pull: newest.map(|newest| first_steps::pull(visit, name, newest)).unwrap_or_default(),
        no_deployments: match &deployments {
            Err(error) => Some(error.message.clone()),
            Ok(all) if all.is_empty() => Some("Nothing of it was deployed yet.".to_owned()),
            Ok(_) => None,
        },
        deployments: all.iter().map(service_runs::row).collect(),
        images,
        no_images,
        containers: runs.containers,
        container: runs.container,
        log: runs.log,
        no_log: runs.no_log,
        charts: runs.charts,
    })
}

type Deployments = Result<Vec<lightsail::ContainerServiceDeployment>, ApiError>;

/// The service and its deployments, or the reason why these cannot be shown.
async fn found(visit: &Visit<'_>, name: &str) -> Result<(ContainerService, Deployments), ApiError> {
    let asked = GetContainerServicesRequest { service_name: Some(name.to_owned()) };
    let mut services = visit.call(&asked).await?.container_services.unwrap_or_default();
    let service =
        services.pop().ok_or_else(|| ApiError::not_found(format!("There is no service {name}.")))?;
    let asked = GetContainerServiceDeploymentsRequest { service_name: name.to_owned() };
    let deployments = visit.call(&asked).await.map(|answer| answer.deployments.unwrap_or_default());
    Ok((service, deployments))
}

fn detail(service: &ContainerService) -> Option<String> {
    let detail = service.state_detail.as_ref()?;
    let code = detail.code.map(ContainerServiceStateDetailCode::as_str)?;
    Some(match detail.message.as_deref() {
        Some(message) if !message.is_empty() => format!("{code}: {message}"),
        _ => code.to_owned(),
    })
}

fn capacity(service: &ContainerService) -> String {
    let power = service.power.map_or("", lightsail::ContainerServicePowerName::as_str);
    match service.scale.unwrap_or_default() {
        1 => format!("1 node of power {power}"),
        nodes => format!("{nodes} nodes of power {power}"),
    }
}
