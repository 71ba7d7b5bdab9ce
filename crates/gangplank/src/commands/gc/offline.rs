//! A collection in the data directory of a stopped server.

use anyhow::Result;
use gangplank_api::gangplank::{CollectGarbageRequest, CollectGarbageResult};
use gangplank_server::collect_in;
use gangplank_server::data_dir::DataDir;

use crate::aws::connection::{Connection, check_data_dir};
use crate::bucket::BucketArgs;

/// Runs a collection. `None` if no data directory is named, or a server uses it.
pub(super) async fn collect(
    connection: &Connection,
    bucket: &BucketArgs,
    request: &CollectGarbageRequest,
) -> Result<Option<CollectGarbageResult>> {
    let Some(path) = &connection.data_dir else { return Ok(None) };
    check_data_dir(path)?;
    match DataDir::try_take(path)? {
        Some(data_dir) => Ok(Some(collect_in(&data_dir, bucket.bucket()?, request).await?)),
        None => Ok(None),
    }
}
