//! How the server is.

use crate::Timestamp;
use crate::macros::structure;

structure! {
    /// Nothing: there is one server.
    pub struct GetServerHealthRequest: Default {}
}

structure! {
    /// How the server is.
    pub struct GetServerHealthResult {
        /// The version of the program.
        "version" version: String,
        /// What time it is by the server's clock.
        "now" now: Timestamp,
        /// Whether the database takes writes; if not, the server has to be restarted.
        "databaseTakesWrites" database_takes_writes: bool,
        /// How many bytes of the disk pushes may still take; nothing if the disk cannot be asked.
        "diskFreeBytes" disk_free_bytes: Option<f64>,
        /// How many bytes of the disk content may take in all.
        "diskTotalBytes" disk_total_bytes: Option<f64>,
        /// How many bytes of the disk are kept free, so that the database can still commit.
        "diskReserveBytes" disk_reserve_bytes: f64,
        /// When the last round of reading all content again began, or the next one begins; nothing if there was none.
        "scrubRoundAt" scrub_round_at: Option<Timestamp>,
        /// How many contents are known to be damaged, up to 1000. The next push of each replaces it.
        "damagedContents" damaged_contents: i32,
        /// How many manifests the next collection begins with, up to 10000: nothing holds them, and their time is over.
        "garbageManifests" garbage_manifests: i32,
        /// How many holds of repositories on blobs it begins with, up to 10000.
        "garbageBlobs" garbage_blobs: i32,
        /// How many seconds what nothing holds is kept, from when a client was last told of it.
        "graceSeconds" grace_seconds: f64,
        /// The certificates that the server has: its own first, then those of services' domains.
        "certificates" certificates: Vec<ServedCertificate>,
    }
}

structure! {
    /// A certificate that the server has.
    pub struct ServedCertificate {
        /// Its name; none of the server's own.
        "name" name: Option<String>,
        /// What it is for.
        "domains" domains: Vec<String>,
        /// When it ends.
        "endsAt" ends_at: Timestamp,
    }
}
