//! A running server: its start, and a stop that loses no request.

mod provided;
mod settings;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use gangplank_engine::{Engine, Output};
use gangplank_store::blobs::BlobStore;
use gangplank_store::coordination::Coordinator;
use gangplank_store::logs::Logs;
use gangplank_store::metadata::Metadata;
use gangplank_store::open::{Bucket, BucketCalls};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::certificates::Certificates;
use crate::config::{Config, Limits};
use crate::container_logs::ContainerLogs;
use crate::coordination::Claims;
use crate::deployments::Deployer;
use crate::deployments::among::Among;
use crate::deployments::archives::Images;
use crate::deployments::engines::Here;
use crate::deployments::pace::Pace;
use crate::endpoint::Endpoint;
use crate::home::Home;
use crate::http::connections::Connections;
use crate::http::large_answers::LargeAnswers;
use crate::http::own_thread::Threads;
use crate::http::request_id::RequestIds;
use crate::http::small_body::Budget;
use crate::http::unverified::Unverified;
use crate::last_use::{KeyUse, LoginUse};
use crate::listening::{Addresses, Listening};
use crate::metrics::{Metrics, Sources};
use crate::oidc::Issuers;
use crate::opening::Opened;
use crate::publishing::Publishing;
use crate::pulls::Pulls;
use crate::refusals::{Refusals, Taken};
use crate::registry::failed_logins::FailedLogins;
use crate::registry::finished_uploads::FinishedUploads;
use crate::registry::gathered::Gathering;
use crate::registry::room::InFlight;
use crate::{jobs, opening, root_key, sealing};

use provided::{Elsewhere, Runs, owner};

/// How many identity tokens of an address may be refused in a minute before the address is slowed down. A job
/// whose role does not trust it tries 12 to 36 times.
const FAILED_EXCHANGES_PER_MINUTE: u32 = 60;

/// Is called when a server begins to wait for its store.
type Waits = Box<dyn FnOnce(Waiting) + Send>;

/// A server that listens, and waits for its store.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The URL by which clients on this machine reach the server.
    pub endpoint: String,
    /// The address of the admin listener, if there is one.
    pub admin: Option<SocketAddr>,
}

/// A running server. It stops with [`stop`](Self::stop), and not when it is dropped.
pub struct Server {
    addresses: Addresses,
    endpoint: String,
    stop: CancellationToken,
    /// Ends the listener for other replicas. Until the jobs have ended, services may still run here.
    replicas_stop: CancellationToken,
    /// Each task returns whether every request finished in time.
    serving: Vec<JoinHandle<bool>>,
    tasks: Vec<JoinHandle<()>>,
    /// Cancelled when all requests are done.
    done: CancellationToken,
    /// Renews the claims until `done`.
    keeping: JoinHandle<()>,
    pub(crate) app: Arc<App>,
    // Locked until the last request is done.
    home: Home,
}

impl Server {
    /// Starts a server. The server accepts requests when this function returns.
    ///
    /// # Errors
    /// If the data directory is in use or unreadable, if an address cannot be used, if TLS files cannot be
    /// read, or if plain HTTP would be served beyond loopback without `insecure_http`.
    // The future is boxed, so that it is compiled in this crate with all that it starts. Otherwise it would be
    // compiled in each crate that awaits it, and the program's own crate is optimized for size.
    #[inline(never)]
    pub fn start(config: Config) -> Pin<Box<dyn Future<Output = Result<Self>> + Send>> {
        Self::start_when_possible(config, |_| ())
    }

    /// Starts a server as [`start`](Self::start) does. `waits` is called if the store is one that servers share, and
    /// is out of reach. The server then listens and refuses requests, and the future continues.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    #[inline(never)]
    pub fn start_when_possible(
        config: Config,
        waits: impl FnOnce(Waiting) + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<Self>> + Send>> {
        Box::pin(Self::begin(config, Runs::Configured, Pace::default(), None, Box::new(waits)))
    }

    /// Starts a server whose blobs are in the caller's store, and not in the data directory.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_over(config: Config, blobs: Arc<dyn BlobStore>) -> Result<Self> {
        let elsewhere = Elsewhere { blobs, coordinator: None };
        Box::pin(Self::begin(config, Runs::Configured, Pace::default(), Some(elsewhere), Box::new(|_| ())))
            .await
    }

    /// Starts a server over the caller's store of bytes. The caller's coordinator grants its claims.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_among(
        config: Config,
        blobs: Arc<dyn BlobStore>,
        coordinator: Arc<dyn Coordinator>,
    ) -> Result<Self> {
        let elsewhere = Elsewhere { blobs, coordinator: Some(coordinator) };
        Box::pin(Self::begin(config, Runs::Configured, Pace::default(), Some(elsewhere), Box::new(|_| ())))
            .await
    }

    /// Starts a server with the caller's engine and pace. `engine` is called with the receiver of the
    /// containers' output.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(
        config: Config,
        engine: impl FnOnce(Arc<dyn Output>) -> Arc<dyn Engine> + Send + 'static,
        pace: Pace,
    ) -> Result<Self> {
        Box::pin(Self::begin(config, Runs::On(Box::new(engine)), pace, None, Box::new(|_| ()))).await
    }

    /// Checks a configuration. Nothing is started or written.
    ///
    /// # Errors
    /// If TLS files cannot be read, if an issuer or the bucket cannot be used, if the admin listener is not
    /// allowed, or if plain HTTP would be served beyond loopback without `insecure_http`.
    pub fn check(config: &Config) -> Result<()> {
        settings::check_addresses(config)?;
        Certificates::open(config)?;
        Issuers::open(&config.issuers)?;
        Ok(config.bucket.as_ref().map_or(Ok(()), Bucket::check)?)
    }

    async fn begin(
        config: Config,
        runs: Runs,
        pace: Pace,
        elsewhere: Option<Elsewhere>,
        waits: Waits,
    ) -> Result<Self> {
        settings::check_addresses(&config)?;
        let issuers = Issuers::open(&config.issuers)?;
        let certificates = Arc::new(Certificates::open(&config)?);
        let tls = certificates.acceptor()?;
        // Listening comes before anything is made: a server that cannot start should not leave a directory and a key
        // behind.
        let listening = Listening::bind(&config).await?;
        let addresses = listening.addresses()?;
        let home = Home::take(&config.location)?;
        let endpoint = root_key::local_endpoint(if tls.is_some() { "https" } else { "http" }, addresses.main);
        let waiting = Waiting { endpoint: endpoint.clone(), admin: addresses.admin };
        let refusing = listening.refuse(tls.as_ref());
        let opened = opening::open(&config, &home, &endpoint, refusing, || waits(waiting)).await?;
        let Opened { metadata, blobs, coordinator, places, bucket_calls, number, clock, master } = opened;
        let (blobs, coordinator) = Elsewhere::or(elsewhere, blobs, coordinator);
        let removal_terms = settings::removal_terms(&config, blobs.as_ref());
        let logs = Arc::new(settings::logs(&config, &home, addresses));
        let container_logs = Arc::new(ContainerLogs::new(Arc::clone(&logs), clock.clone()));
        let archives = Arc::new(Images::default());
        let here = Here { owner: owner(number)?, address: addresses.main };
        let (output, images) = (Arc::clone(&container_logs) as _, Arc::clone(&archives) as _);
        let engine = runs.engine(&config, here, output, images).await?;
        config.check_admin_listener(engine.as_ref().map(|engine| engine.name()))?;
        let (stop, started) = (CancellationToken::new(), clock.now());
        let run = uuid::Uuid::new_v4().simple().to_string();
        let reached_at = config.replica_address(addresses.replicas)?;
        let among = places.map(|places| Among::of(places, run.clone(), reached_at));
        let metrics = Metrics::new(started, sources(&config, &logs, metadata.as_ref(), bucket_calls));
        let Limits { connections, connections_per_address, .. } = config.limits;
        let app = Arc::new(App {
            metadata,
            blobs,
            removals: home.removals(),
            removal_terms,
            master,
            clock,
            leases: config.collection.leases,
            quotas: config.quotas,
            limits: config.limits,
            regions: config.regions,
            public_address: config.public_address,
            redirects: config.redirects,
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
            small_bodies: Budget::new(config.limits.buffered_bytes, config.limits.manifest_bytes),
            large_answers: LargeAnswers::new(config.limits.buffered_bytes),
            unverified: Unverified::new(config.limits.unverified_bytes),
            connections: Arc::new(Connections::new(connections, connections_per_address)),
            gathering: Gathering::default(),
            threads: Threads::default(),
            is_leaving: AtomicBool::new(false),
            requests: TaskTracker::new(),
            discarded: tokio::sync::Notify::new(),
            request_ids: RequestIds::new(sealing::random_bytes()?),
            processor_shares: crate::processor_shares::ProcessorShares::new(metrics.rests()),
            metrics: Arc::new(metrics),
            orphaned: Arc::default(),
            publishing: Publishing::default(),
            in_flight: InFlight::default(),
            container_logs,
            logs,
            deployer: Deployer::new(engine.clone(), &config.deployments, among),
            certificates: Arc::clone(&certificates),
            endpoint: Endpoint::new(&config.deployments.service_domain),
            is_tls: tls.is_some(),
            entrance: settings::entrance(&config.deployments, tls.is_some(), &addresses),
            deployments: config.deployments,
            routes: crate::endpoint::routes::Routes::default(),
        });
        archives.are_of(&app);
        let leftovers = jobs::leftovers::list(&app).await.context("cannot list what an earlier run left")?;
        let crashed = begin_run(&app, &home).await?;
        settings::warn_of(&app);
        let terms = jobs::Terms {
            collection: config.collection.interval,
            scrub: config.scrub_interval,
            pace,
            data_dir: home.path(),
            leftovers,
            crashed,
        };
        let mut tasks = jobs::start(&app, terms, &stop);
        let done = CancellationToken::new();
        let keeping = tokio::spawn(Arc::clone(&app.claims).keep(done.clone()));
        let replicas_stop = CancellationToken::new();
        let serving = listening.serve(tls.as_ref(), &app, &stop, &replicas_stop)?;
        tasks.extend(serving.admin);
        let serving = serving.requests;
        Ok(Self { addresses, endpoint, stop, replicas_stop, serving, tasks, done, keeping, app, home })
    }

    /// The main address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.addresses.main
    }

    /// The URL by which clients on this machine reach the server.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The name of the engine for people, such as `docker`. `None` if there is no engine.
    pub fn engine(&self) -> Option<String> {
        self.app.deployer.engine().map(|engine| engine.name().to_owned())
    }

    /// Waits until the engine has no nodes of services with this name, at most for `longest`. Returns whether
    /// the engine has no such nodes. The nodes of a deleted service are removed in the background.
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

    /// The address of the admin listener, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.addresses.admin
    }

    /// The address that only services answer on, if there is one.
    pub fn endpoint_address(&self) -> Option<SocketAddr> {
        self.addresses.services
    }

    /// The address that sends visitors on to `https://`, if there is one.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http
    }

    /// The address that other replicas relay requests to, if there is one.
    pub fn replica_address(&self) -> Option<SocketAddr> {
        self.addresses.replicas
    }

    /// Reads the files of all certificates and keys again. A certificate whose files cannot be used stays as it
    /// is.
    pub async fn reload_certificates(&self) {
        let certificates = Arc::clone(&self.app.certificates);
        // A panic is logged where it happens.
        let _ = tokio::task::spawn_blocking(move || certificates.reload()).await;
    }

    /// Stops the server. First the server says that it is not ready. Then it accepts no further requests, and
    /// finishes those that are running.
    pub async fn stop(self) {
        self.app.is_leaving.store(true, Ordering::Release);
        self.app.deployer.leave();
        tokio::time::sleep(self.app.limits.drain_delay).await;
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server ended with a panic");
            }
        }
        self.replicas_stop.cancel();
        let mut drained = true;
        for serving in self.serving {
            drained &= serving.await.unwrap_or(false);
        }
        self.done.cancel();
        let _ = self.keeping.await;
        // The last requests may have recorded events.
        jobs::audit::note(&self.app, Taken::All).await;
        if let Err(error) = jobs::marks::keep(&self.app).await {
            tracing::warn!(%error, "cannot store the steady time");
        }
        self.app.claims.are_released().await;
        if self.app.logs.is_in_use() {
            let logs = Arc::clone(&self.app.logs);
            // A panic is logged where it happens.
            let _ = tokio::task::spawn_blocking(move || logs.flush()).await;
        }
        // If requests did not finish, published content may lack a row, and the next start has to look for it.
        if drained
            && self.app.metadata.is_healthy()
            && !self.app.orphaned.load(Ordering::Acquire)
            && let Err(error) = self.home.end_run()
        {
            tracing::warn!(%error, "the next start will look for what a crash may have left");
        }
    }
}

/// The figures that parts of the server count.
fn sources(
    config: &Config,
    logs: &Logs,
    metadata: &dyn Metadata,
    bucket: Option<Arc<BucketCalls>>,
) -> Sources {
    Sources {
        dropped_log_lines: Arc::clone(&config.dropped_log_lines),
        dropped_of_containers: logs.dropped(),
        database: metadata.statistics(),
        bucket,
        counts_accounts: config.account_metrics,
    }
}

/// Records that a run begins. After a crash, removes what the crash left. Returns whether there was a crash.
async fn begin_run(app: &App, home: &Home) -> Result<bool> {
    let crashed = home.begin_run()?;
    if crashed {
        jobs::orphans::of_sessions(app).await.context("cannot clear what a crash left")?;
    }
    Ok(crashed)
}
