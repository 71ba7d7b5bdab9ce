//! Makes a new database: writes it under another name without syncs, syncs it once, and renames it.
//!
//! SQLite itself would need about ten syncs, one after another, to make the file, switch to the write-ahead log
//! and create the schema.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::schema;
use crate::{Result, durable_file};

/// Makes the database if there is none yet: the file is missing, or it is empty and has no log. After a crash
/// either nothing is there, or a complete and durable file with mode 0600.
pub(super) fn make_if_missing(path: &Path) -> Result<()> {
    if length(path)? > 0 || length(&beside(path, "-wal"))? > 0 {
        return Ok(());
    }
    make(path, |_| Ok(()))
}

/// Makes a database under another name, fills it, syncs it once, and renames it.
fn make(path: &Path, fill: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    let unnamed = make_unnamed(path, fill)?;
    Ok(durable_file::rename(&unnamed, path)?)
}

/// Makes a complete, synced database under another name in the same folder; returns the name.
pub(super) fn make_unnamed(path: &Path, fill: impl FnOnce(&mut Connection) -> Result<()>) -> Result<PathBuf> {
    let unnamed = beside(path, ".new");
    // The files of an interrupted start. SQLite would believe that they belong to an unfinished transaction.
    for ending in ["", "-journal", "-wal", "-shm"] {
        durable_file::remove_if_there(&beside(&unnamed, ending))?;
    }
    let made = make_aside(&unnamed, fill);
    if made.is_err() {
        // The failed file may fill the disk.
        let _ = durable_file::remove_if_there(&unnamed);
    }
    made?;
    Ok(unnamed)
}

/// Makes a synced database under an unused name.
fn make_aside(unnamed: &Path, fill: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    // SQLite takes an empty file for a new database. The other files of the database get the same mode.
    let file = durable_file::create_new(unnamed, 0o600)?;
    let mut connection = Connection::open(unnamed)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "off")?;
    schema::create(&mut connection)?;
    fill(&mut connection)?;
    // This setting is stored in the file.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(file.sync_all()?)
}

fn length(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// The path with an ending appended to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_database_is_whole_and_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.db");
        fs::write(beside(&path, ".new"), "what a crash left").unwrap();
        fs::write(beside(&path, ".new-wal"), "what a crash left").unwrap();
        make_if_missing(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let connection = Connection::open(&path).unwrap();
        let ask = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
        assert_eq!(
            (ask("journal_mode").unwrap(), ask("integrity_check").unwrap()),
            ("wal".into(), "ok".into())
        );
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.db");
        fs::write(&path, "something").unwrap();
        make_if_missing(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "something");
        // All rows may be in the log.
        fs::write(&path, "").unwrap();
        fs::write(beside(&path, "-wal"), "something").unwrap();
        make_if_missing(&path).unwrap();
        assert_eq!(length(&path).unwrap(), 0);
    }
}
