//! Tags and the catalogue of repositories.

use async_trait::async_trait;
use gangplank_core::{Origin, Tenant};
use gangplank_oci::{RepositoryName, Tag};

use crate::Result;

/// Keeps tags. Lists are in byte order, after `last`, at most `limit` long.
#[async_trait]
pub trait Tags: Send + Sync {
    /// Lists a repository's tags; `None` if there is no such repository.
    async fn tags(
        &self,
        tenant: &Tenant,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>>;
    /// Removes a tag and leaves its manifest; `false` if there is no such tag.
    async fn delete_tag(
        &self,
        by: &Origin,
        tenant: &Tenant,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<bool>;
    /// Lists the tenant's repositories.
    async fn repositories(&self, tenant: &Tenant, last: Option<&str>, limit: usize) -> Result<Vec<String>>;
}
