//! What is left free of the disk.

use rustix::fs::StatVfs;

use crate::blobs::Space;
use crate::{Result, StoreError};

/// What is left free of the disk, in bytes, so that the database can still commit, deletions above all;
/// of a small disk, an eighth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserve(pub(crate) u64);

impl Reserve {
    /// Refuses to write into the reserve.
    pub(crate) fn require(self, disk: &StatVfs, wanted: u64) -> Result<()> {
        let (reserve, free) = (self.of(disk), free(disk));
        if free < reserve.saturating_add(wanted) {
            return Err(StoreError::full(format!("{free} bytes are free, of which {reserve} are kept back")));
        }
        Ok(())
    }

    /// What there is beside the reserve.
    pub(crate) fn space(self, disk: &StatVfs) -> Space {
        let reserve = self.of(disk);
        Space { total: total(disk).saturating_sub(reserve), free: free(disk).saturating_sub(reserve) }
    }

    fn of(self, disk: &StatVfs) -> u64 {
        self.0.min(total(disk) / 8)
    }
}

fn total(disk: &StatVfs) -> u64 {
    disk.f_blocks.saturating_mul(disk.f_frsize)
}

fn free(disk: &StatVfs) -> u64 {
    disk.f_bavail.saturating_mul(disk.f_frsize)
}
