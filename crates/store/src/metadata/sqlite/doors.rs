//! The two ways to write: a change, which the audit trail tells of, and upkeep, which it does not.

use gangplank_core::Origin;
use rusqlite::Connection;

use super::audit::Note;
use super::writer::{Whose, Writer};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::sqlite::transaction::Transaction;

/// What became of a change.
pub(super) enum Outcome<T> {
    /// It was made, and is noted.
    Changed(T, Note),
    /// Nothing was changed, so there is nothing to note.
    Unchanged(T),
}

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

    /// Makes a change that users see, and notes it as `by`'s in the same transaction. Returns when both are
    /// durable.
    pub(super) async fn change<T, F>(&self, by: &Origin, whose: Whose, touched: Touched, rule: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<Outcome<T>> + Send + 'static,
    {
        let by = by.clone();
        let rule = move |connection: &Connection| match rule(connection)? {
            Outcome::Unchanged(value) => Ok(value),
            Outcome::Changed(value, note) => {
                note.write(&Transaction(connection), &by)?;
                Ok(value)
            }
        };
        self.0.write(whose, touched, rule).await
    }

    /// Writes what belongs to no event: blobs on their way, leases, and the server's own work. Returns when it
    /// is durable.
    pub(super) async fn upkeep<T, F>(&self, whose: Whose, touched: Touched, rule: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.0.write(whose, touched, rule).await
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
