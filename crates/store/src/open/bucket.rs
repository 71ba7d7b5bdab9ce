//! A store with its bytes in a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gangplank_s3::probe::{Abilities, Report, probe};
use gangplank_s3::{Client, Location};

use super::{Mode, Stores};
use crate::blobs::s3::{S3, Settings, part_for};
use crate::coordination::InProcess;
use crate::identity::Identity;
use crate::metadata::Metadata;
use crate::metadata::progress::Mark;
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
    database: Option<&Path>,
    bucket: Bucket,
    mode: Mode,
    reserve: u64,
) -> Result<Stores> {
    let store = store(bucket, database, mode, reserve).await?;
    let number = settle(metadata.as_ref(), &store, mode).await?;
    Ok(Stores {
        metadata,
        blobs: Arc::new(store),
        // A single process uses the rows.
        coordinator: Arc::new(InProcess::default()),
        number,
        fault: None,
    })
}

/// The bytes in a bucket, whoever they belong to.
pub(super) async fn store(bucket: Bucket, database: Option<&Path>, mode: Mode, reserve: u64) -> Result<S3> {
    let client = bucket.client()?;
    let Bucket { location, scratch, largest_blob, .. } = bucket;
    // Reading needs only what every server can do.
    let abilities = if mode == Mode::Read { Abilities::LEAST } else { examined(&client, &location).await? };
    let part = part_for(largest_blob);
    let database = database.map(Path::to_owned);
    S3::open(Settings { client, location, abilities, scratch, database, reserve, part })
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

/// Checks that rows and bytes belong together. Both contain the same identity: some marks, and the object
/// `gangplank.json`. New stores get one. Several processes of one database may do this at the same time.
async fn settle(metadata: &dyn Metadata, store: &S3, mode: Mode) -> Result<Option<i64>> {
    // In this order: the mark is made after the object, and the object after the number.
    let is_settled = metadata.mark(Mark::ContentBucket).await?.is_some();
    let (ours, found) = (metadata.identity().await?, store.marker().await?);
    let place = store.shown();
    match (ours, found) {
        (Some(ours), Some(found)) if ours == found => {
            if !is_settled && mode != Mode::Read {
                metadata.set_marks(vec![(Mark::ContentBucket, 1)]).await?;
            }
            Ok(Some(ours.cluster))
        }
        (Some(ours), Some(found)) if ours.cluster == found.cluster => Err(StoreError::unusable(format!(
            "{place} belongs to another incarnation of cluster {ours}: one of the two was restored, and both would remove \
             the other's content; if this database is to go on, run `gangplank database restored` with the same options, \
             and make sure that no server uses the other"
        ))),
        (Some(ours), Some(found)) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {found}, and this database is of cluster {ours}: each would remove the \
             other's content; name another prefix, or the database that belongs to it"
        ))),
        (Some(ours), None) if is_settled => Err(StoreError::unusable(format!(
            "{place} has no gangplank.json, and the database of cluster {ours} knows content that is elsewhere: name the \
             bucket and the prefix that it was served with, or leave them out if its content is in the data directory"
        ))),
        (None, Some(found)) => Err(StoreError::unusable(format!(
            "{place} is the place of cluster {found}, and this database is new: name a prefix that nobody uses, or the \
             database of that cluster"
        ))),
        (_, None) if metadata.content_totals(0).await?.count > 0 => Err(StoreError::unusable(format!(
            "{place} has no gangplank.json, and the database knows content that is elsewhere: name the bucket and the \
             prefix that it was served with, or leave them out if its content is in the data directory"
        ))),
        (_, None) if store.has_content().await? => Err(StoreError::unusable(format!(
            "{place} has content, and no gangplank.json that says whose it is: name a prefix that nobody uses"
        ))),
        (_, None) if mode == Mode::Read => Ok(None),
        (_, None) => {
            let ours = metadata.identify(Identity::new()).await?;
            store.belong_to(ours).await?;
            metadata.set_marks(vec![(Mark::ContentBucket, 1)]).await?;
            Ok(Some(ours.cluster))
        }
    }
}

/// Lets a database that was restored from an older state go on with its bucket. The bucket's former database is
/// refused from then on. Returns the number of services.
///
/// # Errors
/// [`StoreError::Unusable`] if the bucket is that of another cluster. If the call fails in any other way, it has
/// to be repeated.
pub async fn restored(metadata: &dyn Metadata, bucket: &Bucket) -> Result<u64> {
    let client = bucket.client()?;
    let Bucket { location, scratch, largest_blob, .. } = bucket.clone();
    let part = part_for(largest_blob);
    let abilities = Abilities::LEAST;
    let store =
        S3::open(Settings { client, location, abilities, scratch, database: None, reserve: 0, part })?;
    let (ours, found) = (metadata.identity().await?, store.marker().await?);
    let place = store.shown();
    let ours = match (ours, found) {
        (Some(ours), Some(found)) if ours.cluster == found.cluster => ours.restored(),
        (Some(ours), Some(found)) => {
            return Err(StoreError::unusable(format!(
                "{place} is the place of cluster {found}, and this database is of cluster {ours}"
            )));
        }
        (None, _) => return Err(StoreError::unusable("this database never had a bucket")),
        (_, None) => return Err(StoreError::unusable(format!("{place} has no gangplank.json"))),
    };
    let history = metadata.history().await?;
    let services = metadata.restored(ours.incarnation, history).await?;
    store.put_marker(ours).await?;
    Ok(services)
}
