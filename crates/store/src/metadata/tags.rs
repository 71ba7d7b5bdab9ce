//! Tags and the catalogue of repositories.

use async_trait::async_trait;
use gangplank_core::{Origin, Tenant};
use gangplank_oci::{RepositoryName, Tag};

use crate::Result;

/// Stores tags. Lists are in byte order, begin after `last`, and have at most `limit` entries.
#[async_trait]
pub trait Tags: Send + Sync {
    /// The tags of a repository; `None` if there is no such repository.
    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>>;
    /// Deletes a tag; its manifest stays. `false` if there is no such tag.
    async fn delete_tag(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<bool>;
    /// The names of the tenant's repositories.
    async fn repositories(&self, tenant: &Tenant, last: Option<&str>, limit: usize) -> Result<Vec<String>>;
}
