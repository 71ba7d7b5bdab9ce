//! Temporary files for bytes that cannot be read twice from their source: layers from a pipe, and layers that were
//! compressed. An interrupted upload continues in the middle, so the bytes must still be there.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::system::room;

/// The space on the disk that is left to others, in bytes. On a small disk it is an eighth of the disk.
const RESERVE: u64 = 64 * 1024 * 1024;
/// How much is written between two checks of the free space, in bytes.
const STRIDE: u64 = 4 * 1024 * 1024;

/// A new file without a name. It is gone when it is closed, even if the program is killed.
///
/// It is in `TMPDIR`, else in `/var/tmp`. Many machines keep `/tmp` in memory.
pub(crate) fn file() -> Result<File> {
    let dir = dir();
    tempfile::tempfile_in(&dir)
        .with_context(|| format!("cannot write in {}; set TMPDIR to a directory with room", dir.display()))
}

fn dir() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    named.unwrap_or_else(|| {
        let kept = PathBuf::from("/var/tmp");
        if kept.is_dir() { kept } else { std::env::temp_dir() }
    })
}

/// A writer to such a file that never fills the disk. An archive may be larger than it says.
pub(crate) struct Bounded<W> {
    pub(crate) inner: W,
    file: File,
    until_look: u64,
}

impl<W: Write> Bounded<W> {
    /// Limits the bytes that are written to `file` through `inner`.
    pub(crate) fn new(inner: W, file: &File) -> io::Result<Self> {
        Ok(Self { inner, file: file.try_clone()?, until_look: 0 })
    }

    fn look(&mut self) -> io::Result<()> {
        if let Some((all, free)) = room(&self.file)?
            && free < RESERVE.min(all / 8) + STRIDE
        {
            return Err(full());
        }
        self.until_look = STRIDE;
        Ok(())
    }
}

fn full() -> io::Error {
    let dir = dir();
    io::Error::new(
        ErrorKind::StorageFull,
        format!("there is no room left in {}; set TMPDIR to a directory with more", dir.display()),
    )
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.until_look == 0 {
            self.look()?;
        }
        let written = self.inner.write(bytes).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(),
            _ => error,
        })?;
        self.until_look = self.until_look.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
