//! The long-lived key pairs that sign API calls.

use super::page::{MAX_RESULTS, NEXT_TOKEN};
use crate::macros::{enumeration, structure};
use crate::pattern::{ACCOUNT as ACCOUNT_FORM, IDENTIFIER};
use crate::{Range, Secret, Shape, Timestamp};

const ACCOUNT: Shape = Shape::text("Account", Range::ANY, &ACCOUNT_FORM);
const ACCESS_KEY_ID: Shape = Shape::text("AccessKeyId", Range::ANY, &IDENTIFIER);

enumeration! {
    /// Whether an access key signs.
    pub enum AccessKeyStatus {
        /// It signs.
        Active,
        /// It is refused until it is made active again.
        Disabled,
    }
}

structure! {
    /// The access key to make.
    pub struct CreateAccessKeyRequest: Default {
        /// The account it belongs to, 12 digits; that of the caller if not given.
        "account" account: Option<String> as &ACCOUNT,
        /// Whether it is a root key, which administers the server; one that is not may do everything in its account.
        "root" root: Option<bool>,
    }
}

structure! {
    /// The access key that was made.
    pub struct CreateAccessKeyResult {
        /// The key; its secret is told this once.
        "accessKey" access_key: AccessKey,
    }
}

structure! {
    /// An access key with its secret.
    pub struct AccessKey {
        /// The public half, which says whose key it is.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// The secret half, which signs.
        "secretAccessKey" secret_access_key: Secret,
        /// The account it belongs to.
        "account" account: String as &ACCOUNT,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// Whether it signs.
        "status" status: AccessKeyStatus,
        /// Whether it is a root key, which administers the server.
        "isRoot" is_root: bool,
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
    /// The access keys that were asked for.
    pub struct ListAccessKeysResult: Default {
        /// The keys, the newest first.
        "accessKeys" access_keys: Vec<AccessKeySummary>,
        /// What to ask for the next page with, if there is one.
        "nextToken" next_token: Option<String>,
    }
}

structure! {
    /// An access key without its secret.
    pub struct AccessKeySummary {
        /// The public half, which says whose key it is.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// The account it belongs to.
        "account" account: String as &ACCOUNT,
        /// Whether it signs.
        "status" status: AccessKeyStatus,
        /// When it was made.
        "createdAt" created_at: Timestamp,
        /// Whether it is a root key, which administers the server.
        "isRoot" is_root: bool,
    }
}

structure! {
    /// What to change on an access key.
    pub struct UpdateAccessKeyRequest {
        /// The key to change.
        "accessKeyId" access_key_id: String as &ACCESS_KEY_ID,
        /// Whether it signs from now on.
        "status" status: AccessKeyStatus,
        /// Whether to disable even the last root key.
        "force" force: Option<bool>,
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
