//! A collection without a server: in the data directory of a stopped one, or in a store that servers share.

use anyhow::Result;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_server::data_dir::DataDir;
use gangplank_server::{collect_in, collect_shared};
use gangplank_store::open::Mode;

use crate::aws::connection::{Connection, check_data_dir};
use crate::bucket::BucketArgs;
use crate::serving::shared_store::SharedArgs;

/// Runs a collection. `None` if no data directory and no database is named, or a server uses the directory.
pub(super) async fn collect(
    connection: &Connection,
    shared: &SharedArgs,
    bucket: &BucketArgs,
    request: &CollectGarbageRequest,
) -> Result<Option<CollectGarbageResult>> {
    let mode = if request.dry_run == Some(true) { Mode::Read } else { Mode::Offline };
    if let Some(store) = shared.store(bucket, mode)? {
        return collect_shared(store, request).await.map(Some);
    }
    let Some(path) = &connection.data_dir else { return Ok(None) };
    check_data_dir(path)?;
    match DataDir::try_take(path)? {
        Some(data_dir) => Ok(Some(collect_in(&data_dir, bucket.bucket()?, request).await?)),
        None => Ok(None),
    }
}
