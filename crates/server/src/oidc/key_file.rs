//! The keys of an issuer from a file, for servers that cannot connect to the issuer.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

use super::fetch::LARGEST;
use super::key_set::KeySet;

/// A file that holds a JWK set.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    keys: Arc<KeySet>,
    stamp: Stamp,
}

/// The facts of a file that change when it is replaced or written.
type Stamp = Option<(SystemTime, u64, u64)>;

impl KeyFile {
    /// Reads the keys.
    ///
    /// # Errors
    /// If the file cannot be read, or is no JWK set.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let stamp = stamp(path);
        let kept = Mutex::new(Kept { keys: Arc::new(read(path)?), stamp });
        Ok(Self { path: path.to_owned(), kept })
    }

    /// The keys in the file now. While the file cannot be used, these are its earlier keys.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<KeySet> {
        let this = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || this.look()).await;
        looked.unwrap_or_else(|_| Arc::clone(&self.kept.lock().unwrap_or_else(PoisonError::into_inner).keys))
    }

    fn look(&self) -> Arc<KeySet> {
        let stamp = stamp(&self.path);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.stamp != stamp {
            kept.stamp = stamp;
            let file = self.path.display();
            match read(&self.path) {
                Ok(keys) => {
                    tracing::info!(%file, keys = keys.len(), "loaded an issuer's keys from the changed file");
                    kept.keys = Arc::new(keys);
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "cannot use an issuer's new keys; the previous keys stay in use");
                }
            }
        }
        Arc::clone(&kept.keys)
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
}

fn read(path: &Path) -> Result<KeySet> {
    let shown = path.display();
    let mut text = Vec::new();
    let bound = u64::try_from(LARGEST)?;
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    file.take(bound + 1).read_to_end(&mut text).with_context(|| format!("cannot read {shown}"))?;
    ensure!(text.len() <= LARGEST, "{shown} is larger than {LARGEST} bytes");
    KeySet::read(&text).with_context(|| format!("cannot use {shown}: it"))
}
