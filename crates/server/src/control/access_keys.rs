//! Access keys. Each account manages its own keys, and a root key manages the keys of every account.

use gangplank_api::gangplank::{
    AccessKey, AccessKeyStatus, AccessKeySummary, CreateAccessKeyRequest, CreateAccessKeyResult,
    DeleteAccessKeyRequest, DeleteAccessKeyResult, ListAccessKeysRequest, ListAccessKeysResult,
    UpdateAccessKeyRequest, UpdateAccessKeyResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{AccessKeyId, AccountId, Time};
use gangplank_store::metadata::access_keys::{self as store, KeyMark, LastRootKey, NewState};

use super::{Context, Result, limits_wire, page};
use crate::jobs;
use crate::refusals::Taken;
use crate::root_key::{NewKey, Rights, create_access_key};
use crate::terms::Terms;

pub(super) async fn create(
    context: &Context<'_>,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResult> {
    let app = context.app;
    let account = context.found.account.clone().unwrap_or_else(|| context.tenant.account.clone());
    let rights = match input.root {
        Some(true) if !account.is_root() => {
            let default = AccountId::root();
            let message = format!("Root keys belong to account {default}: leave out the account, or root.");
            return Err(ApiError::invalid_input(message).into());
        }
        Some(true) => Rights::Root,
        _ => Rights::Ordinary,
    };
    let new = NewKey { terms: Terms::of(&input, app.clock.now())?, ..NewKey::with(rights) };
    let (keys, by, quota) = (app.metadata.as_ref(), context.origin(), app.quotas.access_keys);
    let (key, secret) = create_access_key(keys, &by, &app.master, &account, new, quota).await?;
    tracing::info!(%account, made = %key.id, is_root = key.is_root, access_key = %context.owner(), peer = %context.peer(), "made an access key");
    Ok(CreateAccessKeyResult {
        access_key: AccessKey {
            access_key_id: key.id.as_str().to_owned(),
            secret_access_key: secret.expose().to_owned().into(),
            account: account.as_str().to_owned(),
            created_at: Timestamp(key.created_at.0),
            status: AccessKeyStatus::Active,
            is_root: key.is_root,
            expires_at: key.expires_at.map(|end| Timestamp(end.0)),
        },
    })
}

pub(super) async fn list(
    context: &Context<'_>,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResult> {
    // The list has to show even the latest uses.
    jobs::audit::note_key_use(context.app, Taken::All).await;
    let account = context.found.account.as_ref();
    let after = match &input.next_token {
        Some(token) => Some(mark(token).ok_or_else(|| page::unknown("nextToken"))?),
        None => None,
    };
    let page = context.app.metadata.access_keys(account, after, page::limit(input.max_results)).await?;
    Ok(ListAccessKeysResult {
        access_keys: page.keys.into_iter().map(shown).collect(),
        next_token: page.more.map(|mark| format!("{}-{}", mark.created_at.0, mark.id)),
    })
}

/// Reads the place in the list that a token stands for. `None` if the token is malformed.
fn mark(token: &str) -> Option<KeyMark> {
    let (created_at, id) = token.split_once('-')?;
    Some(KeyMark { created_at: Time(created_at.parse().ok()?), id: AccessKeyId::parse(id).ok()? })
}

pub(super) async fn update(
    context: &Context<'_>,
    input: UpdateAccessKeyRequest,
) -> Result<UpdateAccessKeyResult> {
    let state = match input.status {
        AccessKeyStatus::Active => NewState::Enabled,
        AccessKeyStatus::Disabled => NewState::Disabled,
    };
    match (input.with_made, state) {
        (Some(true), NewState::Disabled) => {
            disable_with_made(context, &input.access_key_id, input.force).await?;
        }
        (Some(true), _) => {
            let message = "withMade disables: a key is made active again by itself.";
            return Err(ApiError::invalid_input(message).into());
        }
        _ => change(context, &input.access_key_id, state, input.force).await?,
    }
    Ok(UpdateAccessKeyResult {})
}

pub(super) async fn delete(
    context: &Context<'_>,
    input: DeleteAccessKeyRequest,
) -> Result<DeleteAccessKeyResult> {
    change(context, &input.access_key_id, NewState::Deleted, input.force).await?;
    Ok(DeleteAccessKeyResult {})
}

async fn change(context: &Context<'_>, id: &str, state: NewState, force: Option<bool>) -> Result<()> {
    let Some(key) = &context.found.access_key else { return Err(unknown(id).into()) };
    let last = last_root_key(force);
    let metadata = &context.app.metadata;
    let changed =
        metadata.change_access_key(&context.origin(), Some(&key.account), &key.id, state, last).await?;
    done(changed, &key.id)?;
    // The unfinished uploads of the key's logins are garbage now.
    context.app.discarded.notify_one();
    tracing::info!(changed = %key.id, ?state, access_key = %context.owner(), peer = %context.peer(), "changed an access key");
    Ok(())
}

/// Disables a key, the keys and roles that it made, and those that they made in turn.
async fn disable_with_made(context: &Context<'_>, id: &str, force: Option<bool>) -> Result<()> {
    let Some(key) = &context.found.access_key else { return Err(unknown(id).into()) };
    let (metadata, origin) = (&context.app.metadata, context.origin());
    let (mut keys, mut roles) = (0, 0);
    loop {
        let account = Some(&key.account);
        let (changed, made) =
            metadata.disable_with_made(&origin, account, &key.id, last_root_key(force)).await?;
        done(changed, &key.id)?;
        (keys, roles) = (keys + made.keys.len(), roles + made.roles.len());
        if !made.more {
            break;
        }
    }
    context.app.discarded.notify_one();
    tracing::info!(changed = %key.id, keys, roles, access_key = %context.owner(), peer = %context.peer(), "disabled an access key and all that it made");
    Ok(())
}

fn last_root_key(force: Option<bool>) -> LastRootKey {
    if force == Some(true) { LastRootKey::Release } else { LastRootKey::Keep }
}

fn done(change: store::KeyChange, id: &AccessKeyId) -> Result<()> {
    match change {
        store::KeyChange::Done => Ok(()),
        store::KeyChange::NoSuchKey => Err(unknown(id.as_str()).into()),
        store::KeyChange::IsLastRootKey => Err(ApiError::invalid_input(format!(
            "{id} is the last enabled root key, and without one nobody can administer the server."
        ))
        .with_tip("Make another first, with access-key create --root, or use --force.")
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
        last_used_at: key.last_used_at.map(|at| Timestamp(at.0)),
        expires_at: key.expires_at.map(|end| Timestamp(end.0)),
        description: (!key.description.is_empty()).then_some(key.description),
        created_by: key.made_by.map(|owner| owner.as_str().to_owned()),
        policy: key.permission.map(|permission| permission.policy().to_json()),
        repositories: limits_wire::repositories(&key.limits.reach),
        source_networks: limits_wire::networks(&key.limits.reach),
        max_login_seconds: key.limits.max_life.map(limits_wire::seconds),
    }
}
