//! Access keys: each account manages its own, the root account everybody's.

use gangplank_api::gangplank::{
    AccessKey, AccessKeyStatus, AccessKeySummary, CreateAccessKeyRequest, CreateAccessKeyResult,
    DeleteAccessKeyRequest, DeleteAccessKeyResult, ListAccessKeysRequest, ListAccessKeysResult,
    UpdateAccessKeyRequest, UpdateAccessKeyResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{AccessKeyId, AccountId};
use gangplank_store::metadata::access_keys as store;

use super::{Context, Result};
use crate::root_key::create_access_key;

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResult> {
    let Context { app, tenant, .. } = context;
    let account = match input.account {
        Some(account) => reachable(context, &account)?,
        None => tenant.account.clone(),
    };
    let (key, secret) =
        create_access_key(context.noting().as_ref(), &app.master, &account, None, false).await?;
    tracing::info!(%account, made = %key.id, access_key = %context.access_key, peer = %context.peer, "made an access key");
    Ok(CreateAccessKeyResult {
        access_key: AccessKey {
            access_key_id: key.id.as_str().to_owned(),
            secret_access_key: secret.expose().to_owned().into(),
            account: account.as_str().to_owned(),
            created_at: Timestamp(key.created_at.0),
            status: AccessKeyStatus::Active,
        },
    })
}

pub(super) async fn list(
    context: &Context<'_>,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResult> {
    let account = visible(context, input.account.as_deref())?;
    let keys = context.app.metadata.access_keys(account.as_ref()).await?;
    Ok(ListAccessKeysResult { access_keys: keys.into_iter().map(shown).collect() })
}

pub(super) async fn update(
    context: &Context<'_>,
    input: UpdateAccessKeyRequest,
) -> Result<UpdateAccessKeyResult> {
    let id = parse(&input.access_key_id)?;
    let on = input.status == AccessKeyStatus::Active;
    let changed = context.noting().enable_access_key(own_account(context), &id, on).await?;
    done(changed, &id)?;
    tracing::info!(changed = %id, status = %input.status, access_key = %context.access_key, peer = %context.peer, "changed an access key");
    Ok(UpdateAccessKeyResult {})
}

pub(super) async fn delete(
    context: &Context<'_>,
    input: DeleteAccessKeyRequest,
) -> Result<DeleteAccessKeyResult> {
    let id = parse(&input.access_key_id)?;
    done(context.noting().delete_access_key(own_account(context), &id).await?, &id)?;
    tracing::info!(deleted = %id, access_key = %context.access_key, peer = %context.peer, "deleted an access key");
    Ok(DeleteAccessKeyResult {})
}

/// The one account that the caller may manage; `None` for all of them.
fn own_account<'a>(context: &'a Context<'_>) -> Option<&'a AccountId> {
    Some(&context.tenant.account).filter(|account| !account.is_root())
}

/// The account whose things are to be shown, those of `account` if it was named; `None` for all accounts.
pub(super) fn visible(context: &Context<'_>, account: Option<&str>) -> Result<Option<AccountId>> {
    match account {
        Some(account) => reachable(context, account).map(Some),
        None => Ok(own_account(context).cloned()),
    }
}

fn reachable(context: &Context<'_>, account: &str) -> Result<AccountId> {
    let account = AccountId::parse(account).map_err(|error| ApiError::invalid_input(error.to_string()))?;
    match own_account(context) {
        Some(own) if *own != account => {
            let message =
                format!("Account {account} is reached by its own access keys and the root account's alone.");
            Err(ApiError::access_denied(message).into())
        }
        _ => Ok(account),
    }
}

fn parse(id: &str) -> Result<AccessKeyId> {
    AccessKeyId::parse(id).map_err(|_| unknown(id).into())
}

fn done(change: store::KeyChange, id: &AccessKeyId) -> Result<()> {
    match change {
        store::KeyChange::Done => Ok(()),
        store::KeyChange::NoSuchKey => Err(unknown(id.as_str()).into()),
        store::KeyChange::LastRootKey => Err(ApiError::invalid_input(format!(
            "{id} is the last enabled access key of the root account, and without it nobody could manage the \
             server. Make another first."
        ))
        .into()),
    }
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no access key {id}."))
}

fn shown(key: store::AccessKey) -> AccessKeySummary {
    AccessKeySummary {
        access_key_id: key.id.as_str().to_owned(),
        account: key.account.as_str().to_owned(),
        status: if key.enabled { AccessKeyStatus::Active } else { AccessKeyStatus::Disabled },
        created_at: Timestamp(key.created_at.0),
        is_root: key.is_root,
    }
}
