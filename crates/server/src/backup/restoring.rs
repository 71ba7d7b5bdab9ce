//! Makes a data directory from a backup. Each content is compared with its digest on the way.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use gangplank_oci::{Algorithm, Hasher};
use gangplank_store::blobs::ContentKey;
use gangplank_store::durable_file;
use gangplank_store::metadata::Snapshot;
use gangplank_store::metadata::inspection::KeptContent;
use gangplank_store::open::{self, Mode};
use tar::{Archive, Entry};

use super::copying::copy;
use super::manifest::{self, Manifest};
use super::place::{Key, Place};
use super::stream::CONTENT;
use super::{PAGE, Restored};
use crate::data_dir::{DATABASE, MASTER_KEY, blobs_in};
use crate::private;

/// The most bytes of an archive's file that is read into memory. The list of damaged contents may be long.
const SMALL: u64 = 256 << 20;

/// The end of the message about an incomplete backup.
const CUT: &str = "it was cut before its end";

/// Restores a backup from a folder into a directory that is new or empty. The master key comes from the
/// backup, unless `master_key_file` names a file. `progress` gets the bytes that were copied, and all bytes.
///
/// # Errors
/// If there is no complete backup, if the directory is not empty or cannot be written, or if the key belongs to
/// another server.
pub fn from_folder(
    folder: &Path,
    data_dir: &Path,
    master_key_file: Option<&Path>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored> {
    private::umask();
    let shown = folder.display();
    let Some(manifest) = manifest::complete(folder)? else {
        match manifest::standing(folder)? {
            Some(_) => bail!("{shown} has no backup that could be restored: {CUT}; run the backup again"),
            None => bail!("{shown} has no backup"),
        }
    };
    let place = Place::take(data_dir)?;
    let database = place.database();
    File::open(folder.join(DATABASE))
        .and_then(|mut from| {
            let mut to = durable_file::create_new(&database, 0o600)?;
            std::io::copy(&mut from, &mut to)?;
            to.sync_all()
        })
        .context("cannot copy the database")?;
    let rows = open_rows(&database, &manifest)?;
    let key = match fs::read(folder.join(MASTER_KEY)) {
        Ok(text) if manifest.master_key => Some(text),
        _ => None,
    };
    let key = Key::of(&rows, master_key_file, key)?;
    place.require_space(&rows)?;
    let blobs = open::local_files(&blobs_in(folder), Mode::Read)?;
    let total = rows.totals()?.bytes;
    let (mut position, mut done) = (0, 0);
    loop {
        let page = rows.contents(position, PAGE)?;
        let Some(last) = page.last() else { break };
        position = last.row;
        for content in page {
            if let Some(from) = blobs.read(&content.key).ok().flatten() {
                copy(&content, from, &place.blobs).context("cannot write into the data directory")?;
            }
            done += content.size;
            progress(done, total.max(done));
        }
    }
    place.finish(rows, &manifest, key)
}

/// Restores a backup from a stream, in the same way.
///
/// # Errors
/// As [`from_folder`], and if the stream ends before the backup does.
pub fn from_stream(
    stream: impl Read,
    data_dir: &Path,
    master_key_file: Option<&Path>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored> {
    private::umask();
    let place = Place::take(data_dir)?;
    let database = place.database();
    let mut archive = Archive::new(stream);
    let (mut rows, mut key, mut read) = (None, None, None);
    let (mut total, mut done) = (0, 0);
    for entry in archive.entries().context("the stream is no backup")? {
        let mut entry = entry.with_context(|| format!("the stream is no backup, or {CUT}"))?;
        let name = entry.path().ok().and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_default();
        match (&rows, name.as_str()) {
            (None, DATABASE) => {
                take_database(&mut entry, &database)?;
                let taken = Snapshot::open(&database).context("cannot read the backup's database")?;
                place.require_space(&taken)?;
                total = taken.totals()?.bytes;
                rows = Some(taken);
            }
            (None, _) => bail!(
                "the stream is no backup of `gangplank backup -`, whose first file is {DATABASE}; unpack an archive of a \
                 folder, and restore that"
            ),
            (Some(_), MASTER_KEY) => key = Some(text(&mut entry)?),
            (Some(_), manifest::NAME) => {
                read = Some(Manifest::of(&text(&mut entry)?)?);
                // Only the end of the archive follows.
                break;
            }
            (Some(rows), name) if name.starts_with(CONTENT) => {
                let known = name.rsplit('/').next().and_then(ContentKey::parse);
                let known = known.map(|key| rows.content(&key)).transpose()?.flatten();
                let Some(content) = known else {
                    bail!("the stream has a file that no backup has: {name:?}")
                };
                copy(&content, &mut entry, &place.blobs).context("cannot restore a content")?;
                done += content.size;
                progress(done, total.max(done));
            }
            (Some(_), name) if name == format!("blobs/{}", gangplank_store::blobs::ID) => {}
            (Some(_), name) => bail!("the stream has a file that no backup has: {name:?}"),
        }
    }
    let (Some(rows), Some(manifest)) = (rows, read) else { bail!("the stream has no whole backup: {CUT}") };
    drop(rows);
    let rows = open_rows(&database, &manifest)?;
    let key = Key::of(&rows, master_key_file, key)?;
    place.finish(rows, &manifest, key)
}

/// The name of a content in messages about missing bytes.
pub(super) fn named(content: &KeptContent) -> String {
    let KeptContent { tenant, digest, .. } = content;
    format!("{digest} of account {} in {}", tenant.account, tenant.region)
}

/// Opens the database. Refuses a database that does not match the manifest.
fn open_rows(database: &Path, manifest: &Manifest) -> Result<Snapshot> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.read_from(File::open(database)?)?;
    let found = hasher.finish().to_string();
    if !manifest.complete || manifest.database.as_ref().is_none_or(|database| database.digest != found) {
        bail!(
            "the backup's database is not the one that was backed up: {CUT}, or its bytes have changed since"
        );
    }
    Snapshot::open(database).context("cannot read the backup's database")
}

fn take_database(entry: &mut Entry<'_, impl Read>, to: &Path) -> Result<()> {
    let mut file = durable_file::create_new(to, 0o600)?;
    let copied = std::io::copy(entry, &mut file).context("cannot copy the database")?;
    require_end(entry, copied)?;
    Ok(file.sync_all()?)
}

/// Reads a small file of the archive into memory.
fn text(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = entry.take(SMALL).read_to_end(&mut text);
    let read = read.with_context(|| format!("the stream has no whole backup: {CUT}"))?;
    require_end(entry, read as u64)?;
    Ok(text)
}

/// Refuses a file that is shorter than its header in the archive says.
fn require_end(entry: &Entry<'_, impl Read>, read: u64) -> Result<()> {
    if read != entry.size() {
        bail!("the stream has no whole backup: {CUT}");
    }
    Ok(())
}
