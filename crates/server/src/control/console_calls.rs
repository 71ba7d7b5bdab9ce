//! Calls that the web console makes for whoever is signed in there. They go the way of every call, from the point on at
//! which it is known who calls: policies, handler and audit trail are the same, so the console can never do more than the
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

/// Why there is no caller.
pub(crate) enum NoCaller {
    /// No key of this id and secret may sign in.
    Unknown {
        /// Whose key was named, if it is anybody's.
        owner: Option<Owner>,
        /// Where it would have acted.
        tenant: Option<Tenant>,
    },
    /// The key has ended, which its holder is told.
    Ended {
        /// Whose key it is.
        owner: Owner,
        /// Where it would have acted.
        tenant: Tenant,
        /// How it ended, in words.
        why: String,
    },
    /// The store failed.
    Failed(ApiError),
}

impl From<Failure> for NoCaller {
    fn from(Failure(error): Failure) -> Self {
        Self::Failed(error)
    }
}

/// Whoever has this key, as it is now.
///
/// # Errors
/// If there is no such key, or it may not be used any more.
pub(crate) async fn of_key(app: &App, key: &AccessKeyId, region: Region) -> Result<Caller, NoCaller> {
    let found = app.metadata.credential(key).await.map_err(Failure::from)?;
    let credential = found.ok_or(NoCaller::Unknown { owner: None, tenant: None })?;
    caller(app, credential, region)
}

/// Whoever knows the secret of an access key.
///
/// # Errors
/// If it is not the secret of such a key, or the key may not be used any more.
pub(crate) async fn by_secret(app: &App, id: &str, secret: &str, region: Region) -> Result<Caller, NoCaller> {
    let named = match AccessKeyId::parse(id) {
        Ok(id) => app.metadata.credential(&id).await.map_err(Failure::from)?,
        Err(_) => None,
    };
    // A temporary key's secret is nothing without its token.
    let key = named.filter(|named| matches!(named, Credential::AccessKey(_)));
    let known = key.as_ref().map(|key| open(app, key)).transpose().map_err(Failure::from)?;
    // Hashes have one length, and an unknown key takes as long as a known one.
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

/// Makes a call for whoever is signed in.
///
/// # Errors
/// What the API would answer.
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
    // Each call is a request of its own, as the audit trail counts them.
    let request_id = app.request_ids.next(app.clock.now()).to_string();
    let action = R::OPERATION.name();
    let call =
        Call { app, caller: caller.clone(), action, client, request_id: &request_id, by_console: true };
    let answered = operations::run(&call, R::OPERATION, &encode(request)).await;
    let answer = answered.map_err(|Failure(error)| {
        let (code, reason) = (error.code.as_str(), &error.message);
        tracing::info!(request_id, operation = action, code, reason, "refused a call of the console");
        error
    })?;
    serde_json::from_slice(&answer).map_err(|error| {
        tracing::error!(%error, operation = action, "an answer of our own cannot be read");
        ApiError::service("The server failed; see its log.")
    })
}
