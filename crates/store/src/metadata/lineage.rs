//! Where the rows come from: their identity, and the history of their database.

use async_trait::async_trait;

use crate::Result;
use crate::identity::{History, Identity};

/// By how much [`Lineage::restored`] raises the number of the last image of each service.
pub const IMAGE_NUMBERS_LEFT_OUT: i64 = 1_000;

/// Returns and changes the origin of the rows.
#[async_trait]
pub trait Lineage: Send + Sync {
    /// The identity of the database; `None` before it got one.
    async fn identity(&self) -> Result<Option<Identity>>;
    /// Gives the database this identity, unless it has one. Returns the identity that the database has in the
    /// end.
    async fn identify(&self, new: Identity) -> Result<Identity>;
    /// The present history of the database. `None` if it is a file, or if its server does not show it.
    async fn history(&self) -> Result<Option<History>>;
    /// The history that was recorded last; `None` if none was.
    async fn noted_history(&self) -> Result<Option<History>>;
    /// Records a history as the right one.
    async fn note_history(&self, history: History) -> Result<()>;
    /// Prepares a database that was restored from an older state. It gets the new incarnation. It skips the
    /// numbers that the lost state may have given out: numbers of images and deployments, and keys of rows.
    /// Returns the number of services.
    async fn restored(&self, incarnation: i64, history: Option<History>) -> Result<u64>;
}
