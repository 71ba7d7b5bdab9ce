//! The rows of a store that several processes share.

use std::sync::Arc;

use super::Mode;
use crate::Result;
#[cfg(feature = "filling")]
use crate::StoreError;
use crate::metadata::{Postgres, Target};

pub(super) async fn rows(database: &Target, mode: Mode) -> Result<Arc<Postgres>> {
    let database = database.clone();
    Ok(Arc::new(match mode {
        Mode::Serve | Mode::Offline => Postgres::connect(database).await?,
        Mode::Read => Postgres::connect_to_made(database).await?,
        #[cfg(feature = "filling")]
        Mode::Fill => return Err(StoreError::unusable("only a database in a directory is filled")),
    }))
}
