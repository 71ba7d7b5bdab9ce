//! Whether the folder of bytes is still there. A file that is missing from a folder that is gone says nothing about its
//! content: the disk may only have been taken away for a while.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{Result, StoreError};

/// The file in the folder of bytes that says to which database it belongs.
pub const ID: &str = "id";

/// Tells a missing file from a missing folder.
pub(super) struct Presence {
    root: PathBuf,
    /// What is there as long as the folder is.
    signs: Vec<PathBuf>,
}

impl Presence {
    /// Watches over a folder that has just been opened: what is there now stays there.
    pub(super) fn of(root: &Path) -> Self {
        let signs = ["content", "staged", ID].map(|name| root.join(name));
        let signs = signs.into_iter().filter(|sign| sign.exists()).collect();
        Self { root: root.to_owned(), signs }
    }

    /// Watches over nothing: what is not there is missing.
    pub(super) fn unknown(root: &Path) -> Self {
        Self { root: root.to_owned(), signs: Vec::new() }
    }

    /// What an operation on a file failed with, or that the folder is gone.
    pub(super) fn explain(&self, error: io::Error) -> StoreError {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                self.require().err().unwrap_or_else(|| error.into())
            }
            _ => error.into(),
        }
    }

    /// `None` if a file is not there, and the folder is.
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
            "the folder {} is gone or another one; is its disk still mounted?",
            self.root.display()
        )))
    }
}
