//! The refusals about container services and their deployments. Their wording is Lightsail's where people and
//! scripts know it.

use gangplank_api::ApiError;
use gangplank_api::lightsail::invalid_image;
use gangplank_core::Tenant;
use gangplank_core::deployment::Spec;
use gangplank_store::metadata::container_services::{ContainerService, ServiceOutcome};
use gangplank_store::metadata::deployments::{DeployedService, Promised, Room};

use super::failure::Failure;
use super::{Context, Result};
use crate::deployments::Deployer;

/// The service does not exist.
pub(super) fn unknown(name: &str, tenant: &Tenant) -> ApiError {
    let region = &tenant.region;
    ApiError::not_found(format!("Container service \"{name}\" does not exist in {region}."))
}

/// The server has no container engine.
pub(super) fn no_engine() -> ApiError {
    ApiError::invalid_input(
        "This server has no container engine, so it runs no deployments. Start gangplank serve where Docker or \
         Podman runs, or name one with --engine.",
    )
}

/// Another deployment or change is in progress.
pub(super) fn in_progress(service: &str, version: i64) -> ApiError {
    ApiError::invalid_input(format!(
        "Sorry, deployment {version} is in progress for service \"{service}\". Please wait for it to complete \
         before trying again."
    ))
}

/// The service is disabled.
pub(super) fn disabled(service: &str) -> ApiError {
    ApiError::invalid_input(format!(
        "Container service \"{service}\" is disabled; enable it with update-container-service --no-is-disabled \
         before you deploy to it."
    ))
}

/// The image of a container is not registered on the service.
pub(super) fn no_such_image(spec: &Spec, container: &str) -> ApiError {
    invalid_image(container, spec.containers.get(container).map_or("", |it| it.image.as_str()))
}

/// The engine's machine has no room for the nodes.
pub(super) fn too_little_room(service: &str, room: Room, promised: Promised) -> ApiError {
    let Promised { others, wanted } = promised;
    ApiError::invalid_input(format!(
        "The nodes of container service \"{service}\" would need {}. This server may promise {} to all services \
         together, and has promised {} to others. Choose a smaller power or scale, or disable a service that is not \
         needed.",
        in_words(wanted),
        in_words(room),
        in_words(others)
    ))
}

/// Checks that one engine alone has room for all nodes of a service, as the service will be after a change. A service
/// that wants no more than `before` is always accepted.
///
/// # Errors
/// If there are several engines, and none of them has enough room.
pub(super) fn check_engines(
    deployer: &Deployer,
    before: &ContainerService,
    after: &ContainerService,
) -> std::result::Result<(), ApiError> {
    let wanted = after.room();
    let largest = after.wants_more_than(before).then(|| deployer.too_small_for(wanted)).flatten();
    largest.map_or(Ok(()), |largest| Err(too_large(&after.name, wanted, largest)))
}

fn too_large(service: &str, wanted: Room, largest: Room) -> ApiError {
    ApiError::invalid_input(format!(
        "The nodes of container service \"{service}\" would need {}. A service runs as a whole on one engine, and the \
         largest one may promise {}. Choose a smaller power or scale.",
        in_words(wanted),
        in_words(largest)
    ))
}

fn in_words(room: Room) -> String {
    #[expect(clippy::cast_precision_loss, reason = "of bytes that a machine has, in GB")]
    let memory = room.memory as f64 / f64::from(1 << 30);
    // Rounds to two digits after the point. Trailing zeros are left out.
    let short = |number: f64| (number * 100.0).round() / 100.0;
    format!("{} vCPU and {} GB of memory", short(room.cpus), short(memory))
}

/// Returns the service that was created or changed. `spec` is the specification of its first deployment.
///
/// # Errors
/// If it was not created or changed. The error says why.
pub(super) fn outcome(
    context: &Context<'_>,
    name: &str,
    outcome: ServiceOutcome,
    spec: Option<&Spec>,
) -> Result<DeployedService> {
    let refusal = match outcome {
        ServiceOutcome::Done(service) => return Ok(*service),
        ServiceOutcome::NoSuchService => unknown(name, context.tenant),
        ServiceOutcome::NameTaken => ApiError::invalid_input(format!(
            "Some names are already in use: {name}. Choose another name for the container service."
        )),
        ServiceOutcome::QuotaReached => {
            let text = "Sorry, you've either reached or will exceed your maximum limit of Lightsail Container Services.";
            return Err(Failure::over_quota("max-services-per-region", ApiError::invalid_input(text)));
        }
        ServiceOutcome::TooManyTags => {
            let most = context.app.quotas.tags_per_resource;
            let error = ApiError::invalid_input(format!("\"{name}\" would have more than {most} tags."));
            return Err(Failure::over_quota("max-tags-per-resource", error));
        }
        ServiceOutcome::TooManyDomains => {
            ApiError::invalid_input(format!("\"{name}\" would have more than 4 domain names."))
        }
        ServiceOutcome::DomainTaken(domain) => ApiError::invalid_input(format!(
            "The domain name \"{domain}\" is in use already, by another container service or under another \
             certificate; take it off there first."
        )),
        ServiceOutcome::InProgress(version) => in_progress(name, version),
        ServiceOutcome::NoSuchImage(container) => match spec {
            Some(spec) => no_such_image(spec, &container),
            None => invalid_image(&container, ""),
        },
        ServiceOutcome::TooLittleRoom(promised) => {
            too_little_room(name, context.app.deployer.room(), promised)
        }
    };
    Err(refusal.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_full_machine_are_told() {
        let room = |cpus, memory| Room { cpus, memory };
        let promised = Promised { others: room(0.75, 3 << 29), wanted: room(40.0, 80 << 30) };
        let told = too_little_room("web", room(8.0, 16_500_000_000), promised).message;
        assert!(told.contains("\"web\" would need 40 vCPU and 80 GB of memory."), "{told}");
        assert!(told.contains("may promise 8 vCPU and 15.37 GB of memory to all"), "{told}");
        assert!(told.contains("has promised 0.75 vCPU and 1.5 GB of memory to others."), "{told}");
    }

    #[test]
    fn what_is_in_progress_is_said_as_scripts_know_it() {
        let expected = "Sorry, deployment 8 is in progress for service \"warren-app\". Please wait for it to \
                        complete before trying again.";
        assert_eq!(in_progress("warren-app", 8).message, expected);
    }
}
