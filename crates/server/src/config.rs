//! What a server is told before it starts.

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
use gangplank_store::open::{Bucket, Location};

mod deployments;
mod issuers;

pub use deployments::{Deployments, EngineChoice};
pub use issuers::{Issuer, IssuerKeys};

pub use gangplank_core::Network;

/// Everything a server is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API and the registry listen.
    pub listen: SocketAddr,
    /// Where health is answered; nowhere if `None`.
    pub admin_listen: Option<SocketAddr>,
    /// Where everything is kept.
    pub location: Location,
    /// Where blobs are kept that are not kept there.
    pub bucket: Option<Bucket>,
    /// The file of the master key; one in the data directory if `None`.
    pub master_key_file: Option<PathBuf>,
    /// The `host[:port]` that clients reach the registry by, if not the one they called the API by.
    pub public_address: Option<String>,
    /// Serve TLS with these files; plain HTTP if `None`.
    pub tls: Option<TlsFiles>,
    /// Serve plain HTTP beyond loopback, where passwords can be read on the way.
    pub insecure_http: bool,
    /// Whether the web console is served, under `/console/`.
    pub console: bool,
    /// The regions that requests may be signed for.
    pub regions: Vec<Region>,
    /// The root access key to start with, if it is not to be generated.
    pub root_key: Option<(AccessKeyId, SecretAccessKey)>,
    /// How much one account may have.
    pub quotas: Quotas,
    /// How much one client may ask of the server.
    pub limits: Limits,
    /// The addresses of proxies in front of the server: their `X-Forwarded-For` is believed, nobody else's.
    pub proxies: Vec<Network>,
    /// How much of the audit trail is kept.
    pub audit: AuditKept,
    /// What is collected, and how often.
    pub collection: Collection,
    /// How registered images are run.
    pub deployments: Deployments,
    /// Whose identity tokens may open roles.
    pub issuers: Vec<Issuer>,
    /// Within how long all content is read and hashed again, in the background; never if `None`.
    pub scrub_interval: Option<Duration>,
    /// How many lines of the log were dropped, as whoever writes it counts them.
    pub dropped_log_lines: Arc<AtomicU64>,
}

impl Config {
    /// Everything as it is without being told, in this data directory. Listens on port 5000 of loopback.
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            listen: (std::net::Ipv4Addr::LOCALHOST, 5000).into(),
            admin_listen: None,
            location: Location::Local { dir: data_dir },
            bucket: None,
            master_key_file: None,
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
            dropped_log_lines: Arc::default(),
        }
    }
}

/// How much of the audit trail is kept: what is older, or more, is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditKept {
    /// How long an event is kept.
    pub age: Duration,
    /// How many events of one account are kept.
    pub events: u64,
}

impl Default for AuditKept {
    fn default() -> Self {
        Self { age: Duration::from_hours(90 * 24), events: 1_000_000 }
    }
}

/// What is collected as garbage, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// How long what nothing holds is kept.
    pub leases: Leases,
    /// How long after one cycle the next begins.
    pub interval: Duration,
}

impl Default for Collection {
    fn default() -> Self {
        Self { leases: Leases::default(), interval: Duration::from_mins(10) }
    }
}

/// A certificate chain and its private key, in PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How much one client may ask of the server. None can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a manifest.
    pub manifest_bytes: u64,
    /// What a manifest may hold.
    pub manifest: ManifestLimits,
    /// How deep indexes may nest: so many, one in the other, above an image.
    pub index_depth: u32,
    /// Bytes of a blob.
    pub blob_bytes: u64,
    /// Bytes of an API request.
    pub api_body_bytes: u64,
    /// Bytes of a request's path and query.
    pub target_bytes: usize,
    /// Bytes of a request's headers together.
    pub header_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of an `Authorization` header.
    pub authorization_bytes: usize,
    /// Bytes of manifests and verified API requests that are held at once, all together.
    pub buffered_bytes: usize,
    /// Bytes of API requests whose signature is not verified yet that are held at once, all together; an eighth of it
    /// from one address.
    pub unverified_bytes: usize,
    /// Bytes of the disk that uploads leave free, or an eighth of a small disk.
    pub disk_reserve: u64,
    /// How long an upload session lives.
    pub upload: Lifetime,
    /// Connections open at once.
    pub connections: usize,
    /// Connections of one address open at once. Over it, those on which nothing was authenticated give way.
    pub connections_per_address: usize,
    /// Refused logins per minute and address, before they are answered 429.
    pub failed_logins_per_minute: u32,
    /// How long a client may take to send a request's head.
    pub header_read: Duration,
    /// How long a connection may be open between two requests.
    pub idle: Duration,
    /// How long a client may send nothing in the middle of a body.
    pub body_stall: Duration,
    /// How long a service's container may take to begin its answer.
    pub answer: Duration,
    /// How far a signature's date may be from the server's clock, either way.
    pub signature_skew: Duration,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
}

impl Limits {
    /// Bytes of a request's head: its first line and its headers.
    pub(crate) fn head_bytes(&self) -> usize {
        // Of the first line, all but the path and query is short.
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
            drain: Duration::from_secs(30),
        }
    }
}
