//! Opens the store of a server. A store that servers share may come up later than the server. Then the server
//! listens, says that it is not ready, and tries again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gangplank_core::{Origin, Time};
use gangplank_store::StoreError;
use gangplank_store::blobs::BlobStore;
use gangplank_store::coordination::{Coordinator, Places};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Metadata, Postgres, Upgraded};
use gangplank_store::open::{BucketCalls, Rows, Stores};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::Clock;
use crate::config::Config;
use crate::home::Home;
use crate::sealing::MasterKey;
use crate::{joining, root_key};

/// If the store is not open after this time, clients are refused. Until then they wait.
const SOON: Duration = Duration::from_secs(1);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest time for one try.
const TRY: Duration = Duration::from_secs(30);

/// How often the log says that the store is still out of reach.
const TOLD: Duration = Duration::from_mins(1);

/// An open store, and the facts that the server found out while it opened the store.
pub(crate) struct Opened {
    pub(crate) metadata: Arc<dyn Metadata>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) coordinator: Arc<dyn Coordinator>,
    /// Where services run, if several servers use the store.
    pub(crate) places: Option<Arc<dyn Places>>,
    /// The figures of the calls to the server of the bucket, if the bytes are in one.
    pub(crate) bucket_calls: Option<Arc<BucketCalls>>,
    /// The number that rows and bytes share.
    pub(crate) number: Option<i64>,
    pub(crate) clock: Clock,
    pub(crate) master: MasterKey,
}

/// Opens the store of a home. `refusing` answers clients while the store is out of reach. `waits` is called
/// after a failed try, if another try may succeed.
///
/// # Errors
/// If the store cannot be used.
pub(crate) async fn open(
    config: &Config,
    home: &Home,
    endpoint: &str,
    refusing: impl Future<Output = ()>,
    waits: impl FnOnce(),
) -> Result<Opened> {
    match home {
        Home::Directory(_) => open_now(config, home, endpoint).await,
        Home::None { .. } => {
            let refusing = async {
                sleep(SOON).await;
                refusing.await;
                std::future::pending().await
            };
            tokio::select! {
                opened = open_at_last(config, home, endpoint, waits) => opened,
                never = refusing => never,
            }
        }
    }
}

/// Tries until the store is open, or until it is clear that another try cannot succeed.
async fn open_at_last(config: &Config, home: &Home, endpoint: &str, waits: impl FnOnce()) -> Result<Opened> {
    let (mut told, mut waits) = (None::<Instant>, Some(waits));
    loop {
        let error = match upgrade_and_open(config, home, endpoint).await {
            Err(error) if may_pass(&error) => error,
            opened => {
                if told.is_some() && opened.is_ok() {
                    tracing::info!("the database is within reach");
                }
                return opened;
            }
        };
        if told.is_none_or(|told| told.elapsed() >= TOLD) {
            let error = format!("{error:#}");
            tracing::warn!(error, "the database is out of reach: the server is not ready, and waits for it");
            told = Some(Instant::now());
        }
        if let Some(waits) = waits.take() {
            waits();
        }
        sleep(PAUSE).await;
    }
}

async fn upgrade_and_open(config: &Config, home: &Home, endpoint: &str) -> Result<Opened> {
    if let Home::None { database } = home
        && config.upgrades_database
    {
        // A large table takes its time.
        let upgraded =
            Postgres::upgrade(database).await.context("cannot change the tables of the database")?;
        if let Some(Upgraded { from, to, oldest }) = upgraded
            && from < to
        {
            tracing::info!(from, to, oldest, "changed the tables of the database for this program");
        }
    }
    let opened = timeout(TRY, open_now(config, home, endpoint)).await;
    opened.unwrap_or_else(|_| Err(StoreError::unavailable("no answer").into()))
}

/// Whether another try may succeed without any change to this server.
fn may_pass(error: &anyhow::Error) -> bool {
    let store = error.chain().find_map(|error| error.downcast_ref::<StoreError>());
    matches!(
        store,
        Some(
            StoreError::Unavailable(_)
                | StoreError::Contended(_)
                | StoreError::OutcomeUnknown(_)
                | StoreError::Full(_)
        )
    )
}

async fn open_now(config: &Config, home: &Home, endpoint: &str) -> Result<Opened> {
    let store = home.store().with_reserve(config.limits.disk_reserve).with_bucket(config.bucket.clone());
    let rows = store.rows().await.context("cannot open the database")?;
    let cluster = rows.cluster.clone();
    // The key is checked before the store of bytes is opened, which may make some files. A server with a wrong master
    // key should change nothing.
    let master = master_key(config, home, &rows).await?;
    let Stores { metadata, blobs, coordinator, bucket_calls, number, .. } = rows.with_bytes().await?;
    let clock = match &cluster {
        None => Clock::start(metadata.mark(Mark::SteadyTime).await?.map(Time)),
        Some(cluster) => Clock::shared(Arc::clone(cluster)).await?,
    };
    let (here, root_key) = (Origin::local(clock.now()), config.root_key.clone());
    match (home, &cluster) {
        (Home::Directory(dir), _) => {
            root_key::provide(metadata.as_ref(), &here, &master, dir, root_key, endpoint).await?;
        }
        (Home::None { .. }, Some(cluster)) => joining::provide(cluster, &here, &master, root_key).await?,
        (Home::None { .. }, None) => {}
    }
    let places = cluster.map(|cluster| cluster as Arc<dyn Places>);
    Ok(Opened { metadata, blobs, coordinator, places, bucket_calls, number, clock, master })
}

/// The master key that opens the secrets in this database.
async fn master_key(config: &Config, home: &Home, rows: &Rows) -> Result<MasterKey> {
    match (home, &rows.cluster) {
        (Home::None { .. }, Some(cluster)) => {
            joining::master_key(cluster, config.master_key.clone(), config.root_key.as_ref()).await
        }
        (Home::None { .. }, None) => bail!("a store without a data directory is a cluster's"),
        (Home::Directory(dir), _) => {
            let keys = root_key::all_access_keys(rows.metadata.as_ref()).await?;
            MasterKey::of(dir, config.master_key_file.as_deref(), &keys)
        }
    }
}
