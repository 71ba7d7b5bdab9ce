//! Compares the files on disk with the rows: files that no row names are gone, and files that a row names exist.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// The longest time for the server to remove files after its start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until a data directory has exactly the files that its rows name.
///
/// # Panics
/// When the time is over, either a file was lost, or there is a file that nobody will remove.
pub(crate) fn check(data_dir: &Path) {
    let started = Instant::now();
    loop {
        match compare(data_dir) {
            Ok(()) => return,
            Err(difference) => assert!(started.elapsed() < PATIENCE, "{difference}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn compare(data_dir: &Path) -> Result<(), String> {
    let database = data_dir.join("gangplank.db");
    let rows = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let keys = |sql: &str| -> BTreeSet<String> {
        let mut select = rows.prepare(sql).unwrap();
        let found = select.query_map([], |row| row.get(0)).unwrap();
        found.map(Result::unwrap).collect()
    };
    let (known, sessions) = (keys("SELECT key FROM blobs"), keys("SELECT key FROM uploads"));
    let content = data_dir.join("blobs/content");
    let shards = std::fs::read_dir(&content).unwrap().map(|shard| shard.unwrap().path());
    let stored: BTreeSet<String> = shards.flat_map(|shard| names(&shard)).collect();
    let staged = names(&data_dir.join("blobs/staged"));
    let lost: Vec<_> = known.difference(&stored).collect();
    let left: Vec<_> = stored.difference(&known).collect();
    let stale: Vec<_> = staged.difference(&sessions).collect();
    let others: Vec<_> = names(data_dir).into_iter().filter(|name| name.starts_with('.')).collect();
    if lost.is_empty() && left.is_empty() && stale.is_empty() && others.is_empty() {
        return Ok(());
    }
    Err(format!(
        "lost: {lost:?}; content without a row: {left:?}; staged without a session: {stale:?}; {others:?}"
    ))
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
