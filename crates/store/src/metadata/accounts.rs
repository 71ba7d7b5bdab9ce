//! How much an account stores, in all its regions.

use async_trait::async_trait;
use gangplank_core::{AccountId, Tenant};

use crate::Result;

/// Says how much accounts store. Quotas are checked where something is added.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The bytes of contents, manifests and open uploads of the tenant's account.
    async fn used_bytes(&self, tenant: &Tenant) -> Result<u64>;
    /// The `limit` accounts with the most bytes, the largest first. Each comes with the result of
    /// [`used_bytes`](Self::used_bytes) for it.
    async fn largest_accounts(&self, limit: usize) -> Result<Vec<(String, u64)>>;
    /// Whether every access key of the server belongs to this account.
    async fn is_alone(&self, account: &AccountId) -> Result<bool>;
}
