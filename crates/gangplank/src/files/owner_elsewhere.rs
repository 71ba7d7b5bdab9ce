//! Whose files are, where a person's files are theirs by the folder that they are in.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// The user that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner;

impl Owner {
    /// That of a file.
    pub(crate) fn of(_: &Metadata) -> Self {
        Self
    }

    /// Gives a file that this process has made to this owner, which is done by making it.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn take(self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Whom to give what is made in a folder to: nobody else.
///
/// # Errors
/// Never.
pub(crate) fn of_new(_: &Path) -> io::Result<Option<Owner>> {
    Ok(None)
}

/// Makes a folder and those above it that are missing.
///
/// # Errors
/// If one cannot be made.
pub(crate) fn make_folder(folder: &Path, _: u32) -> io::Result<()> {
    fs::create_dir_all(folder)
}
