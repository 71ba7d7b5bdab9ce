//! How much an account has, in all its regions.

use async_trait::async_trait;
use gangplank_core::{AccountId, Tenant};

use crate::Result;

/// Says what accounts have. What they may have is looked at where it is added.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Bytes of the contents, manifests and staged bytes of a tenant's account.
    async fn used_bytes(&self, tenant: &Tenant) -> Result<u64>;
    /// Whether no other account has an access key.
    async fn is_alone(&self, account: &AccountId) -> Result<bool>;
}
