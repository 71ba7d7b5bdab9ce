//! A running server: started, and stopped without losing a request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result, bail};
use gangplank_core::lease::SAFE_GRACE;
use gangplank_core::{Origin, Time};
use gangplank_store::metadata::progress::Mark;
use gangplank_store::metadata::{Progress as _, Sqlite};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::endpoint::Endpoint;
use crate::http::connections::Connections;
use crate::http::own_thread::Threads;
use crate::http::small_body::Budget;
use crate::http::unverified::Unverified;
use crate::listening::{Addresses, Listening};
use crate::login_use::LoginUse;
use crate::metrics::Metrics;
use crate::publishing::Publishing;
use crate::pulls::Pulls;
use crate::refusals::{Refusals, Taken};
use crate::registry::failed_logins::FailedLogins;
use crate::registry::finished_uploads::FinishedUploads;
use crate::registry::gathered::Gathering;
use crate::registry::room::InFlight;
use crate::registry::upload_locks::UploadLocks;
use crate::sealing::MasterKey;
use crate::{content_folder, jobs, root_key};

/// A running server. It stops when told to, not when dropped.
pub struct Server {
    addresses: Addresses,
    endpoint: String,
    stop: CancellationToken,
    /// Each says in the end whether every request was finished.
    serving: Vec<JoinHandle<bool>>,
    tasks: Vec<JoinHandle<()>>,
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
        Box::pin(Self::begin(config))
    }

    /// Whether a server can be told this; nothing is started and nothing written.
    ///
    /// # Errors
    /// If TLS files cannot be read, or plain HTTP would leave this machine without having been asked for.
    pub fn check(config: &Config) -> Result<()> {
        refuse_plain_http(config)?;
        Certificates::open(config)?;
        Ok(())
    }

    async fn begin(config: Config) -> Result<Self> {
        refuse_plain_http(&config)?;
        let certificates = Arc::new(Certificates::open(&config)?);
        let tls = certificates.acceptor()?;
        // Before anything is made: a directory and a key of a server that cannot start help nobody.
        let listening = Listening::bind(&config).await?;
        let addresses = listening.addresses()?;
        let data_dir = DataDir::take(&config.data_dir)?;
        let metadata = Sqlite::open(&data_dir.database()).context("cannot open the database")?;
        let master = MasterKey::of(&data_dir, &root_key::all_access_keys(&metadata).await?)?;
        let blobs = content_folder::open(&metadata, &data_dir).await?;
        let blobs = blobs.with_reserve(config.limits.disk_reserve);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let endpoint = root_key::local_endpoint(scheme, addresses.main);
        let clock = Clock::start(metadata.mark(Mark::SteadyTime).await?.map(Time));
        let here = Origin::local(clock.now());
        root_key::provide(&metadata, &here, &master, &data_dir, config.root_key, &endpoint).await?;

        let stop = CancellationToken::new();
        let app = Arc::new(App {
            metadata: Arc::new(metadata),
            blobs: Arc::new(blobs),
            master,
            clock,
            leases: config.collection.leases,
            quotas: config.quotas,
            limits: config.limits,
            regions: config.regions,
            public_address: config.public_address,
            proxies: config.proxies,
            audit: config.audit,
            refusals: Refusals::default(),
            pulls: Pulls::default(),
            login_use: LoginUse::default(),
            finished_uploads: FinishedUploads::default(),
            failed_logins: FailedLogins::new(config.limits.failed_logins_per_minute),
            upload_locks: UploadLocks::default(),
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
            collecting: tokio::sync::Mutex::default(),
            metrics: Metrics::new(config.dropped_log_lines),
            orphaned: Arc::default(),
            publishing: Publishing::default(),
            in_flight: InFlight::default(),
            logs: gangplank_store::logs::Logs::open(data_dir.path().join("logs"), config.deployments.logs)?,
            deployer: crate::deployments::Deployer::none(),
            certificates: Arc::clone(&certificates),
            endpoint: Endpoint::new(&config.deployments.service_domain),
            deployments: config.deployments,
            routes: crate::endpoint::routes::Routes::default(),
            run: uuid::Uuid::new_v4().simple().to_string(),
        });
        let leftovers = jobs::leftovers::list(&app).await.context("cannot list what an earlier run left")?;
        let crashed = data_dir.begin_run()?;
        if crashed {
            jobs::orphans::of_sessions(&app).await.context("cannot clear what a crash left")?;
        }
        if config.collection.leases.grace < SAFE_GRACE {
            tracing::warn!(
                grace = ?config.collection.leases.grace,
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
        let mut tasks = vec![
            tokio::spawn(jobs::audit::run(Arc::clone(&app), stop.clone())),
            tokio::spawn(jobs::marks::run(Arc::clone(&app), stop.clone())),
            tokio::spawn(jobs::collection::run(Arc::clone(&app), config.collection.interval, stop.clone())),
            tokio::spawn(jobs::expiry::run(Arc::clone(&app), stop.clone())),
            tokio::spawn(jobs::discarded::run(Arc::clone(&app), stop.clone())),
            tokio::spawn(jobs::private::run(data_dir.path().to_owned(), stop.clone())),
            tokio::spawn(jobs::leftovers::remove(Arc::clone(&app), leftovers)),
            tokio::spawn(jobs::scrub::run(Arc::clone(&app), config.scrub_interval, stop.clone())),
        ];
        if crashed {
            tasks.push(tokio::spawn(jobs::orphans::run(Arc::clone(&app), stop.clone())));
        }
        if !certificates.is_empty() {
            tasks.push(tokio::spawn(jobs::certificates::run(certificates, stop.clone())));
        }
        let serving = listening.serve(tls.as_ref(), &app, &stop)?;
        tasks.extend(serving.admin);
        Ok(Self { addresses, endpoint, stop, serving: serving.requests, tasks, app, data_dir })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.addresses.main
    }

    /// The URL by which a client on this machine reaches it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
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
        // What the last requests told of.
        jobs::audit::note(&self.app, Taken::All).await;
        if let Err(error) = jobs::marks::keep(&self.app).await {
            tracing::warn!(%error, "cannot keep the time");
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
