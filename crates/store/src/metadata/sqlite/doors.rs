//! The ways to write.

use rusqlite::Connection;

use super::writer::{Whose, Writer};
use crate::Result;
use crate::metadata::cache::Takes;

/// The writer, and no way to it but these.
#[derive(Clone)]
pub(super) struct Doors(std::sync::Arc<Writer>);

impl Doors {
    pub(super) fn new(writer: Writer) -> Self {
        Self(std::sync::Arc::new(writer))
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.0.is_healthy()
    }

    /// Writes what belongs to no event: blobs on their way, leases, and the server's own work. Returns when it
    /// is durable.
    pub(super) async fn upkeep<T, F>(&self, whose: Whose, takes: Takes, rule: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.0.write(whose, takes, rule).await
    }

    /// The same for work that may be lost when the power goes: see [`Writer::write_unsynced`].
    pub(super) async fn upkeep_unsynced<T, F>(&self, whose: Whose, rule: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.0.write_unsynced(whose, rule).await
    }

    /// Moves the log into the database and makes its file as short as it can be, if no reader needs it.
    pub(super) async fn empty_log(&self, whose: Whose) -> Result<()> {
        self.0.empty_log(whose).await
    }
}
