//! Backups as a stream: a tar archive.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use gangplank_oci::{Algorithm, Hasher};
use gangplank_store::blobs::ID;
use gangplank_store::metadata::Snapshot;
use gangplank_store::open;
use tar::{Builder, EntryType, Header};

use super::copying::Exactly;
use super::manifest::{self, Database};
use super::restoring::named;
use super::scratch::Scratch;
use super::source::Source;
use super::{Made, PAGE, Wanted};
use crate::data_dir::{DATABASE, MASTER_KEY};
use crate::private;
use crate::removals::NothingRemoved;

/// The folder of contents in an archive. Below it, each content is in a folder named by the last two digits of
/// its key.
pub(super) const CONTENT: &str = "blobs/content/";

/// Backs a data directory up into a stream. The server removes no content until the backup ends. `progress`
/// gets the bytes that were written, and all bytes.
///
/// # Errors
/// If the directory cannot be read, or if the stream cannot be written.
pub fn to_stream(
    data_dir: &Path,
    out: impl Write,
    wanted: &Wanted,
    mut progress: impl FnMut(u64, u64),
) -> Result<Made> {
    private::umask();
    let source = Source::open(data_dir, wanted.master_key)?;
    let mut manifest = source.manifest()?;
    let _nothing_removed = NothingRemoved::from(&source.path).context("cannot begin")?;
    let (rows, database) = copy_rows(&source, wanted.scratch.as_deref())?;
    let totals = rows.totals()?;

    let mut archive = Archive { tar: Builder::new(out), at: manifest.begun_at };
    let size = database.metadata()?.len();
    let digest = archive.add(DATABASE, size, database, Hasher::new(Algorithm::Sha256))?;
    let digest = digest.context("cannot read the copy of the database")?;
    if let Some(key) = &source.master_key {
        archive.add_text(MASTER_KEY, key)?;
    }
    if let Some(number) = source.number {
        archive.add_text(&format!("blobs/{ID}"), &open::text_of(number))?;
    }
    let (mut position, mut done, mut damaged) = (0, 0, Vec::new());
    loop {
        let page = rows.contents(position, PAGE)?;
        let Some(last) = page.last() else { break };
        position = last.row;
        for content in page {
            let file = source.blobs.read(&content.key).ok().flatten();
            let file = file.filter(|file| file.metadata().is_ok_and(|it| it.len() == content.size));
            let key = content.key.as_str();
            let found = match file {
                Some(file) => {
                    let name = format!("{CONTENT}{}/{key}", &key[30..]);
                    archive.add(&name, content.size, file, Hasher::new(content.digest.algorithm()))?
                }
                None => None,
            };
            if found.as_ref() != Some(&content.digest) {
                manifest.damaged.push(key.to_owned());
                damaged.push(named(&content));
            }
            done += content.size;
            progress(done, totals.bytes.max(done));
        }
    }
    source.require_folder()?;
    (manifest.complete, manifest.contents, manifest.bytes) = (true, totals.count, totals.bytes);
    manifest.database = Some(Database { schema: rows.schema(), digest: digest.to_string() });
    archive.add_text(manifest::NAME, &manifest.text()?)?;
    archive.tar.into_inner().and_then(|mut out| out.flush()).context("cannot write the backup")?;
    let (copied, lost) = (totals.count, damaged.len() as u64);
    Ok(Made {
        contents: totals.count,
        bytes: totals.bytes,
        copied: copied.saturating_sub(lost),
        copied_bytes: done,
        removed: 0,
        damaged,
        key: source.key,
    })
}

/// Copies the rows. Returns them and their file, which has no name any more: it vanishes even if the backup is
/// killed.
fn copy_rows(source: &Source, scratch: Option<&Path>) -> Result<(Snapshot, File)> {
    let parent = scratch.unwrap_or(&source.path);
    let failed =
        || format!("cannot copy the database into {}; TMPDIR names another folder", parent.display());
    let scratch = Scratch::within(parent).with_context(failed)?;
    let path = scratch.path().join(DATABASE);
    source.rows.copy_to(&path).with_context(failed)?;
    Ok((Snapshot::open(&path)?, File::open(&path).with_context(failed)?))
}

struct Archive<W: Write> {
    tar: Builder<W>,
    /// The time of change of all files in the archive, in milliseconds since 1970.
    at: i64,
}

impl<W: Write> Archive<W> {
    /// Adds a file of `size` bytes. Returns its digest, if all bytes could be read.
    fn add(
        &mut self,
        name: &str,
        size: u64,
        from: impl Read,
        hasher: Hasher,
    ) -> Result<Option<gangplank_oci::Digest>> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.at / 1000).unwrap_or_default());
        header.set_size(size);
        let mut from = Exactly::of(from, size, hasher);
        self.tar.append_data(&mut header, name, &mut from).context("cannot write the backup")?;
        Ok(from.digest())
    }

    fn add_text(&mut self, name: &str, text: &[u8]) -> Result<()> {
        self.add(name, text.len() as u64, text, Hasher::new(Algorithm::Sha256)).map(drop)
    }
}
