//! Upgrades a database of an earlier schema: writes all rows into a new file in one transaction, and then puts
//! the new file in the place of the old one. The old file is kept beside it, since there is no other way back.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::Connection;

use super::new_file::{beside, make_unnamed};
use super::schema::{self, Earlier};
use crate::durable_file::{folder_of, remove_if_there, rename, sync_folder};
use crate::{Result, StoreError};

/// Upgrades a database. After a crash, either the old or the new file is in place, complete.
pub(super) fn run(path: &Path, earlier: Connection, schema: Earlier) -> Result<()> {
    let (from, to) = (schema::of(&earlier)?, schema::VERSION);
    let kept = beside(path, &format!(".before-{to}"));
    let began = Instant::now();
    require_space(path, from)?;
    tracing::info!(
        database = %path.display(),
        "upgrading the database from schema {from} to schema {to}"
    );
    // Moves the log into the file. Then the file contains everything, and SQLite finds no log to apply to the new
    // file.
    earlier.pragma_update(None, "journal_mode", "delete")?;
    earlier.close().map_err(|(_, error)| error)?;
    let Some(name) = path.to_str() else {
        return Err(StoreError::unavailable(format!("{} cannot be named to SQLite", path.display())));
    };
    let new = make_unnamed(path, |connection| {
        connection.execute("ATTACH ?1 AS old", [name])?;
        schema::carry_over(connection, schema)?;
        Ok(connection.execute_batch("DETACH old")?)
    })?;
    tracing::info!("every row is in a database of schema {to} now");
    keep(path, &kept)?;
    tracing::info!(
        kept = %kept.display(),
        "the database of schema {from} is kept: with it in the place of the new one, the program before works again; \
         remove it when you are content"
    );
    rename(&new, path)?;
    tracing::info!("upgraded the database in {:.1} s", began.elapsed().as_secs_f32());
    Ok(())
}

/// Refuses an upgrade that would fill the disk. The new file is about as large as the old one.
fn require_space(path: &Path, from: i64) -> Result<()> {
    let files = [path.to_owned(), beside(path, "-wal")];
    let needed: u64 = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum();
    let disk = rustix::fs::statvfs(folder_of(path)).map_err(std::io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        let to = schema::VERSION;
        return Err(StoreError::full(format!(
            "the database has schema {from}, and its upgrade to schema {to} takes {needed} bytes beside it, of which \
             {free} are free; nothing was changed"
        )));
    }
    Ok(())
}

/// Gives the old file a second name. A hard link takes no space.
fn keep(path: &Path, kept: &Path) -> Result<()> {
    let aside: PathBuf = beside(kept, ".new");
    remove_if_there(&aside)?;
    if fs::hard_link(path, &aside).is_err() {
        // Some file systems have no hard links.
        fs::copy(path, &aside)?;
        fs::File::open(&aside)?.sync_all()?;
    }
    fs::set_permissions(&aside, Permissions::from_mode(0o600))?;
    fs::rename(&aside, kept)?;
    // If both names are links to the same file, as after a crash between this step and the next, `rename`
    // leaves both.
    remove_if_there(&aside)?;
    Ok(sync_folder(folder_of(kept))?)
}
