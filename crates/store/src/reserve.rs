//! The part of the disk that stays free.

use rustix::fs::StatVfs;

use crate::blobs::Space;
use crate::{Result, StoreError};

/// How many bytes of the disk stay free, but at most an eighth of the disk. They let the database commit when
/// the disk is full, above all deletions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserve(pub(crate) u64);

impl Reserve {
    /// Checks that `wanted` more bytes leave the reserve free.
    pub(crate) fn require(self, disk: &StatVfs, wanted: u64) -> Result<()> {
        let (reserve, free) = (self.of(disk), free(disk));
        if free < reserve.saturating_add(wanted) {
            return Err(StoreError::full(format!("{free} bytes are free, of which {reserve} are kept back")));
        }
        Ok(())
    }

    /// The space without the reserve.
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
