//! The source of the audit trail: a server, or a database that servers share.

use anyhow::Result;
use gangplank_api::gangplank::{ListAuditEventsRequest, ListAuditEventsResult};

use crate::aws::api_client::ApiClient;

/// A source of pages of events.
pub(super) enum Source {
    /// A running server.
    Server(Box<ApiClient>),
    /// A database. A caller that can open it sees all accounts.
    #[cfg(unix)]
    Database(std::sync::Arc<dyn gangplank_store::metadata::Metadata>),
}

impl Source {
    /// A page of events.
    ///
    /// # Errors
    /// If the source refuses or fails.
    pub(super) async fn page(&self, request: &ListAuditEventsRequest) -> Result<ListAuditEventsResult> {
        match self {
            Self::Server(client) => Ok(client.call(request).await?),
            #[cfg(unix)]
            Self::Database(rows) => gangplank_server::audit_events(rows.as_ref(), request.clone()).await,
        }
    }
}
