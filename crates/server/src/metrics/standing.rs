//! The gauges of `/metrics`.

use gangplank_store::blobs::Space;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The present values of the gauges.
pub(crate) struct Standing {
    /// Open upload sessions.
    pub(crate) open_uploads: usize,
    /// Open connections.
    pub(crate) connections: usize,
    /// Whether the database takes writes.
    pub(crate) is_database_up: bool,
    /// The size and free space of the disk for content; `None` if it cannot be read.
    pub(crate) space: Option<Space>,
    /// The reserve: bytes of the disk that pushes leave free.
    pub(crate) reserve: u64,
}

/// The gauges that show a [`Standing`].
pub(super) struct Gauges {
    open_uploads: Gauge,
    connections: Gauge,
    database_up: Gauge,
    disk_free: Gauge,
    disk_size: Gauge,
    disk_reserve: Gauge,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self {
            open_uploads: Gauge::default(),
            connections: Gauge::default(),
            database_up: Gauge::default(),
            disk_free: Gauge::default(),
            disk_size: Gauge::default(),
            disk_reserve: Gauge::default(),
        };
        registry.register("open_uploads", "Upload sessions that are open", gauges.open_uploads.clone());
        registry.register("connections", "Connections that are open", gauges.connections.clone());
        let help = "Whether the database takes writes (1) or the server must be restarted (0)";
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
        let Standing { open_uploads, connections, is_database_up, space, reserve } = *standing;
        self.open_uploads.set(i64::try_from(open_uploads).unwrap_or(i64::MAX));
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.database_up.set(is_database_up.into());
        // A disk that cannot be read has no room for pushes either.
        let Space { total, free } = space.unwrap_or(Space { total: 0, free: 0 });
        for (gauge, bytes) in
            [(&self.disk_free, free), (&self.disk_size, total), (&self.disk_reserve, reserve)]
        {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}
