//! The gauges of `/metrics`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gangplank_store::blobs::Space;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The present values of the gauges.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The counts of rows; `None` if the database cannot be read.
    pub(crate) rows: Option<Rows>,
    /// The number of open connections.
    pub(crate) connections: usize,
    /// Whether the database takes writes.
    pub(crate) is_database_up: bool,
    /// The size and free space of the disk for content; `None` if it cannot be read.
    pub(crate) space: Option<Space>,
    /// The reserve: bytes of the disk that pushes leave free.
    pub(crate) reserve: u64,
}

/// The counts of rows. All replicas report the same, because they share the rows.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The number of open upload sessions.
    pub(crate) open_uploads: usize,
    /// The number of contents whose bytes are not deleted yet.
    pub(crate) discarded: u64,
    /// The age of the oldest discarded content; zero if there is none.
    pub(crate) discarded_age: Duration,
    /// The bytes of each account that is reported.
    pub(crate) account_bytes: Vec<(String, u64)>,
}

/// The gauges that show a [`Standing`].
pub(super) struct Gauges {
    open_uploads: Known,
    discarded: Known,
    discarded_age: Known,
    account_bytes: Family<Account, Gauge>,
    connections: Gauge,
    database_up: Gauge,
    disk_free: Gauge,
    disk_size: Gauge,
    disk_reserve: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Account {
    account: String,
}

/// A gauge that is left out while its value is unknown.
#[derive(Clone, Debug)]
struct Known(Arc<AtomicI64>);

impl Known {
    const UNKNOWN: i64 = i64::MIN;

    fn set(&self, value: Option<i64>) {
        self.0.store(value.unwrap_or(Self::UNKNOWN), Ordering::Release);
    }
}

impl Default for Known {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(Self::UNKNOWN)))
    }
}

impl EncodeMetric for Known {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.0.load(Ordering::Acquire))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::UNKNOWN
    }
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self {
            open_uploads: Known::default(),
            discarded: Known::default(),
            discarded_age: Known::default(),
            account_bytes: Family::default(),
            connections: Gauge::default(),
            database_up: Gauge::default(),
            disk_free: Gauge::default(),
            disk_size: Gauge::default(),
            disk_reserve: Gauge::default(),
        };
        // All replicas report the same value, so a sum over replicas would be wrong.
        let help = "Upload sessions that are open, of all replicas together";
        registry.register("open_uploads", help, gauges.open_uploads.clone());
        let help = "Contents whose bytes are still to be deleted, of all replicas together";
        registry.register("discarded_contents", help, gauges.discarded.clone());
        let help =
            "How long the oldest of those contents has waited, by the steady time, of all replicas together";
        registry.register_with_unit("discarded_age", help, Unit::Seconds, gauges.discarded_age.clone());
        let help = "What the quota max-account-bytes counts, of all replicas together; only with --account-metrics, \
                    and then of the 1,000 largest accounts";
        registry.register_with_unit("account", help, Unit::Bytes, gauges.account_bytes.clone());
        registry.register("connections", "Connections that are open", gauges.connections.clone());
        let help = "Whether the database takes writes (1) or not (0: with SQLite until the server is restarted, with \
                    PostgreSQL while it does not answer)";
        registry.register("database_up", help, gauges.database_up.clone());
        let help = "Space on the disk that pushes may still take";
        registry.register_with_unit("disk_free", help, Unit::Bytes, gauges.disk_free.clone());
        let help = "All that content may ever take of the disk";
        registry.register_with_unit("disk_size", help, Unit::Bytes, gauges.disk_size.clone());
        let help = "Space on the disk that is kept free, so that the database can still commit (of a small disk less)";
        registry.register_with_unit("disk_reserve", help, Unit::Bytes, gauges.disk_reserve.clone());
        gauges
    }

    pub(super) fn set(&self, standing: &Standing) {
        let Standing { rows, connections, is_database_up, space, reserve } = standing;
        let rows = rows.as_ref();
        self.open_uploads.set(rows.map(|rows| whole(rows.open_uploads)));
        self.discarded.set(rows.map(|rows| whole(rows.discarded)));
        self.discarded_age.set(rows.map(|rows| whole(rows.discarded_age.as_secs())));
        self.account_bytes.clear();
        for (account, bytes) in rows.iter().flat_map(|rows| &rows.account_bytes) {
            self.account_bytes.get_or_create(&Account { account: account.clone() }).set(whole(*bytes));
        }
        self.connections.set(whole(*connections));
        self.database_up.set((*is_database_up).into());
        // A disk that cannot be read has no room for pushes either.
        let Space { total, free } = space.unwrap_or(Space { total: 0, free: 0 });
        for (gauge, bytes) in
            [(&self.disk_free, free), (&self.disk_size, total), (&self.disk_reserve, *reserve)]
        {
            gauge.set(whole(bytes));
        }
    }
}

fn whole(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
