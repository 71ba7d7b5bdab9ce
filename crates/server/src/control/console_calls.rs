//! Calls that the web console makes for the user who is signed in. Once the caller is known, they go the same
//! way as every call: policies, handler and audit trail are the same. So the console can never do more than the
//! key behind it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use gangplank_api::{ApiError, Request, encode};
use gangplank_core::{AccessKeyId, Owner, Region, Tenant};
use gangplank_store::metadata::role_sessions::Credential;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::authenticate::{open, why_ended};
use super::failure::Failure;
use super::{Call, Caller, Client, operations};
use crate::app::App;

/// Why a user could not be identified.
pub(crate) enum NoCaller {
    /// The key does not exist or may not sign in, or the secret is wrong.
    Unknown {
        /// The owner of the named key, if the key exists.
        owner: Option<Owner>,
        /// The tenant that the user wanted to act in, if the key exists.
        tenant: Option<Tenant>,
    },
    /// The key has ended. Its holder is told.
    Ended {
        /// The owner of the key.
        owner: Owner,
        /// The tenant that the user wanted to act in.
        tenant: Tenant,
        /// How the key ended, in words.
        why: String,
    },
    /// The store failed.
    Failed(ApiError),
}

impl From<Failure> for NoCaller {
    fn from(Failure { error, .. }: Failure) -> Self {
        Self::Failed(error)
    }
}

/// The caller with this key, in its present state.
///
/// # Errors
/// If the key does not exist, if it may not be used any more, or if the store fails.
pub(crate) async fn of_key(app: &App, key: &AccessKeyId, region: Region) -> Result<Caller, NoCaller> {
    let found = app.metadata.credential_now(key).await.map_err(Failure::from)?;
    let credential = found.ok_or(NoCaller::Unknown { owner: None, tenant: None })?;
    caller(app, credential, region)
}

/// The caller that knows this access key and its secret.
///
/// # Errors
/// If the key or the secret is wrong, if the key may not be used any more, or if the store fails.
pub(crate) async fn by_secret(app: &App, id: &str, secret: &str, region: Region) -> Result<Caller, NoCaller> {
    let named = match AccessKeyId::parse(id) {
        Ok(id) => app.metadata.credential_now(&id).await.map_err(Failure::from)?,
        Err(_) => None,
    };
    // A temporary key needs its token, too, so it cannot sign in here.
    let key = named.filter(|named| matches!(named, Credential::AccessKey(_)));
    let known = key.as_ref().map(|key| open(app, key)).transpose().map_err(Failure::from)?;
    // Hashes have the same length, and an unknown key takes as long to check as a known one.
    let expected = Sha256::digest(known.as_ref().map_or("", |secret| secret.expose()));
    let is_right = verify_slices_are_equal(&Sha256::digest(secret), &expected).is_ok();
    match key {
        Some(key) if is_right => caller(app, key, region),
        key => {
            let whose = key.map(|key| whose(&key, region)).unzip();
            Err(NoCaller::Unknown { owner: whose.0, tenant: whose.1 })
        }
    }
}

fn caller(app: &App, credential: Credential, region: Region) -> Result<Caller, NoCaller> {
    if let Some(error) = why_ended(app, &credential) {
        let (owner, tenant) = whose(&credential, region);
        return Err(NoCaller::Ended { owner, tenant, why: error.message });
    }
    Ok(match credential {
        Credential::AccessKey(key) => {
            app.key_use.used(&key.id, app.clock.now());
            Caller::of_key(key, region)
        }
        Credential::Session(found) => Caller::of_session(found, region),
    })
}

fn whose(credential: &Credential, region: Region) -> (Owner, Tenant) {
    let (account, owner) = match credential {
        Credential::AccessKey(key) => (&key.account, key.principal().owner()),
        Credential::Session(found) => (&found.session.account, found.session.owner()),
    };
    (owner, Tenant { account: account.clone(), region })
}

/// Makes a call for the user who is signed in.
///
/// # Errors
/// The error that the API would answer.
pub(crate) async fn call<R>(
    app: &App,
    caller: &Caller,
    client: &Client,
    request: &R,
) -> Result<R::Output, ApiError>
where
    R: Request + Serialize,
    R::Output: DeserializeOwned,
{
    // Each call has its own request id, because the audit trail counts requests.
    let request_id = app.request_ids.next(app.clock.now()).to_string();
    let action = R::OPERATION.name();
    let call =
        Call { app, caller: caller.clone(), action, client, request_id: &request_id, by_console: true };
    let answered = operations::run(&call, R::OPERATION, &encode(request)).await;
    let answer = answered.map_err(|Failure { error, quota }| {
        app.metrics.over_quota(quota);
        let (code, reason) = (error.code.as_str(), &error.message);
        tracing::info!(request_id, operation = action, code, reason, quota, "refused a call of the console");
        error
    })?;
    serde_json::from_slice(&answer).map_err(|error| {
        tracing::error!(%error, operation = action, "an answer of our own cannot be read");
        ApiError::service("The server failed; see its log.")
    })
}
