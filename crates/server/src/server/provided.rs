//! The stores and the engine that a server uses. The caller who starts the server may provide them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use gangplank_engine::{Archives, Engine, Output};
use gangplank_store::blobs::BlobStore;
use gangplank_store::coordination::Coordinator;

use crate::config::Config;
use crate::deployments::engines::{self, Here};

/// Makes an engine that passes the output of containers on.
pub(super) type MakeEngine = Box<dyn FnOnce(Arc<dyn Output>) -> Arc<dyn Engine> + Send>;

/// The stores that the caller provides in place of the configured ones.
pub(super) struct Elsewhere {
    pub(super) blobs: Arc<dyn BlobStore>,
    pub(super) coordinator: Option<Arc<dyn Coordinator>>,
}

impl Elsewhere {
    /// Returns the stores that a server uses. A store of the caller takes the place of the configured one.
    pub(super) fn or(
        elsewhere: Option<Self>,
        blobs: Arc<dyn BlobStore>,
        coordinator: Arc<dyn Coordinator>,
    ) -> (Arc<dyn BlobStore>, Arc<dyn Coordinator>) {
        match elsewhere {
            Some(elsewhere) => (elsewhere.blobs, elsewhere.coordinator.unwrap_or(coordinator)),
            None => (blobs, coordinator),
        }
    }
}

/// Where the engine that runs services comes from.
pub(super) enum Runs {
    /// The engine of the configuration.
    Configured,
    /// An engine that the caller makes.
    On(MakeEngine),
}

impl Runs {
    /// The engine, if there is one.
    ///
    /// # Errors
    /// If the configured engine cannot be used.
    pub(super) async fn engine(
        self,
        config: &Config,
        here: Here,
        output: Arc<dyn Output>,
        archives: Arc<dyn Archives>,
    ) -> Result<Option<Arc<dyn Engine>>> {
        match self {
            Self::On(make) => Ok(Some(make(output))),
            Self::Configured => engines::connect(&config.deployments, here, output, archives).await,
        }
    }
}

/// The label of this data directory's containers and networks in an engine. It is the number that the database
/// and its folder of bytes share.
pub(super) fn owner(number: Option<i64>) -> Result<String> {
    let number = number.context("the folder of contents has no number")?;
    Ok(format!("{:016x}", number.cast_unsigned()))
}
