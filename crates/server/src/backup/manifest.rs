//! The manifest: a file that describes a backup, and is written last.
//!
//! In a folder, a new backup replaces the earlier one. If the new one is killed, at any moment, one of the two
//! is complete. Database and manifest are two files, so a manifest names its database by digest and counts
//! only with that database. The new manifest is written beside the old one. Then the new database replaces the
//! old one. Last, the new manifest replaces the old one.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_oci::{Algorithm, Hasher};
use gangplank_store::durable_file;
use serde::{Deserialize, Serialize};

use crate::data_dir::DATABASE;

/// The name of the file.
pub(super) const NAME: &str = "gangplank-backup.json";
/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// The description of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// The version of the format.
    pub(super) format: u32,
    /// Whether the backup is complete.
    pub(super) complete: bool,
    /// The version of the program that made the backup.
    pub(super) program: String,
    /// The number that ties the server's database to its folder of content.
    pub(super) server: Option<String>,
    /// When the backup began, in milliseconds since 1970.
    pub(super) begun_at: i64,
    /// The backup's database; `None` until it is complete.
    pub(super) database: Option<Database>,
    /// How many contents the database knows.
    pub(super) contents: u64,
    /// The bytes of those contents.
    pub(super) bytes: u64,
    /// The keys of contents that the backup lacks, since they were damaged or missing in the data directory.
    pub(super) damaged: Vec<String>,
    /// Whether the backup has the master key.
    pub(super) master_key: bool,
    /// The id of the access key in the data directory's `credentials`.
    pub(super) credentials: Option<String>,
}

/// The database of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    /// The version of its schema.
    pub(super) schema: i64,
    /// The digest of its file.
    pub(super) digest: String,
}

impl Manifest {
    /// The manifest of a backup that has begun.
    pub(super) fn begun(server: Option<i64>, at: i64) -> Self {
        Self {
            format: FORMAT,
            complete: false,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            server: server.map(|number| format!("{number:016x}")),
            begun_at: at,
            database: None,
            contents: 0,
            bytes: 0,
            damaged: Vec::new(),
            master_key: false,
            credentials: None,
        }
    }

    /// The JSON text of the manifest.
    pub(super) fn text(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Parses a manifest.
    ///
    /// # Errors
    /// If the text is no manifest, or is in a format of a newer program.
    pub(super) fn of(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(text).with_context(|| format!("{NAME} cannot be read"))?;
        if head.format != FORMAT {
            let format = head.format;
            bail!(
                "the backup has format {format}, and this program knows format {FORMAT}: use a newer gangplank"
            );
        }
        serde_json::from_slice(text).with_context(|| format!("{NAME} cannot be read"))
    }
}

/// The manifest of a folder, complete or not; `None` if there is none.
///
/// # Errors
/// If it cannot be read, or is in a format of a newer program.
pub(super) fn standing(folder: &Path) -> Result<Option<Manifest>> {
    for path in [folder.join(NAME), beside(folder)] {
        if let Some(text) = read(&path)? {
            return Manifest::of(&text).map(Some);
        }
    }
    Ok(None)
}

/// The manifest of the complete backup in a folder; `None` if there is none.
///
/// # Errors
/// If it cannot be read, or is in a format of a newer program.
pub(super) fn complete(folder: &Path) -> Result<Option<Manifest>> {
    let database = folder.join(DATABASE);
    let found = match digest_of(&database) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        digest => digest.with_context(|| format!("cannot read {}", database.display()))?,
    };
    for path in [beside(folder), folder.join(NAME)] {
        // A manifest whose writing was interrupted does not count.
        let Some(manifest) = read(&path)?.and_then(|text| Manifest::of(&text).ok()) else { continue };
        let is_its_own = manifest.database.as_ref().is_some_and(|database| database.digest == found);
        if manifest.complete && is_its_own {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// Finishes a backup that was killed between its two renames.
///
/// # Errors
/// If a file cannot be read or renamed.
pub(super) fn settle(folder: &Path) -> Result<()> {
    let waiting = beside(folder);
    if !waiting.exists() {
        return Ok(());
    }
    let is_current = match (read(&waiting)?.and_then(|text| Manifest::of(&text).ok()), complete(folder)?) {
        (Some(waiting), Some(current)) => waiting.database == current.database,
        _ => false,
    };
    if is_current {
        durable_file::rename(&waiting, &folder.join(NAME))?;
    } else {
        fs::remove_file(&waiting)?;
    }
    Ok(())
}

/// Writes the manifest of a backup that has begun into an empty folder.
///
/// # Errors
/// If it cannot be written.
pub(super) fn begin(folder: &Path, manifest: &Manifest) -> Result<()> {
    write(folder, &folder.join(NAME), manifest)
}

/// Puts a new database and its manifest into place. After a crash, the folder has either the old pair or the
/// new one.
///
/// # Errors
/// If a file cannot be written or renamed.
pub(super) fn finish(folder: &Path, database: &Path, manifest: &Manifest) -> Result<()> {
    let waiting = beside(folder);
    write(folder, &waiting, manifest)?;
    durable_file::rename(database, &folder.join(DATABASE))?;
    Ok(durable_file::rename(&waiting, &folder.join(NAME))?)
}

/// The SHA-256 digest of a file.
///
/// # Errors
/// If it cannot be read.
pub(super) fn digest_of(path: &Path) -> io::Result<String> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_from(File::open(path)?)?;
    Ok(hasher.finish().to_string())
}

/// Removes a manifest whose writing was interrupted.
///
/// # Errors
/// If it cannot be removed.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    durable_file::remove_if_there(&aside(folder))
}

fn aside(folder: &Path) -> PathBuf {
    folder.join(format!(".{NAME}.new"))
}

fn write(folder: &Path, path: &Path, manifest: &Manifest) -> Result<()> {
    let aside = aside(folder);
    durable_file::place(path, &aside, 0o600, &manifest.text()?)?;
    Ok(durable_file::sync_folder(folder)?)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => text.map(Some).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn beside(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.new"))
}
