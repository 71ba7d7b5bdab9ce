//! Asks the caller's policies. They get facts about the caller, the things that the call names, and the client.

use gangplank_api::ApiError;
use gangplank_api::lightsail::Tag;
use gangplank_core::policy::{Action, Facts, Permissions, Request, ResourceType};
use gangplank_oci::Digest;
use gangplank_store::StoreError;
use gangplank_store::metadata::container_services::ContainerService;

use super::authorize::{Found, Named};
use super::{Call, Result};

/// The action that stands for a call in policies. `None` if no policy can permit the call.
pub(super) fn action(call: &Call<'_>, names: &[Named<'_>]) -> Option<Action> {
    match call.action {
        "CreateRegistryLogin" if service(names).is_some() => Some(Action::CreatePullLogin),
        // This is the action of Lightsail's own operation, which makes a login with more rights.
        "CreateRegistryLogin" if names.iter().any(|name| matches!(name, Named::PushLogin)) => {
            Some(Action::CreateContainerServiceRegistryLogin)
        }
        "CreateRegistryLogin" => Some(Action::CreateOperatorLogin),
        // A trial only shows the contents of the role, and of the caller's own token.
        "TryRole" => Some(Action::GetRole),
        name => Action::of_operation(name),
    }
}

/// Decides by the caller's policies. It only looks up things that the policies need. So a refusal is the same
/// whether a thing exists or not.
///
/// # Errors
/// `AccessDeniedException` in IAM's words, or the store's error.
pub(super) async fn permit(
    call: &Call<'_>,
    names: &[Named<'_>],
    permissions: &Permissions<'_>,
    action: Action,
    found: &mut Found,
) -> Result<()> {
    let tenant = &call.caller.tenant;
    let asks = |key: &str| permissions.ask_for(action, key);
    if let Some(name) = service(names)
        && (action.resource_type() == ResourceType::ContainerService || asks("aws:ResourceTag/"))
    {
        found.service = call.app.metadata.service(tenant, name).await?;
        found.is_service_known = true;
    }
    let mut facts = of_input(of_call(call), names);
    if let Some(service) = &found.service {
        if let (Some(damage), true) = (&service.damage, asks("aws:ResourceTag/")) {
            // A `Deny` that depends on unreadable tags could not take effect.
            return Err(StoreError::damaged(damage.clone()).into());
        }
        facts = of_service(facts, service);
    }
    let digest = names.iter().find_map(|name| match name {
        Named::Image { digest, .. } => Digest::parse(digest).ok(),
        _ => None,
    });
    if let Some(digest) = digest
        && (asks("gangplank:Repository") || asks("gangplank:PutBy"))
    {
        let puts = call.app.metadata.puts(tenant, &digest).await?;
        let by = puts.owners.iter().map(|owner| owner.arn(&tenant.account));
        facts = facts.with_many("gangplank:Repository", puts.repositories).with_many("gangplank:PutBy", by);
    }
    let id = found.service.as_ref().map(|service| service.uuid.as_str());
    let resource = action.resource(tenant, id);
    match permissions.decide(&Request { action, resource: &resource, facts: &facts }) {
        Ok(()) => Ok(()),
        Err(denial) => {
            call.count_refusal("Policy");
            let who = call.caller.principal.arn(&tenant.account);
            let error = ApiError::access_denied(format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} {denial}"
            ));
            Err(if action.names_repository() && !denial.explicit {
                error.with_tip(REPOSITORIES).into()
            } else {
                error.into()
            })
        }
    }
}

/// A tip for the usual case: a preset without named repositories.
const REPOSITORIES: &str = "Whoever has the preset push or deploy registers images of the repository sr alone, or of those \
                            that were named with --repository.";

/// The service that a call names.
fn service<'a>(names: &[Named<'a>]) -> Option<&'a str> {
    names.iter().find_map(|name| if let Named::Service(name) = name { Some(*name) } else { None })
}

/// The facts about the caller and the client.
fn of_call(call: &Call<'_>) -> Facts {
    let (app, caller) = (call.app, &call.caller);
    let account = &caller.tenant.account;
    let mut facts = Facts::new()
        .at(app.clock.now())
        .with("aws:PrincipalAccount", account.as_str())
        .with("aws:PrincipalArn", caller.principal.owner().arn(account))
        .with("aws:userid", caller.principal.user_id(account))
        .with("aws:RequestedRegion", caller.tenant.region.as_str())
        .with("aws:SourceIp", call.client.address.to_string())
        .with("aws:SecureTransport", call.client.is_secure.to_string());
    if let Some(agent) = call.client.plain_user_agent() {
        facts = facts.with("aws:UserAgent", agent);
    }
    if let Some(began) = caller.session_began_at() {
        facts = facts.with("aws:TokenIssueTime", began.seconds().to_string());
    }
    facts
}

/// The facts in the input.
fn of_input(mut facts: Facts, names: &[Named<'_>]) -> Facts {
    for name in names {
        facts = match *name {
            Named::Service(name) => facts.with("gangplank:ServiceName", name),
            Named::Image { label, digest } => {
                facts.with("gangplank:Label", label).with("gangplank:Digest", digest)
            }
            Named::Repository(name) => facts.with_many("gangplank:Repository", [name]),
            Named::Tags(tags) => of_tags(facts, tags),
            Named::TagKeys(keys) => facts.with_many("aws:TagKeys", keys),
            _ => facts,
        };
    }
    facts
}

fn of_tags(mut facts: Facts, tags: &[Tag]) -> Facts {
    let keys = tags.iter().filter_map(|tag| tag.key.as_deref());
    facts = facts.with_many("aws:TagKeys", keys);
    for tag in tags {
        if let Some(key) = &tag.key {
            facts = facts.with(&format!("aws:RequestTag/{key}"), tag.value.as_deref().unwrap_or_default());
        }
    }
    facts
}

fn of_service(mut facts: Facts, service: &ContainerService) -> Facts {
    for (key, value) in &service.tags {
        facts = facts.with(&format!("aws:ResourceTag/{key}"), value.as_deref().unwrap_or_default());
    }
    facts
}
