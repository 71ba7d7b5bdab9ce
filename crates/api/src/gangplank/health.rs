//! The state of the server.

use crate::Timestamp;
use crate::macros::structure;

structure! {
    /// Nothing: there is one server.
    pub struct GetServerHealthRequest: Default {}
}

structure! {
    /// The state of the server.
    pub struct GetServerHealthResult {
        /// The version of the program.
        "version" version: String,
        /// The time of the server's clock.
        "now" now: Timestamp,
        /// Whether the database accepts writes; if not, the server has to be restarted.
        "databaseTakesWrites" database_takes_writes: bool,
        /// The bytes of the disk that pushes may still use; missing if the disk does not say.
        "diskFreeBytes" disk_free_bytes: Option<f64>,
        /// The bytes of the disk that content may use in all.
        "diskTotalBytes" disk_total_bytes: Option<f64>,
        /// The bytes of the disk that stay free, so that the database can still commit.
        "diskReserveBytes" disk_reserve_bytes: f64,
        /// When the scrub began to read all content for the last time, or will begin next; missing if it never did.
        "scrubRoundAt" scrub_round_at: Option<Timestamp>,
        /// The number of damaged contents, up to 1000. The next push of each replaces it.
        "damagedContents" damaged_contents: i32,
        /// The number of manifests with which the next collection begins, up to 10000: unreferenced ones whose grace
        /// period is over.
        "garbageManifests" garbage_manifests: i32,
        /// The number of blobs in repositories with which it begins, up to 10000.
        "garbageBlobs" garbage_blobs: i32,
        /// The seconds for which unreferenced content is kept, from when a client was last told that it is there.
        "graceSeconds" grace_seconds: f64,
        /// The certificates of the server: its own first, then those of services' domains.
        "certificates" certificates: Vec<ServedCertificate>,
    }
}

structure! {
    /// A certificate of the server.
    pub struct ServedCertificate {
        /// Its name; the server's own has none.
        "name" name: Option<String>,
        /// The domain names that it covers.
        "domains" domains: Vec<String>,
        /// When it ends.
        "endsAt" ends_at: Timestamp,
    }
}
