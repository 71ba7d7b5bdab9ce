//! Container services: create, show, update and delete.

use std::collections::BTreeMap;

use gangplank_api::lightsail::{
    ContainerServicePowerName, ContainerServicesListResult, CreateContainerServiceRequest,
    CreateContainerServiceResult, DeleteContainerServiceRequest, DeleteContainerServiceResult,
    GetContainerServicesRequest, PrivateRegistryAccessRequest, Tag, UpdateContainerServiceRequest,
    UpdateContainerServiceResult,
};
use gangplank_api::{ApiError, Map};
use gangplank_core::{Power, Scale, ServiceId};
use gangplank_store::metadata::container_services::{
    ContainerService, ServiceChange, ServiceOutcome, ServiceUpdate,
};

use super::container_service::{require, shown};
use super::service_refusals::{check_engines, outcome, unknown};
use super::{Context, Result, deployments};
use crate::app::App;
use crate::jobs;

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateContainerServiceRequest,
) -> Result<CreateContainerServiceResult> {
    let Context { app, tenant, .. } = context;
    let name = input.service_name;
    check_certificates(app, input.public_domain_names.as_ref())?;
    if input.tags.iter().flatten().count()
        > usize::try_from(app.quotas.tags_per_resource).unwrap_or(usize::MAX)
    {
        outcome(context, &name, ServiceOutcome::TooManyTags, None)?;
    }
    let service = ContainerService {
        id: ServiceId(0),
        name: name.clone(),
        uuid: uuid::Uuid::new_v4().to_string(),
        power: power(input.power),
        scale: scale(input.scale)?,
        is_disabled: false,
        puller_role_active: puller_role(input.private_registry_access.as_ref()).unwrap_or(false),
        tags: pairs(input.tags.unwrap_or_default()),
        public_domain_names: domains(input.public_domain_names)
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, domains)| !domains.is_empty())
            .collect(),
        created_at: app.clock.now(),
        last_version: 0,
        current_version: None,
        next_version: None,
        changes: 0,
        is_updating: false,
        damage: None,
    };
    let quota = app.quotas.services_per_region;
    let (origin, invocation) = (context.origin(), context.invocation());
    let deployed = match input.deployment {
        Some(asked) => {
            let (new, spec) =
                deployments::new(context, &service.uuid, asked.containers, asked.public_endpoint)?;
            check_engines(&app.deployer, &service, &deployments::with_one_more(&service))?;
            let made = app.metadata.create_deployed_service(&origin, tenant, service, new, quota).await?;
            outcome(context, &name, made, Some(&spec))?
        }
        None => {
            let made = app.metadata.create_service(&origin, tenant, service, invocation, quota).await?;
            outcome(context, &name, made, None)?
        }
    };
    app.deployer.wake(deployed.service.id);
    tracing::info!(%tenant, service = name, access_key = %context.owner(), peer = %context.peer(), "made a container service");
    Ok(CreateContainerServiceResult { container_service: Some(shown(app, &deployed)) })
}

pub(super) async fn get(
    context: &Context<'_>,
    input: GetContainerServicesRequest,
) -> Result<ContainerServicesListResult> {
    let Context { app, tenant, .. } = context;
    let services = match input.service_name {
        Some(name) => {
            let found = app.metadata.deployed_service(tenant, require(context, &name)?.id).await?;
            vec![found.ok_or_else(|| unknown(&name, tenant))?]
        }
        None => app.metadata.deployed_services(tenant).await?,
    };
    let services = services.iter().map(|deployed| shown(app, deployed)).collect();
    Ok(ContainerServicesListResult { container_services: Some(services) })
}

pub(super) async fn update(
    context: &Context<'_>,
    input: UpdateContainerServiceRequest,
) -> Result<UpdateContainerServiceResult> {
    let Context { app, tenant, .. } = context;
    check_certificates(app, input.public_domain_names.as_ref())?;
    let update = ServiceUpdate {
        power: input.power.map(power),
        scale: input.scale.map(scale).transpose()?,
        is_disabled: input.is_disabled,
        puller_role_active: puller_role(input.private_registry_access.as_ref()),
        public_domain_names: domains(input.public_domain_names),
        room: app.deployer.can_run().then(|| app.deployer.room()),
    };
    let name = &input.service_name;
    let (before, change) = (require(context, name)?, ServiceChange::Update(update));
    check_engines(&app.deployer, before, &change.apply(before))?;
    let service = before.id;
    let (origin, max_tags) = (context.origin(), app.quotas.tags_per_resource);
    let changed = app.metadata.change_service(&origin, tenant, service, change, max_tags).await?;
    let deployed = outcome(context, name, changed, None)?;
    app.deployer.wake(service);
    tracing::info!(%tenant, service = name, access_key = %context.owner(), peer = %context.peer(), "changed a container service");
    Ok(UpdateContainerServiceResult { container_service: Some(shown(app, &deployed)) })
}

pub(super) async fn delete(
    context: &Context<'_>,
    input: DeleteContainerServiceRequest,
) -> Result<DeleteContainerServiceResult> {
    let Context { app, tenant, .. } = context;
    let (name, now) = (&input.service_name, app.clock.steady());
    let service = require(context, name)?;
    if !app.metadata.delete_service(&context.origin(), tenant, service.id, now).await? {
        return Err(unknown(name, tenant).into());
    }
    app.deployer.wake(service.id);
    app.container_logs.forget(&tenant.to_string(), name);
    jobs::observations::remove_logs(app, service.uuid.clone()).await;
    tracing::info!(%tenant, service = name, access_key = %context.owner(), peer = %context.peer(), "deleted a container service");
    Ok(DeleteContainerServiceResult {})
}

fn power(name: ContainerServicePowerName) -> Power {
    match name {
        ContainerServicePowerName::Nano => Power::Nano,
        ContainerServicePowerName::Micro => Power::Micro,
        ContainerServicePowerName::Small => Power::Small,
        ContainerServicePowerName::Medium => Power::Medium,
        ContainerServicePowerName::Large => Power::Large,
        ContainerServicePowerName::Xlarge => Power::Xlarge,
    }
}

fn scale(nodes: i32) -> Result<Scale> {
    let (least, most) = (Scale::LEAST.nodes(), Scale::MOST.nodes());
    let refused = || ApiError::invalid_input(format!("A container service has {least} to {most} nodes."));
    Ok(Scale::of(nodes.into()).ok_or_else(refused)?)
}

/// Tags as they are stored. Their keys were validated against the API's description.
pub(super) fn pairs(tags: Vec<Tag>) -> Vec<(String, Option<String>)> {
    tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value))).collect()
}

fn puller_role(access: Option<&PrivateRegistryAccessRequest>) -> Option<bool> {
    access?.ecr_image_puller_role.as_ref()?.is_active
}

/// Refuses certificates that do not exist, and domain names that they do not cover. Removing a certificate is
/// always allowed.
fn check_certificates(app: &App, names: Option<&Map<Vec<String>>>) -> Result<()> {
    for (certificate, domains) in names.into_iter().flatten() {
        for domain in domains {
            let covered = app.certificates.certificate_covers(certificate, domain);
            covered.map_err(|why| ApiError::invalid_input(why.to_string()))?;
        }
    }
    Ok(())
}

fn domains(names: Option<Map<Vec<String>>>) -> Option<BTreeMap<String, Vec<String>>> {
    names.map(|names| names.into_iter().collect())
}
