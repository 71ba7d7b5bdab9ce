//! Files for what cannot be read twice: layers out of a pipe, layers that were compressed. An upload
//! that is cut goes on from where the registry says, so the bytes must still be there.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// A new file without a name, gone when it is closed, whatever becomes of the program.
///
/// It is in `TMPDIR`, else in `/var/tmp`: what is in `/tmp` is on many machines kept in memory.
pub(super) fn file() -> Result<File> {
    let named = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let dir = named.unwrap_or_else(|| {
        let kept = PathBuf::from("/var/tmp");
        if kept.is_dir() { kept } else { std::env::temp_dir() }
    });
    tempfile::tempfile_in(&dir)
        .with_context(|| format!("cannot write in {}; set TMPDIR to a directory with room", dir.display()))
}

/// What is left free of the disk, in bytes; of a small disk, an eighth. What a small archive unpacks to knows no bounds,
/// and others write there, too.
const RESERVE: u64 = 64 << 20;

/// Refuses to write so many bytes into the reserve.
pub(super) fn require_room(file: &File, wanted: u64) -> io::Result<()> {
    let disk = rustix::fs::fstatvfs(file)?;
    let reserve = RESERVE.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 8);
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < reserve.saturating_add(wanted) {
        let why = "the disk for temporary files is nearly full; set TMPDIR to a directory with room";
        return Err(io::Error::new(io::ErrorKind::StorageFull, why));
    }
    Ok(())
}
