//! A store with its bytes in a bucket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gangplank_s3::probe::{Abilities, Report, probe};
use gangplank_s3::{Client, Location};
use tokio::time::timeout;

use super::awaited::Awaited;
use super::{Mode, Stores};
use crate::blobs::BlobStore;
use crate::blobs::s3::{S3, Settings, part_for};
use crate::coordination::InProcess;
use crate::identity::Identity;
use crate::metadata::progress::Mark;
use crate::metadata::{Metadata, Postgres};
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

/// How long the start waits for any answer of the bucket's server.
const SIGN: Duration = Duration::from_secs(5);

/// The object that is asked for to see whether the server answers. It need not exist.
const ANY: &str = "gangplank.json";

/// Everything that is needed to open the bytes, now or later.
pub(super) struct Opening {
    metadata: Arc<dyn Metadata>,
    place: Place,
    mode: Mode,
}

/// A bucket within reach of this process, whatever store owns it.
pub(super) struct Place {
    client: Client,
    bucket: Bucket,
    /// The directory of the database, if it is on this machine.
    database: Option<PathBuf>,
    reserve: u64,
}

pub(super) async fn with_bytes(
    metadata: Arc<dyn Metadata>,
    cluster: Option<Arc<Postgres>>,
    database: Option<PathBuf>,
    bucket: Bucket,
    mode: Mode,
    reserve: u64,
) -> Result<Stores> {
    let place = Place { client: bucket.client()?, bucket, database, reserve };
    let bucket_calls = Some(place.client.statistics());
    let opening = Opening { metadata: Arc::clone(&metadata), place, mode };
    let (blobs, number) = match opening.open().await {
        Ok((store, number)) => (Arc::new(store) as Arc<dyn BlobStore>, number),
        // A server can do much without the bytes, so it starts.
        Err(StoreError::Unavailable(why)) if mode == Mode::Serve => {
            // A scratch folder that cannot be used is reported now. Later, the error would look like the error for a
            // wrong bucket.
            opening.place.store(Abilities::LEAST)?;
            let cluster = metadata.identify(Identity::new()).await?.cluster;
            (Arc::new(Awaited::begin(opening, &why)) as Arc<dyn BlobStore>, Some(cluster))
        }
        Err(error) => return Err(error),
    };
    let coordinator = match cluster {
        Some(cluster) => cluster.coordinator(),
        // A single process uses the rows.
        None => Arc::new(InProcess::after(metadata.last_upload_epoch().await?)),
    };
    Ok(Stores { metadata, blobs, coordinator, bucket_calls, number, fault: None })
}

impl Opening {
    /// Opens the bytes. Returns the number of the cluster too.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the bucket's server or the database is out of reach, [`StoreError::Unusable`]
    /// if the bucket cannot be used.
    pub(super) async fn open(&self) -> Result<(S3, Option<i64>)> {
        let store = self.place.open(self.mode).await?;
        let number = settle(self.metadata.as_ref(), &store, self.mode).await?;
        Ok((store, number))
    }

    /// The bucket and its server, for messages.
    pub(super) fn shown(&self) -> String {
        self.place.shown()
    }
}

impl Place {
    /// A bucket without a database on this machine.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the certificates cannot be used.
    pub(super) fn of(bucket: Bucket) -> Result<Self> {
        Ok(Self { client: bucket.client()?, bucket, database: None, reserve: 0 })
    }

    /// Opens the bytes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the bucket's server is out of reach, [`StoreError::Unusable`] if the bucket
    /// cannot be used.
    pub(super) async fn open(&self, mode: Mode) -> Result<S3> {
        self.store(match mode {
            // Reading needs only what every server can do.
            Mode::Read => Abilities::LEAST,
            Mode::Serve => {
                self.sign().await?;
                self.examined().await?
            }
            Mode::Offline => self.examined().await?,
            #[cfg(feature = "filling")]
            Mode::Fill => self.examined().await?,
        })
    }

    fn shown(&self) -> String {
        format!("{} at {}", self.bucket.location, self.client.endpoint().url())
    }

    fn store(&self, abilities: Abilities) -> Result<S3> {
        let Bucket { location, scratch, largest_blob, .. } = self.bucket.clone();
        let (client, part) = (self.client.clone(), part_for(largest_blob));
        let (database, reserve) = (self.database.clone(), self.reserve);
        let settings = Settings { client, location, abilities, scratch, database, reserve, part };
        S3::open(settings).map_err(|error| StoreError::unusable(error.to_string()))
    }

    /// Waits a short while for any answer of S3.
    async fn sign(&self) -> Result<()> {
        let key = self.bucket.location.key(ANY);
        match timeout(SIGN, self.client.get_object(&key, Some(0..1))).await {
            Ok(Err(error)) if error.may_pass() => Err(StoreError::unavailable(error.to_string())),
            // If the server's answer means anything else, the later examination finds that out.
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::unavailable(format!("no answer within {} s", SIGN.as_secs()))),
        }
    }

    /// Finds out what the server of the bucket can do, and logs it in one line.
    async fn examined(&self) -> Result<Abilities> {
        let Self { client, bucket: Bucket { location, .. }, .. } = self;
        let report = probe(client, location).await;
        if let Some(broken) = report.broken().next() {
            let (place, what, why) = (self.shown(), broken.what, &broken.detail);
            let said =
                format!("{place} cannot keep blobs: it cannot {what}: {why}; `gangplank s3 check` says more");
            return Err(if report.is_away() {
                StoreError::unavailable(said)
            } else {
                StoreError::unusable(said)
            });
        }
        let Report { abilities, clock_ahead, .. } = report;
        let missing: Vec<&str> =
            report.checks.iter().filter(|check| !check.is_fine()).map(|check| check.what).collect();
        tracing::info!(
            endpoint = client.endpoint().url(),
            guard = if abilities.crc64 { "CRC-64/NVME" } else { "SHA-256" },
            missing = missing.join(", "),
            ahead_seconds = clock_ahead,
            "stores blobs in {location}"
        );
        Ok(abilities)
    }
}

/// Checks that rows and bytes belong together. Both contain the same identity: some marks, and the object
/// `gangplank.json`. New stores get one. Several processes of one database may do this at the same time.
async fn settle(metadata: &dyn Metadata, store: &S3, mode: Mode) -> Result<Option<i64>> {
    match compare(metadata, store, mode).await {
        // Another process may have made the identity between the looks at the rows and at the bucket.
        Err(StoreError::Unusable(_)) => compare(metadata, store, mode).await,
        settled => settled,
    }
}

async fn compare(metadata: &dyn Metadata, store: &S3, mode: Mode) -> Result<Option<i64>> {
    // This order matters: the mark is made after the object, and the object after the number.
    let is_settled = metadata.mark(Mark::ContentBucket).await?.is_some();
    let (ours, found) = (metadata.identity().await?, store.marker().await?);
    let place = store.shown();
    match (ours, found) {
        (Some(ours), Some(found)) if ours == found => {
            if mode != Mode::Read {
                if !is_settled {
                    metadata.set_marks(vec![(Mark::ContentBucket, 1)]).await?;
                }
                note_history(metadata).await?;
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
            note_history(metadata).await?;
            Ok(Some(ours.cluster))
        }
    }
}

/// Records the history of a database that has none recorded, before the first backup is made of it.
async fn note_history(metadata: &dyn Metadata) -> Result<()> {
    if metadata.noted_history().await?.is_none()
        && let Some(now) = metadata.history().await?
    {
        metadata.note_history(now).await?;
    }
    Ok(())
}

/// Lets a database that was restored from an older state use its bucket again. The bucket's former database is
/// refused from then on. A prefix without an owner takes the place of a lost bucket. Returns the number of services.
///
/// # Errors
/// [`StoreError::Unusable`] if the bucket belongs to another cluster. If the call fails in any other way, it
/// has to be repeated.
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
        // The bucket was lost, and this bucket replaces it.
        (Some(ours), None) => ours.restored(),
        (Some(ours), Some(found)) => {
            return Err(StoreError::unusable(format!(
                "{place} is the place of cluster {found}, and this database is of cluster {ours}"
            )));
        }
        (None, _) => return Err(StoreError::unusable("this database never had a bucket")),
    };
    let history = metadata.history().await?;
    let services = metadata.restored(ours.incarnation, history).await?;
    store.put_marker(ours).await?;
    Ok(services)
}
