//! Files without a name, in which parts wait until they are sent. No file outlives the process, however it
//! ends. There are at most two for each upload that is being received, and one for each part that is being
//! sent.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::reserve::Reserve;

/// How many files are kept for the next parts. Overwriting pages is cheaper than allocating new ones.
const KEPT: usize = 8;

/// A folder for files without a name.
pub(super) struct Scratch {
    folder: PathBuf,
    reserve: Reserve,
    idle: Mutex<Vec<File>>,
}

impl Scratch {
    /// Opens the folder; checks that a file can be made there.
    pub(super) fn open(folder: PathBuf, reserve: Reserve) -> Result<Self> {
        let scratch = Self { folder, reserve, idle: Mutex::default() };
        let file = tempfile::tempfile_in(&scratch.folder).map_err(|error| {
            let why = format!("cannot make a file in {}: {error}", scratch.folder.display());
            io::Error::new(error.kind(), why)
        })?;
        scratch.idle().push(file);
        Ok(scratch)
    }

    /// Checks that a write leaves the reserve free.
    pub(super) fn require(&self, bytes: u64) -> Result<()> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        self.reserve.require(&disk, bytes)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is reused when nobody reads it any more.
pub(super) struct ScratchFile {
    /// `None` only while it is dropped.
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
        // An aborted request may still read the file. Then the file is not reused.
        let file = self.file.take().and_then(Arc::into_inner);
        let mut idle = self.scratch.idle();
        if idle.len() < KEPT {
            idle.extend(file);
        }
    }
}
