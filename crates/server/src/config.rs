//! The configuration of a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use gangplank_core::tenant::REGIONS;
use gangplank_core::upload::Lifetime;
use gangplank_core::{AccessKeyId, Leases, Quotas, Region, SecretAccessKey};

use gangplank_oci::ManifestLimits;
use gangplank_store::blobs::DEFAULT_RESERVE;
use gangplank_store::open::{Bucket, Failovers, Location};

pub use crate::discarded::RESTORE_WINDOW;

use crate::sealing::MasterKey;

mod deployments;
mod issuers;

pub use deployments::{Deployments, EngineChoice};
pub use issuers::{Issuer, IssuerKeys};

pub use gangplank_core::Network;

/// The complete configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address for the API and the registry.
    pub listen: SocketAddr,
    /// The address for health and metrics. `None` turns them off.
    pub admin_listen: Option<SocketAddr>,
    /// The place for the database and the other files.
    pub location: Location,
    /// Whether the start changes the tables of a shared database for this program.
    pub upgrades_database: bool,
    /// The bucket for blobs, if they are not stored in `location`.
    pub bucket: Option<Bucket>,
    /// Whether pulls of large blobs are redirected to the bucket, and how. `None` means that the server passes
    /// all bytes on.
    pub redirects: Option<Redirects>,
    /// The file with the master key. `None` means the one in the data directory.
    pub master_key_file: Option<PathBuf>,
    /// The master key of a store without a data directory.
    pub master_key: Option<MasterKey>,
    /// The `host[:port]` by which clients reach the registry. `None` means the address that they called the API
    /// by.
    pub public_address: Option<String>,
    /// The files for TLS. `None` means plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether plain HTTP is allowed beyond loopback, where others could read passwords.
    pub insecure_http: bool,
    /// Whether the web console is served, under `/console/`.
    pub console: bool,
    /// The regions that requests may be signed for.
    pub regions: Vec<Region>,
    /// The root access key of the first start. `None` means that one is generated.
    pub root_key: Option<(AccessKeyId, SecretAccessKey)>,
    /// The quotas of each account.
    pub quotas: Quotas,
    /// The limits for each client.
    pub limits: Limits,
    /// The networks of proxies in front of the server. Only their `X-Forwarded-For` is believed.
    pub proxies: Vec<Network>,
    /// How much of the audit trail is kept.
    pub audit: AuditKept,
    /// When garbage collection runs, and how long unreferenced content stays.
    pub collection: Collection,
    /// The settings of deployments.
    pub deployments: Deployments,
    /// The issuers whose identity tokens may open roles.
    pub issuers: Vec<Issuer>,
    /// The time in which the background scrub reads all content once. `None` turns it off.
    pub scrub_interval: Option<Duration>,
    /// Whether the metrics have the bytes of each account.
    pub account_metrics: bool,
    /// The number of dropped lines of the log. The writer of the log counts them.
    pub dropped_log_lines: Arc<AtomicU64>,
}

impl Config {
    /// The default configuration for a data directory. Listens on port 5000 of loopback.
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            listen: (std::net::Ipv4Addr::LOCALHOST, 5000).into(),
            admin_listen: None,
            location: Location::Local { dir: data_dir },
            upgrades_database: false,
            bucket: None,
            redirects: None,
            master_key_file: None,
            master_key: None,
            public_address: None,
            tls: None,
            insecure_http: false,
            console: true,
            regions: REGIONS.iter().filter_map(|region| Region::parse(region)).collect(),
            root_key: None,
            quotas: Quotas::default(),
            limits: Limits::default(),
            proxies: Vec::new(),
            audit: AuditKept::default(),
            collection: Collection::default(),
            deployments: Deployments::default(),
            issuers: Vec::new(),
            scrub_interval: None,
            account_metrics: false,
            dropped_log_lines: Arc::default(),
        }
    }
}

/// How pulls are redirected to the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    /// The URL by which clients reach the bucket's server. `None` means the server's own endpoint.
    pub endpoint: Option<String>,
    /// The host of the URLs, without a port.
    pub host: String,
}

impl Redirects {
    /// Whether clients keep their login when the registry at `host[:port]` redirects them. They keep it for the
    /// same host and for hosts below it. The bucket's server would then get the login, and some servers refuse
    /// it.
    pub fn carry_login(&self, from: &str) -> bool {
        let plain = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        let from = match from.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => from,
        };
        let (from, to) = (plain(from), plain(&self.host));
        to == from || to.strip_suffix(&from).is_some_and(|below| below.ends_with('.'))
    }
}

/// How much of the audit trail is kept. Older events, and those beyond the number, are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditKept {
    /// How long an event is kept.
    pub age: Duration,
    /// The most events of one account.
    pub events: u64,
}

impl Default for AuditKept {
    fn default() -> Self {
        Self { age: Duration::from_hours(90 * 24), events: 1_000_000 }
    }
}

/// When garbage collection runs, and how long unreferenced content stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// How long unreferenced content is kept.
    pub leases: Leases,
    /// The pause between two cycles.
    pub interval: Duration,
    /// How long the bytes of discarded content stay in a bucket; `None` is [`RESTORE_WINDOW`].
    pub restore_window: Option<Duration>,
    /// Whether a failover of the database may lose commits.
    pub failovers: Failovers,
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            leases: Leases::default(),
            interval: Duration::from_mins(10),
            restore_window: None,
            failovers: Failovers::default(),
        }
    }
}

/// A certificate chain and its private key, in PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, which begins with the server's own certificate.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The limits for each client. None can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest manifest, in bytes.
    pub manifest_bytes: u64,
    /// The limits for the content of a manifest.
    pub manifest: ManifestLimits,
    /// How many indexes may nest above an image.
    pub index_depth: u32,
    /// The largest blob, in bytes.
    pub blob_bytes: u64,
    /// The largest body of an API request, in bytes.
    pub api_body_bytes: u64,
    /// The longest path and query of a request, in bytes.
    pub target_bytes: usize,
    /// The headers of a request together, in bytes.
    pub header_bytes: usize,
    /// The most headers of a request.
    pub headers: usize,
    /// The longest `Authorization` header, in bytes.
    pub authorization_bytes: usize,
    /// The memory for manifests and verified API requests together, in bytes.
    pub buffered_bytes: usize,
    /// The memory for unverified API requests together, in bytes. One address may use an eighth of it.
    pub unverified_bytes: usize,
    /// How many bytes of the disk uploads leave free; on a small disk at most an eighth of the disk.
    pub disk_reserve: u64,
    /// How long an upload session may last.
    pub upload: Lifetime,
    /// The most open connections.
    pub connections: usize,
    /// The most open connections of one address. Beyond it, unauthenticated connections are closed.
    pub connections_per_address: usize,
    /// The most refused logins of an address per minute. Further ones are answered with 429.
    pub failed_logins_per_minute: u32,
    /// The longest time for the head of a request.
    pub header_read: Duration,
    /// The longest time between two requests of a connection.
    pub idle: Duration,
    /// The longest pause in the middle of a body.
    pub body_stall: Duration,
    /// The longest time until a service's container begins its answer.
    pub answer: Duration,
    /// The largest difference between a signature's date and the server's clock.
    pub signature_skew: Duration,
    /// How long the server still accepts connections after the order to stop. In this time it says that it is
    /// not ready, so that a load balancer sends no more requests.
    pub drain_delay: Duration,
    /// How long requests may continue after `drain_delay`.
    pub drain: Duration,
}

impl Limits {
    /// The longest head of a request, in bytes: its first line and its headers.
    pub(crate) fn head_bytes(&self) -> usize {
        // The rest of the first line is short.
        self.target_bytes + self.header_bytes + (1 << 10)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            manifest: ManifestLimits::default(),
            index_depth: 4,
            blob_bytes: 10 << 30,
            api_body_bytes: 1 << 20,
            target_bytes: 8 << 10,
            header_bytes: 32 << 10,
            headers: 100,
            authorization_bytes: 4 << 10,
            buffered_bytes: 64 << 20,
            unverified_bytes: 16 << 20,
            disk_reserve: DEFAULT_RESERVE,
            upload: Lifetime::default(),
            connections: 20_000,
            connections_per_address: 1_024,
            failed_logins_per_minute: 20,
            header_read: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            body_stall: Duration::from_mins(1),
            answer: Duration::from_mins(1),
            signature_skew: Duration::from_mins(15),
            drain_delay: Duration::ZERO,
            drain: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_along_to_the_same_host_and_below_it() {
        for (from, to, carried) in [
            ("registry.test", "s3.test", false),
            ("registry.test:5000", "registry.test", true),
            ("Registry.test", "registry.TEST.", true),
            ("registry.test", "s3.registry.test", true),
            ("registry.test", "s3-registry.test", false),
            ("s3.registry.test", "registry.test", false),
            ("127.0.0.1:5000", "127.0.0.1", true),
            ("127.0.0.1:5000", "localhost", false),
            ("[::1]:5000", "[::1]", true),
        ] {
            let redirects = Redirects { endpoint: None, host: to.to_owned() };
            assert_eq!(redirects.carry_login(from), carried, "{from} {to}");
        }
    }
}
