//! The long-lived key pairs that sign API calls.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use super::permissions::{
    DESCRIPTION, LOGIN_SECONDS, NETWORKS, POLICY, PermissionPreset, REPOSITORIES, SERVICES, check_list,
    check_permissions,
};
use crate::macros::{enumeration, structure};
use crate::pattern::{ACCOUNT as ACCOUNT_FORM, IDENTIFIER};
use crate::{ApiError, Range, Secret, Shape, Timestamp};

const ACCOUNT: Shape = Shape::text("Account", Range::ANY, &ACCOUNT_FORM);
const ACCESS_KEY_ID: Shape = Shape::text("AccessKeyId", Range::ANY, &IDENTIFIER);

enumeration! {
    /// Whether an access key is accepted.
    pub enum AccessKeyStatus {
        /// The key is accepted.
        Active,
        /// The key is refused until it is active again.
        Disabled,
    }
}

structure! {
    /// The access key to make.
    pub struct CreateAccessKeyRequest: Default, check check_create {
        /// The account it belongs to, 12 digits; that of the caller if not given.
        "account" account: Option<String> as &ACCOUNT,
        /// Whether it is a root key, which administers the server; any other key only acts within its account.
        "root" root: Option<bool>,
        /// What it may do, by the name of a preset; everything if neither this nor a policy is given.
        "preset" preset: Option<PermissionPreset>,
        /// What it may do, as a policy in IAM's language.
        "policy" policy: Option<String> as &POLICY,
        /// The services that the preset is about: names, in which * matches any characters and ? one.
        "services" services: Option<Vec<String>> as &SERVICES,
        /// The repositories that its logins are for: names, in which * matches within a segment and ** across
        /// segments.
        "repositories" repositories: Option<Vec<String>> as &REPOSITORIES,
        /// The networks that it and its logins are accepted from, such as 10.0.0.0/8.
        "sourceNetworks" source_networks: Option<Vec<String>> as &NETWORKS,
        /// The longest life of its logins, 60 to 43200 seconds.
        "maxLoginSeconds" max_login_seconds: Option<i32> as &LOGIN_SECONDS,
        /// When the key and its logins end.
        "expiresAt" expires_at: Option<Timestamp>,
        /// A description in the maker's own words.
        "description" description: Option<String> as &DESCRIPTION,
    }
}

structure! {
    /// The access key that was made.
    pub struct CreateAccessKeyResult {
        /// The key; its secret is shown only once.
        "accessKey" access_key: AccessKey,
    }
}

structure! {
    /// An access key with its secret.
    pub struct AccessKey {
        /// The public half, which names the key.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// The secret half, which signs.
        "secretAccessKey" secret_access_key: Secret,
        /// The account it belongs to.
        "account" account: String as &ACCOUNT,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// Whether the key is accepted.
        "status" status: AccessKeyStatus,
        /// Whether it is a root key, which administers the server.
        "isRoot" is_root: bool,
        /// When it ends.
        "expiresAt" expires_at: Option<Timestamp>,
    }
}

structure! {
    /// Which access keys to show.
    pub struct ListAccessKeysRequest: Default {
        /// The account whose keys to show; without it, all that the caller may see are shown.
        "account" account: Option<String> as &ACCOUNT,
        /// How many keys to show at the most; up to 1000 if not given.
        "maxResults" max_results: Option<i32> as &MAX_RESULTS,
        /// The nextToken of the page before.
        "nextToken" next_token: Option<String> as &NEXT_TOKEN,
    }
}

structure! {
    /// The access keys.
    pub struct ListAccessKeysResult: Default {
        /// The keys, the newest first.
        "accessKeys" access_keys: Vec<AccessKeySummary>,
        /// The token for the next page, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// An access key without its secret.
    pub struct AccessKeySummary {
        /// The public half, which names the key.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// The account it belongs to.
        "account" account: String as &ACCOUNT,
        /// Whether the key is accepted.
        "status" status: AccessKeyStatus,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// Whether it is a root key, which administers the server.
        "isRoot" is_root: bool,
        /// When it was last used, to the minute.
        "lastUsedAt" last_used_at: Option<Timestamp>,
        /// When it ends.
        "expiresAt" expires_at: Option<Timestamp>,
        /// A description in the maker's own words.
        "description" description: Option<String>,
        /// The key or role that made it, if one did.
        "createdBy" created_by: Option<String>,
        /// What it may do; without a policy, everything that a key may do.
        "policy" policy: Option<String>,
        /// The repositories that its logins are for; without any, all.
        "repositories" repositories: Option<Vec<String>>,
        /// The networks that it and its logins are accepted from; without any, all.
        "sourceNetworks" source_networks: Option<Vec<String>>,
        /// The longest life of its logins, in seconds.
        "maxLoginSeconds" max_login_seconds: Option<i32>,
    }
}

structure! {
    /// The change to an access key.
    pub struct UpdateAccessKeyRequest {
        /// The key to change.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// Whether it signs from now on.
        "status" status: AccessKeyStatus,
        /// Whether to disable even the last root key.
        "force" force: Option<bool>,
        /// Whether to also disable the keys and roles that it made, and those that they made in turn.
        "withMade" with_made: Option<bool>,
    }
}

structure! {
    /// Nothing: the access key is changed.
    pub struct UpdateAccessKeyResult: Default {}
}

structure! {
    /// Which access key to delete.
    pub struct DeleteAccessKeyRequest: Default {
        /// The key to delete.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// Whether to delete even the last root key.
        "force" force: Option<bool>,
    }
}

structure! {
    /// Nothing: the access key is gone.
    pub struct DeleteAccessKeyResult: Default {}
}

fn check_create(request: &CreateAccessKeyRequest) -> Result<(), ApiError> {
    check_list("services", request.services.as_deref())?;
    check_list("repositories", request.repositories.as_deref())?;
    check_list("sourceNetworks", request.source_networks.as_deref())?;
    check_permissions(request.preset, request.policy.as_deref(), request.services.as_deref())
}
