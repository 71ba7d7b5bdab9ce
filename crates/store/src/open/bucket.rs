//! A store with its bytes in a bucket.

use std::path::PathBuf;
use std::sync::Arc;

use gangplank_s3::probe::{Abilities, Report, probe};
use gangplank_s3::{Client, Location};

use super::belonging::new_number;
use super::{Mode, Stores};
use crate::blobs::s3::{S3, Settings, part_for};
use crate::coordination::InProcess;
use crate::metadata::progress::Mark;
use crate::metadata::{Agreed as _, Metadata, Postgres};
use crate::{Result, StoreError};

/// The place of bytes that are in a bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// How to connect to the server of the bucket.
    pub settings: gangplank_s3::Settings,
    /// The bucket, and the prefix of all keys.
    pub location: Location,
    /// The folder in which parts wait until they are sent.
    pub scratch: PathBuf,
    /// The largest blob, in bytes, that the server accepts.
    pub largest_blob: u64,
}

impl Bucket {
    /// Checks that the settings make a client. Sends no request.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the certificates cannot be used.
    pub fn check(&self) -> Result<()> {
        self.client().map(drop)
    }

    fn client(&self) -> Result<Client> {
        Client::new(self.settings.clone()).map_err(|error| StoreError::unusable(error.to_string()))
    }
}

pub(super) async fn with_bytes(
    metadata: Arc<dyn Metadata>,
    cluster: Option<Arc<Postgres>>,
    bucket: Bucket,
    mode: Mode,
    reserve: u64,
) -> Result<Stores> {
    let client = bucket.client()?;
    let Bucket { location, scratch, largest_blob, .. } = bucket;
    // Reading needs only what every server can do.
    let abilities = if mode == Mode::Read { Abilities::LEAST } else { examined(&client, &location).await? };
    let part = part_for(largest_blob);
    let store = S3::open(Settings { client, location, abilities, scratch, reserve, part })?;
    // Processes that start at the same time have to write the same number.
    let proposed = match &cluster {
        Some(cluster) => Some(cluster.number().await?),
        None => None,
    };
    let number = settle(metadata.as_ref(), &store, mode, proposed).await?;
    let coordinator = match cluster {
        Some(cluster) => cluster.coordinator(),
        // A single process uses the rows.
        None => Arc::new(InProcess::after(metadata.last_upload_epoch().await?)),
    };
    Ok(Stores {
        metadata,
        blobs: Arc::new(store),
        coordinator,
        number,
        fault: None,
    })
}

/// Finds out what the server of the bucket can do, and logs it in one line.
async fn examined(client: &Client, location: &Location) -> Result<Abilities> {
    let report = probe(client, location).await;
    let place = location.to_string();
    if let Some(broken) = report.broken().next() {
        let (what, why) = (broken.what, &broken.detail);
        return Err(StoreError::unavailable(format!(
            "{place} at {} cannot keep blobs: it cannot {what}: {why}; `gangplank s3 check` says more",
            client.endpoint().url()
        )));
    }
    let Report { abilities, clock_ahead, .. } = report;
    let missing: Vec<&str> =
        report.checks.iter().filter(|check| !check.is_fine()).map(|check| check.what).collect();
    tracing::info!(
        endpoint = client.endpoint().url(),
        guard = if abilities.crc64 { "CRC-64/NVME" } else { "SHA-256" },
        missing = missing.join(", "),
        clock_ahead,
        "keeps blobs in {place}"
    );
    Ok(abilities)
}

/// Checks that rows and bytes belong together. Both contain the same number: a row, and the object
/// `gangplank.json`. New stores get one, `proposed` if it is given.
async fn settle(
    metadata: &dyn Metadata,
    store: &S3,
    mode: Mode,
    proposed: Option<i64>,
) -> Result<Option<i64>> {
    let (ours, found) = (metadata.mark(Mark::ContentFolder).await?, store.owner().await?);
    let place = store.shown();
    match (ours, found) {
        (Some(ours), Some(found)) if ours == found => Ok(Some(ours)),
        (Some(ours), Some(found)) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {found:016x}, and this database is of cluster {ours:016x}: each would remove \
             the other's content; name another prefix, or the database that belongs to it"
        ))),
        (Some(ours), None) => Err(StoreError::unusable(format!(
            "{place} has no gangplank.json, and the database of cluster {ours:016x} knows content that is elsewhere: name \
             the bucket and the prefix that it was served with, or leave them out if its content is in the data directory"
        ))),
        // Another process of the cluster has written the object, and is about to write the row.
        (None, Some(found)) if proposed == Some(found) && mode != Mode::Read => {
            metadata.set_marks(vec![(Mark::ContentFolder, found), (Mark::ContentBucket, 1)]).await?;
            Ok(Some(found))
        }
        (None, Some(found)) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {found:016x}, and this database is new: name a prefix that nobody uses, or \
             the database of that cluster"
        ))),
        (None, None) if metadata.content_totals(0).await?.count > 0 => Err(StoreError::unusable(format!(
            "{place} is empty, and the database knows content that is elsewhere"
        ))),
        (None, None) if store.has_content().await? => Err(StoreError::unusable(format!(
            "{place} has content, and no gangplank.json that says whose it is: name a prefix that nobody uses"
        ))),
        (None, None) if mode == Mode::Read => Ok(None),
        (None, None) => {
            let number = proposed.unwrap_or_else(new_number);
            // The row comes last: if only the row existed after a crash, the content would count as lost.
            store.belong_to(number).await?;
            metadata.set_marks(vec![(Mark::ContentFolder, number), (Mark::ContentBucket, 1)]).await?;
            Ok(Some(number))
        }
    }
}
