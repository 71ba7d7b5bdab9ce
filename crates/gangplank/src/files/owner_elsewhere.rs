//! The owner of files, on systems where a person's files are protected by the folder that they are in.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// The user that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner;

impl Owner {
    /// The owner of a file.
    pub(crate) fn of(_: &Metadata) -> Self {
        Self
    }

    /// Gives a file to this owner. It already belongs to the user who made it.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn take(self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// The owner for a new file in a folder. Nothing needs a change.
///
/// # Errors
/// Never.
pub(crate) fn of_new(_: &Path) -> io::Result<Option<Owner>> {
    Ok(None)
}

/// Makes a folder, and the missing folders above it.
///
/// # Errors
/// If a folder cannot be made.
pub(crate) fn make_folder(folder: &Path, _: u32) -> io::Result<()> {
    fs::create_dir_all(folder)
}
