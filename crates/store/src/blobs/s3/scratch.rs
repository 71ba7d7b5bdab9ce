//! Files without a name, in which parts wait until they are sent. Whatever becomes of this process, nothing of them stays.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::reserve::Reserve;

/// Files that are kept for the next part: writing over a page costs less than finding a new one.
const KEPT: usize = 8;

/// A folder for files without a name.
pub(super) struct Scratch {
    folder: PathBuf,
    reserve: Reserve,
    idle: Mutex<Vec<File>>,
}

impl Scratch {
    /// Tries whether a file can be made there.
    pub(super) fn open(folder: PathBuf, reserve: Reserve) -> Result<Self> {
        let scratch = Self { folder, reserve, idle: Mutex::default() };
        let file = tempfile::tempfile_in(&scratch.folder).map_err(|error| {
            let why = format!("cannot make a file in {}: {error}", scratch.folder.display());
            io::Error::new(error.kind(), why)
        })?;
        scratch.idle().push(file);
        Ok(scratch)
    }

    /// Refuses to write into what is left free of the disk.
    pub(super) fn require(&self, bytes: u64) -> Result<()> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        self.reserve.require(&disk, bytes)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that goes back to the others when nobody reads it any more.
pub(super) struct ScratchFile {
    /// Taken out when it goes back.
    file: Option<Arc<File>>,
    scratch: Arc<Scratch>,
}

impl ScratchFile {
    pub(super) fn new(scratch: &Arc<Scratch>) -> Result<Self> {
        let idle = scratch.idle().pop();
        let file = idle.map_or_else(|| tempfile::tempfile_in(&scratch.folder), Ok)?;
        Ok(Self { file: Some(Arc::new(file)), scratch: Arc::clone(scratch) })
    }

    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.scratch.require(bytes.len() as u64)?;
        Ok(self.file().write_all_at(bytes, offset)?)
    }

    pub(super) fn file(&self) -> &Arc<File> {
        self.file.as_ref().expect("it is there until the end")
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // A request that was given up may still read it.
        let file = self.file.take().and_then(Arc::into_inner);
        let mut idle = self.scratch.idle();
        if idle.len() < KEPT {
            idle.extend(file);
        }
    }
}
