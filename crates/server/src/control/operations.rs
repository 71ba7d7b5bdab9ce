//! All operations: the things that their input names, and the function that runs them. A new operation is one
//! more line.

use gangplank_api::{ApiError, Request, Target, decode, encode, gangplank, lightsail};

use super::authorize::{Named, authorize};
use super::{
    Call, Context, Result, about, access_keys, audit, certificates, collection, console_links, deployments,
    health, image_indexes, image_origins, images, issue_login, manifests, observations, registry_logins,
    repositories, role_sessions, role_trials, roles, services, tags,
};

/// Decodes a call's input, authorizes the caller for the things that it names, and runs the operation.
///
/// # Errors
/// If the input does not fit the operation's description, if the caller is not authorized, or if the operation
/// fails.
pub(super) async fn run(call: &Call<'_>, target: Target, body: &[u8]) -> Result<Vec<u8>> {
    match target {
        Target::Lightsail(operation) => of_lightsail(call, operation, body).await,
        Target::Gangplank(operation) => of_our_own(call, operation, body).await,
    }
}

/// Runs the requested operation. Each line is `Operation(Input) [things that the input names] => function`.
macro_rules! operations {
    ($call:ident, $operation:ident, $body:ident, $of:ident;
     $($name:ident($request:ident) $(|$input:ident|)? [$($named:expr),+ $(,)?] => $does:path,)+
     $(; else $($other:ident)|+ => $refusal:expr)?) => {
        match $operation {
            $($of::Operation::$name => {
                let input: $of::$request = decode($body)?;
                let found = {
                    $(let $input = &input;)?
                    authorize($call, &[$($named),+]).await?
                };
                let context = Context { app: $call.app, tenant: &$call.caller.tenant, found, call: $call };
                let output: <$of::$request as Request>::Output = $does(&context, input).await?;
                Ok(encode(&output))
            })+
            $($($of::Operation::$other)|+ => Err($refusal.into()),)?
        }
    };
}

async fn of_lightsail(call: &Call<'_>, operation: lightsail::Operation, body: &[u8]) -> Result<Vec<u8>> {
    use Named::{Image, Service, TagKeys, Tags, Tenant};
    operations! { call, operation, body, lightsail;
        CreateContainerService(CreateContainerServiceRequest) |it|
            [Service(&it.service_name), Tags(it.tags.as_deref().unwrap_or_default())] => services::create,
        GetContainerServices(GetContainerServicesRequest) |it|
            [it.service_name.as_deref().map_or(Tenant, Service)] => services::get,
        UpdateContainerService(UpdateContainerServiceRequest) |it| [Service(&it.service_name)]
            => services::update,
        DeleteContainerService(DeleteContainerServiceRequest) |it| [Service(&it.service_name)]
            => services::delete,
        GetContainerServicePowers(GetContainerServicePowersRequest) [Tenant] => about::powers,
        GetContainerAPIMetadata(GetContainerAPIMetadataRequest) [Tenant] => about::metadata,
        CreateContainerServiceRegistryLogin(CreateContainerServiceRegistryLoginRequest) [Tenant]
            => issue_login::to_push,
        RegisterContainerImage(RegisterContainerImageRequest) |it|
            [Service(&it.service_name), Image { label: &it.label, digest: &it.digest }] => images::register,
        GetContainerImages(GetContainerImagesRequest) |it| [Service(&it.service_name)] => images::list,
        DeleteContainerImage(DeleteContainerImageRequest) |it| [Service(&it.service_name)] => images::delete,
        CreateCertificate(CreateCertificateRequest) [Tenant] => certificates::create,
        GetCertificates(GetCertificatesRequest) [Tenant] => certificates::list,
        DeleteCertificate(DeleteCertificateRequest) [Tenant] => certificates::delete,
        TagResource(TagResourceRequest) |it| [Service(&it.resource_name), Tags(&it.tags)] => tags::tag,
        UntagResource(UntagResourceRequest) |it| [Service(&it.resource_name), TagKeys(&it.tag_keys)]
            => tags::untag,
        CreateContainerServiceDeployment(CreateContainerServiceDeploymentRequest) |it|
            [Service(&it.service_name)] => deployments::create,
        GetContainerServiceDeployments(GetContainerServiceDeploymentsRequest) |it|
            [Service(&it.service_name)] => deployments::list,
        GetContainerLog(GetContainerLogRequest) |it| [Service(&it.service_name)] => observations::log,
        GetContainerServiceMetricData(GetContainerServiceMetricDataRequest) |it|
            [Service(&it.service_name)] => observations::metrics,
    }
}

async fn of_our_own(call: &Call<'_>, operation: gangplank::Operation, body: &[u8]) -> Result<Vec<u8>> {
    use Named::{AccessKey, Account, Caller, NewRootKey, Repository, Server, Tenant};
    operations! { call, operation, body, gangplank;
        CollectGarbage(CollectGarbageRequest) [Server] => collection::collect,
        GetServerHealth(GetServerHealthRequest) [Server] => health::get,
        CreateAccessKey(CreateAccessKeyRequest) |it| [
            Account(Some(it.account.as_deref().unwrap_or(call.caller.tenant.account.as_str()))),
            if it.root == Some(true) { NewRootKey } else { Tenant },
        ] => access_keys::create,
        ListAccessKeys(ListAccessKeysRequest) |it| [Account(it.account.as_deref())] => access_keys::list,
        UpdateAccessKey(UpdateAccessKeyRequest) |it| [AccessKey(&it.access_key_id)] => access_keys::update,
        DeleteAccessKey(DeleteAccessKeyRequest) |it| [AccessKey(&it.access_key_id)] => access_keys::delete,
        ListAuditEvents(ListAuditEventsRequest) |it| [Account(it.account.as_deref())] => audit::list,
        CreateConsoleLink(CreateConsoleLinkRequest) [Caller] => console_links::create,
        CreateImageIndex(CreateImageIndexRequest) |it| [Repository(&it.repository)] => image_indexes::create,
        CreateRegistryLogin(CreateRegistryLoginRequest) |it|
            [registry_logins::named(it)] => registry_logins::create,
        ListRepositories(ListRepositoriesRequest) [Tenant] => repositories::list,
        ListManifests(ListManifestsRequest) |it| [Repository(&it.repository)] => repositories::manifests,
        GetManifest(GetManifestRequest) |it| [Repository(&it.repository)] => manifests::get,
        ListRegistryLogins(ListRegistryLoginsRequest) [Tenant] => registry_logins::list,
        RevokeRegistryLogin(RevokeRegistryLoginRequest) [Tenant] => registry_logins::revoke,
        CreateRole(CreateRoleRequest) [Tenant] => roles::create,
        GetRole(GetRoleRequest) [Tenant] => roles::get,
        ListRoles(ListRolesRequest) [Tenant] => roles::list,
        UpdateRole(UpdateRoleRequest) [Tenant] => roles::update,
        DeleteRole(DeleteRoleRequest) [Tenant] => roles::delete,
        ListRoleSessions(ListRoleSessionsRequest) [Tenant] => role_sessions::list,
        RevokeRoleSession(RevokeRoleSessionRequest) [Tenant] => role_sessions::revoke,
        TryRole(TryRoleRequest) [Tenant] => role_trials::run,
        GetImageOrigin(GetImageOriginRequest) |it| [image_origins::named(&it.image)] => image_origins::get,
        // These calls are not signed, so they are answered elsewhere.
        ; else ExchangeIdentityToken | RevokeOwnRegistryLogin
            => ApiError::unknown_operation("This operation is not signed.")
    }
}
