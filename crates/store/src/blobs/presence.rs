//! Watches whether the folder of bytes is still there. If the folder is gone, a missing file says nothing about
//! its content: perhaps the disk is only unmounted.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{Result, StoreError};

/// The name of the file that says which database the folder belongs to.
pub const ID: &str = "id";

/// Distinguishes a missing file from a missing folder.
pub(super) struct Presence {
    root: PathBuf,
    /// Paths that exist as long as the folder does.
    signs: Vec<PathBuf>,
}

impl Presence {
    /// Watches a folder that was just opened, by the paths that exist now.
    pub(super) fn of(root: &Path) -> Self {
        let signs = ["content", "staged", ID].map(|name| root.join(name));
        let signs = signs.into_iter().filter(|sign| sign.exists()).collect();
        Self { root: root.to_owned(), signs }
    }

    /// Watches nothing: every missing file counts as missing.
    pub(super) fn unknown(root: &Path) -> Self {
        Self { root: root.to_owned(), signs: Vec::new() }
    }

    /// The error of an operation on a file, or the error that the folder is gone.
    pub(super) fn explain(&self, error: io::Error) -> StoreError {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                self.require().err().unwrap_or_else(|| error.into())
            }
            _ => error.into(),
        }
    }

    /// `None` if the file is missing and the folder is there.
    pub(super) fn unless_missing<T>(&self, result: io::Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => self.require().map(|()| None),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn require(&self) -> Result<()> {
        if self.signs.iter().all(|sign| sign.exists()) {
            return Ok(());
        }
        Err(StoreError::unavailable(format!(
            "the folder {} is missing or not the one of this database; is its disk still mounted?",
            self.root.display()
        )))
    }
}
