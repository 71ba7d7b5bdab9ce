//! The one point of authorisation: what a call acts on is looked up here, and may it be touched is decided here,
//! before the operation runs. The operation gets what was found.

use gangplank_api::ApiError;
use gangplank_api::lightsail::Tag;
use gangplank_core::authorization::{self, Resource};
use gangplank_core::{AccessKeyId, AccountId};
use gangplank_store::metadata::access_keys::AccessKey;
use gangplank_store::metadata::container_services::ContainerService;

use super::permit::{self, permit};
use super::{Call, Result};

/// What a call names in its input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'a> {
    /// Nothing but the caller itself, for which nobody needs a permission.
    Caller,
    /// The tenant of the caller.
    Tenant,
    /// A login that does nothing but push, by that tenant.
    PushLogin,
    /// A container service of that tenant.
    Service(&'a str),
    /// An image of that tenant, and what it is to be called.
    Image {
        /// What it is to be called.
        label: &'a str,
        /// Its digest.
        digest: &'a str,
    },
    /// A repository of that tenant.
    Repository(&'a str),
    /// Tags for what else it names.
    Tags(&'a [Tag]),
    /// Tags to be taken off what else it names.
    TagKeys(&'a [String]),
    /// An account's keys or events. Without a number, all that the caller may see.
    Account(Option<&'a str>),
    /// An access key.
    AccessKey(&'a str),
    /// A root key that is to be made.
    NewRootKey,
    /// The server, with all its accounts.
    Server,
}

/// What was found of the things that a call names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The service, if there is one of that name.
    pub(super) service: Option<ContainerService>,
    /// Whether the service has been looked up.
    pub(super) is_service_known: bool,
    /// The one account whose things are meant; none for all of them.
    pub(super) account: Option<AccountId>,
    /// The access key, if the caller may know of it.
    pub(super) access_key: Option<AccessKey>,
}

/// Looks up what a call names and decides whether it may go on: first by the caller's policies, before anything is looked
/// up that they do not ask for; then by whose it is. What is not there is nobody's.
///
/// # Errors
/// `AccessDeniedException` if it may not; or if an account's number cannot be one.
pub(super) async fn authorize(call: &Call<'_>, names: &[Named<'_>]) -> Result<Found> {
    let (caller, mut found, mut resources) = (&call.caller, Found::default(), Vec::new());
    let own = &caller.tenant.account;
    let denied = |word, message: String| {
        call.count_refusal(word);
        Err(ApiError::access_denied(message).into())
    };
    if !caller.is_usable_from(call.client.address) {
        return denied(
            "SourceNetwork",
            format!("Calls of {} are not taken from {}.", call.who(), call.client.address),
        );
    }
    if matches!(names, [Named::Caller]) {
        return Ok(found);
    }
    if caller.is_limited() {
        let Some(action) = permit::action(call, names) else {
            return denied("Policy", format!("{} is beyond every policy.", call.action));
        };
        if action.changes_principals() {
            let message = format!(
                "{} has a policy or limits, so it makes and changes no access keys and no roles.",
                call.who()
            );
            return denied("Limited", message);
        }
        if let Some(permissions) = caller.permissions() {
            permit(call, names, &permissions, action, &mut found).await?;
        }
    }
    for name in names {
        match *name {
            Named::Caller
            | Named::Tenant
            | Named::PushLogin
            | Named::Image { .. }
            | Named::Repository(_)
            | Named::Tags(_)
            | Named::TagKeys(_) => resources.push(Resource::Tenant),
            Named::Service(name) => {
                if !found.is_service_known {
                    found.service = call.app.metadata.service(&caller.tenant, name).await?;
                }
                resources.push(Resource::Tenant);
            }
            Named::Account(Some(account)) => {
                let account =
                    AccountId::parse(account).map_err(|error| ApiError::invalid_input(error.to_string()))?;
                resources.push(Resource::Account(account.clone()));
                found.account = Some(account);
            }
            Named::Account(None) if caller.principal.is_administrator() => resources.push(Resource::Server),
            Named::Account(None) => {
                resources.push(Resource::Account(own.clone()));
                found.account = Some(own.clone());
            }
            Named::AccessKey(id) => {
                found.access_key = known_key(call, id).await?;
                if let Some(key) = found.access_key.as_ref().filter(|key| key.is_root) {
                    resources.push(Resource::RootKey(Some(key.id.clone())));
                }
            }
            Named::NewRootKey => resources.push(Resource::RootKey(None)),
            Named::Server => resources.push(Resource::Server),
        }
    }
    match authorization::authorize(&caller.principal, own, &resources) {
        Ok(()) => Ok(found),
        Err(why) => denied(why.word(), why.to_string()),
    }
}

/// An access key that the caller may know of: another account's is as good as absent.
async fn known_key(call: &Call<'_>, id: &str) -> Result<Option<AccessKey>> {
    let Ok(id) = AccessKeyId::parse(id) else { return Ok(None) };
    let key = call.app.metadata.access_key(&id).await?;
    let caller = &call.caller;
    Ok(key.filter(|key| caller.principal.is_administrator() || key.account == caller.tenant.account))
}
