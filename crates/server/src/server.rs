//! A running server: started, and stopped without losing a request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gangplank_core::container_service::Entrance;
use gangplank_core::lease::SAFE_GRACE;
use gangplank_core::{Origin, Time};
use gangplank_engine::{Archives, Engine, Output};
use gangplank_store::blobs::BlobStore;
use gangplank_store::logs::Logs;
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::progress::Mark;
use gangplank_store::open::{Bucket, Location, Mode, Stores};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::{Config, Deployments};
use crate::container_logs::ContainerLogs;
use crate::coordination::Claims;
use crate::data_dir::DataDir;
use crate::deployments::Deployer;
use crate::deployments::archives::Images;
use crate::deployments::engines::{self, Here};
use crate::deployments::pace::Pace;
use crate::endpoint::Endpoint;
use crate::http::connections::Connections;
use crate::http::own_thread::Threads;
use crate::http::request_id::RequestIds;
use crate::http::small_body::Budget;
use crate::http::unverified::Unverified;
use crate::last_use::{KeyUse, LoginUse};
use crate::listening::{Addresses, Listening};
use crate::metrics::Metrics;
use crate::oidc::Issuers;
use crate::publishing::Publishing;
use crate::pulls::Pulls;
use crate::refusals::{Refusals, Taken};
use crate::registry::failed_logins::FailedLogins;
use crate::registry::finished_uploads::FinishedUploads;
use crate::registry::gathered::Gathering;
use crate::registry::room::InFlight;
use crate::removals::Removals;
use crate::sealing::MasterKey;
use crate::{jobs, random, root_key};

/// Makes an engine that hands over what containers print.
type MakeEngine = Box<dyn FnOnce(Arc<dyn Output>) -> Arc<dyn Engine> + Send>;
/// How many identity tokens of an address may be refused in a minute before it is slowed down. A job whose role does not
/// trust it asks 12 to 36 times.
const FAILED_EXCHANGES_PER_MINUTE: u32 = 60;

/// What runs the services of a server.
enum Runs {
    /// What the configuration says.
    Configured,
    /// An engine that the caller makes.
    On(MakeEngine),
}

impl Runs {
    /// The engine, if there is one.
    async fn engine(
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

/// A running server. It stops when told to, not when dropped.
pub struct Server {
    addresses: Addresses,
    endpoint: String,
    stop: CancellationToken,
    /// Each says in the end whether every request was finished.
    serving: Vec<JoinHandle<bool>>,
    tasks: Vec<JoinHandle<()>>,
    /// All requests are done.
    done: CancellationToken,
    /// Keeps what is claimed until then.
    keeping: JoinHandle<()>,
    pub(crate) app: Arc<App>,
    // Held until the last request is done.
    data_dir: DataDir,
}

impl Server {
    /// Starts a server. When this returns, it takes requests.
    ///
    /// # Errors
    /// If the data directory is in use or unreadable, an address cannot be listened on, TLS files
    /// cannot be read, or plain HTTP would leave this machine without having been asked for.
    // In a box, so that it is compiled here with all that it starts. A future that callers can see into is compiled
    // in each crate that awaits it, and the program's own crate is built for size.
    #[inline(never)]
    pub fn start(config: Config) -> Pin<Box<dyn Future<Output = Result<Self>> + Send>> {
        Box::pin(Self::begin(config, Runs::Configured, Pace::default(), None))
    }

    /// Starts a server that keeps bytes in a store of the caller's, and not in the data directory.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_over(config: Config, blobs: Arc<dyn BlobStore>) -> Result<Self> {
        Box::pin(Self::begin(config, Runs::Configured, Pace::default(), Some(blobs))).await
    }

    /// Starts a server that runs services on an engine of the caller's, which gets what takes their output, and at a
    /// pace of the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(
        config: Config,
        engine: impl FnOnce(Arc<dyn Output>) -> Arc<dyn Engine> + Send + 'static,
        pace: Pace,
    ) -> Result<Self> {
        Box::pin(Self::begin(config, Runs::On(Box::new(engine)), pace, None)).await
    }

    /// Whether a server can be told this; nothing is started and nothing written.
    ///
    /// # Errors
    /// If TLS files cannot be read, an issuer cannot be used, or plain HTTP would leave this machine without having been
    /// asked for.
    pub fn check(config: &Config) -> Result<()> {
        refuse_plain_http(config)?;
        config.check_admin_listener(config.deployments.engine.named())?;
        Certificates::open(config)?;
        Issuers::open(&config.issuers)?;
        Ok(config.bucket.as_ref().map_or(Ok(()), Bucket::check)?)
    }

    async fn begin(
        mut config: Config,
        runs: Runs,
        pace: Pace,
        elsewhere: Option<Arc<dyn BlobStore>>,
    ) -> Result<Self> {
        refuse_plain_http(&config)?;
        config.check_admin_listener(config.deployments.engine.named())?;
        let issuers = Issuers::open(&config.issuers)?;
        let certificates = Arc::new(Certificates::open(&config)?);
        let tls = certificates.acceptor()?;
        // Before anything is made: a directory and a key of a server that cannot start help nobody.
        let listening = Listening::bind(&config).await?;
        let addresses = listening.addresses()?;
        let Location::Local { dir } = &config.location;
        let data_dir = DataDir::take(dir)?;
        let store = data_dir.store(Mode::Serve).with_reserve(config.limits.disk_reserve);
        let rows =
            store.with_bucket(config.bucket.take()).rows().await.context("cannot open the database")?;
        // Before the bytes, of which some may be made: whoever has another's key changes nothing.
        let master = master_key(&config, &data_dir, rows.metadata.as_ref()).await?;
        let Stores { metadata, blobs, coordinator, number, .. } = rows.with_bytes().await?;
        let blobs = elsewhere.unwrap_or(blobs);
        let endpoint = root_key::local_endpoint(if tls.is_some() { "https" } else { "http" }, addresses.main);
        let clock = Clock::start(metadata.mark(Mark::SteadyTime).await?.map(Time));
        let here = Origin::local(clock.now());
        root_key::provide(metadata.as_ref(), &here, &master, &data_dir, config.root_key.take(), &endpoint)
            .await?;

        let logs = Logs::open(data_dir.logs(), config.deployments.logs, config.limits.disk_reserve);
        let logs = Arc::new(logs);
        let container_logs = Arc::new(ContainerLogs::new(Arc::clone(&logs), clock));
        let output = Arc::clone(&container_logs) as Arc<dyn Output>;
        let archives = Arc::new(Images::default());
        let here = Here { owner: owner(number)?, address: addresses.main };
        let engine = runs.engine(&config, here, output, Arc::clone(&archives) as _).await?;
        config.check_admin_listener(engine.as_ref().map(|engine| engine.name()))?;
        let stop = CancellationToken::new();
        let run = uuid::Uuid::new_v4().simple().to_string();
        let app = Arc::new(App {
            metadata,
            blobs,
            removals: Removals::of(data_dir.path()),
            master,
            clock,
            leases: config.collection.leases,
            quotas: config.quotas,
            limits: config.limits,
            regions: config.regions,
            public_address: config.public_address,
            proxies: config.proxies,
            console: config.console,
            insecure_http: config.insecure_http,
            audit: config.audit,
            refusals: Refusals::default(),
            pulls: Pulls::default(),
            login_use: LoginUse::default(),
            key_use: KeyUse::default(),
            finished_uploads: FinishedUploads::default(),
            failed_logins: FailedLogins::new(config.limits.failed_logins_per_minute),
            failed_exchanges: FailedLogins::new(FAILED_EXCHANGES_PER_MINUTE),
            issuers,
            claims: Claims::new(coordinator, run),
            small_bodies: Budget::new(config.limits.buffered_bytes),
            unverified: Unverified::new(config.limits.unverified_bytes),
            connections: Arc::new(Connections::new(
                config.limits.connections,
                config.limits.connections_per_address,
            )),
            gathering: Gathering::default(),
            threads: Threads::default(),
            requests: TaskTracker::new(),
            discarded: tokio::sync::Notify::new(),
            request_ids: RequestIds::new(random::bytes()?),
            metrics: Arc::new(Metrics::new(clock.now(), config.dropped_log_lines, logs.dropped())),
            orphaned: Arc::default(),
            publishing: Publishing::default(),
            in_flight: InFlight::default(),
            container_logs,
            logs,
            deployer: Deployer::new(engine.clone(), &config.deployments),
            certificates: Arc::clone(&certificates),
            endpoint: Endpoint::new(&config.deployments.service_domain),
            is_tls: tls.is_some(),
            entrance: entrance(&config.deployments, tls.is_some(), &addresses),
            deployments: config.deployments,
            routes: crate::endpoint::routes::Routes::default(),
        });
        archives.are_of(&app);
        let leftovers = jobs::leftovers::list(&app).await.context("cannot list what an earlier run left")?;
        let crashed = begin_run(&app, &data_dir).await?;
        warn_of_settings(&app);
        let terms = jobs::Terms {
            collection: config.collection.interval,
            scrub: config.scrub_interval,
            pace,
            data_dir: data_dir.path(),
            leftovers,
            crashed,
        };
        let mut tasks = jobs::start(&app, terms, &stop);
        let done = CancellationToken::new();
        let keeping = tokio::spawn(Arc::clone(&app.claims).keep(done.clone()));
        let serving = listening.serve(tls.as_ref(), &app, &stop)?;
        tasks.extend(serving.admin);
        let serving = serving.requests;
        Ok(Self { addresses, endpoint, stop, serving, tasks, done, keeping, app, data_dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.addresses.main
    }

    /// The URL by which a client on this machine reaches it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What runs images, if anything does, in words for people: `docker`.
    pub fn engine(&self) -> Option<String> {
        self.app.deployer.engine().map(|engine| engine.name().to_owned())
    }

    /// Waits until the engine has nothing of the services of this name, for so long at the most; whether that is so. A
    /// service that was deleted goes in the background.
    pub async fn runs_nothing_of(&self, service: &str, longest: Duration) -> bool {
        let Some(engine) = self.app.deployer.engine() else { return true };
        let end = tokio::time::Instant::now() + longest;
        loop {
            let nodes = engine.nodes(None).await;
            if nodes.is_ok_and(|nodes| nodes.iter().all(|node| node.name.service != service)) {
                return true;
            }
            if tokio::time::Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Where it answers health, if anywhere.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.addresses.admin
    }

    /// Where only services answer, if anywhere.
    pub fn endpoint_address(&self) -> Option<SocketAddr> {
        self.addresses.services
    }

    /// Reads the files of all certificates and their keys anew. Where they cannot be used, those before stay.
    pub async fn reload_certificates(&self) {
        let certificates = Arc::clone(&self.app.certificates);
        // A panic is told where it happens.
        let _ = tokio::task::spawn_blocking(move || certificates.reload()).await;
    }

    /// Takes no more requests, finishes those in flight, and returns.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server ended badly");
            }
        }
        let mut drained = true;
        for serving in self.serving {
            drained &= serving.await.unwrap_or(false);
        }
        self.done.cancel();
        let _ = self.keeping.await;
        // What the last requests told of.
        jobs::audit::note(&self.app, Taken::All).await;
        if let Err(error) = jobs::marks::keep(&self.app).await {
            tracing::warn!(%error, "cannot keep the time");
        }
        if self.app.logs.is_in_use() {
            let logs = Arc::clone(&self.app.logs);
            // A panic is told where it happens.
            let _ = tokio::task::spawn_blocking(move || logs.flush()).await;
        }
        // Otherwise something may be published that has no row: the next start looks for it.
        if drained
            && self.app.metadata.is_healthy()
            && !self.app.orphaned.load(Ordering::Acquire)
            && let Err(error) = self.data_dir.end_run()
        {
            tracing::warn!(%error, "the next start will look for what a crash may have left");
        }
    }
}

/// Notes that a run begins; says whether the one before was cut.
async fn begin_run(app: &App, data_dir: &DataDir) -> Result<bool> {
    let crashed = data_dir.begin_run()?;
    if crashed {
        jobs::orphans::of_sessions(app).await.context("cannot clear what a crash left")?;
    }
    Ok(crashed)
}

/// Where services are reached: as the server was told, or else where it listens.
fn entrance(told: &Deployments, is_tls: bool, addresses: &Addresses) -> Entrance {
    let port = addresses.services.unwrap_or(addresses.main).port();
    told.service_entrance.unwrap_or(Entrance { is_tls, port })
}

/// Tells of settings that a server runs with, but not well.
fn warn_of_settings(app: &App) {
    if app.leases.grace < SAFE_GRACE {
        tracing::warn!(
            grace = ?app.leases.grace,
            "the grace period of garbage collection is shorter than a login lives: a push may be refused \
             because what it was told to skip is gone"
        );
    }
    for network in app.proxies.iter().filter(|network| network.is_wide()) {
        tracing::warn!(
            %network,
            "trusted-proxies takes in addresses of strangers, who can then write in X-Forwarded-For whom a \
             request comes from; name the addresses of the proxies alone"
        );
    }
}

fn refuse_plain_http(config: &Config) -> Result<()> {
    if config.tls.is_none() && !config.insecure_http && !config.listen.ip().is_loopback() {
        bail!(
            "{} is not a loopback address, and plain HTTP would show passwords to the network: give --tls-cert \
             and --tls-key, or --insecure-http if something in front of gangplank serves TLS",
            config.listen
        );
    }
    Ok(())
}

/// The key that opens what this database has sealed.
async fn master_key(config: &Config, data_dir: &DataDir, metadata: &dyn Metadata) -> Result<MasterKey> {
    let keys = root_key::all_access_keys(metadata).await?;
    MasterKey::of(data_dir, config.master_key_file.as_deref(), &keys)
}

/// What the things of this data directory are labelled with in an engine: the number that the database and its folder
/// share.
fn owner(number: Option<i64>) -> Result<String> {
    let number = number.context("the folder of contents has no number")?;
    Ok(format!("{:016x}", number.cast_unsigned()))
}
