//! What a backup is, in a file that is written last.
//!
//! In a folder a new backup takes the place of the one before, and whoever is killed at any moment leaves one of the
//! two. Database and manifest are two files, so a manifest counts if the database is the one that it names: first the
//! new manifest is written beside the old one, then the database takes its place, then the manifest.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use gangplank_oci::{Algorithm, Hasher};
use gangplank_store::durable_file;
use serde::{Deserialize, Serialize};

use crate::data_dir::DATABASE;

/// The file's name.
pub(super) const NAME: &str = "gangplank-backup.json";
/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// What a backup is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// How backups are written.
    pub(super) format: u32,
    /// Whether it came to its end.
    pub(super) complete: bool,
    /// The version of the program that made it.
    pub(super) program: String,
    /// The number that the server's database shares with its folder of bytes.
    pub(super) server: Option<String>,
    /// When it was begun, in milliseconds since 1970.
    pub(super) begun_at: i64,
    /// Its database.
    pub(super) database: Option<Database>,
    /// How many contents its database knows.
    pub(super) contents: u64,
    /// How many bytes those have.
    pub(super) bytes: u64,
    /// The keys of contents that are not in it, since they were broken or missing already.
    pub(super) damaged: Vec<String>,
    /// Whether the master key is in it.
    pub(super) master_key: bool,
    /// The access key that the data directory's `credentials` had.
    pub(super) credentials: Option<String>,
}

/// The database of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    /// Its schema.
    pub(super) schema: i64,
    /// Its bytes.
    pub(super) digest: String,
}

impl Manifest {
    /// That of a backup which is begun.
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

    /// Its text.
    pub(super) fn text(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is none, or in a format of a newer program.
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

/// The manifest of a folder as it stands, complete or not; `None` if it has none.
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

/// The manifest of the complete backup that is in a folder, if one is.
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
        // One that was being written when its backup was killed is none.
        let Some(manifest) = read(&path)?.and_then(|text| Manifest::of(&text).ok()) else { continue };
        let is_its_own = manifest.database.as_ref().is_some_and(|database| database.digest == found);
        if manifest.complete && is_its_own {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// Ends what a backup that was killed between its two renames had begun.
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

/// Notes in an empty folder that a backup is made there.
///
/// # Errors
/// If it cannot be written.
pub(super) fn begin(folder: &Path, manifest: &Manifest) -> Result<()> {
    write(folder, &folder.join(NAME), manifest)
}

/// Makes a database and its manifest those of the folder: the two that were there, or these two.
///
/// # Errors
/// If a file cannot be written or renamed.
pub(super) fn finish(folder: &Path, database: &Path, manifest: &Manifest) -> Result<()> {
    let waiting = beside(folder);
    write(folder, &waiting, manifest)?;
    durable_file::rename(database, &folder.join(DATABASE))?;
    Ok(durable_file::rename(&waiting, &folder.join(NAME))?)
}

/// The digest of a file.
///
/// # Errors
/// If it cannot be read.
pub(super) fn digest_of(path: &Path) -> io::Result<String> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_from(File::open(path)?)?;
    Ok(hasher.finish().to_string())
}

/// Removes what is left of a manifest whose writing was cut.
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
