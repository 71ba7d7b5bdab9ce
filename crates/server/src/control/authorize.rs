//! Authorizes every call, in this one place. It looks up what the call acts on, and decides before the
//! operation runs. The operation gets what was found.

use gangplank_api::ApiError;
use gangplank_api::lightsail::Tag;
use gangplank_core::authorization::{self, Resource};
use gangplank_core::{AccessKeyId, AccountId};
use gangplank_store::metadata::access_keys::AccessKey;
use gangplank_store::metadata::container_services::ContainerService;

use super::permit::{self, permit};
use super::{Call, Result};

/// A thing that a call names in its input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'a> {
    /// The caller itself. No permission is needed.
    Caller,
    /// The caller's tenant.
    Tenant,
    /// A login of the tenant that can only push.
    PushLogin,
    /// A container service of the tenant.
    Service(&'a str),
    /// An image of the tenant, and its future label.
    Image {
        /// The label that the image gets.
        label: &'a str,
        /// The digest of the image.
        digest: &'a str,
    },
    /// A repository of the tenant.
    Repository(&'a str),
    /// Tags for the other things that the call names.
    Tags(&'a [Tag]),
    /// Keys of tags to remove from the other things that the call names.
    TagKeys(&'a [String]),
    /// The keys or events of an account. `None` means all that the caller may see.
    Account(Option<&'a str>),
    /// An access key, by its id.
    AccessKey(&'a str),
    /// A root key that is to be made.
    NewRootKey,
    /// The whole server, with all its accounts.
    Server,
}

/// The existing things among those that the call names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The service, if it exists.
    pub(super) service: Option<ContainerService>,
    /// Whether the service was looked up.
    pub(super) is_service_known: bool,
    /// The account that the call is about. `None` means all accounts.
    pub(super) account: Option<AccountId>,
    /// The access key, if the caller may know of it.
    pub(super) access_key: Option<AccessKey>,
}

/// Looks up the things that a call names, and decides whether the call may act on them. First the things are looked
/// up that the caller's policies need, and the policies decide. Then the other things are looked up, and the owner
/// of all things decides. A thing that does not exist has no owner.
///
/// # Errors
/// `AccessDeniedException` if the call may not act on them, `InvalidInputException` if an account's number is
/// not valid, or the store's error.
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

/// The access key with this id, if the caller may know of it. Another account's key looks absent.
async fn known_key(call: &Call<'_>, id: &str) -> Result<Option<AccessKey>> {
    let Ok(id) = AccessKeyId::parse(id) else { return Ok(None) };
    let key = call.app.metadata.access_key(&id).await?;
    let caller = &call.caller;
    Ok(key.filter(|key| caller.principal.is_administrator() || key.account == caller.tenant.account))
}
