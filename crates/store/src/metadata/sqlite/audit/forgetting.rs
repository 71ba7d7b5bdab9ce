//! Forgetting events: those that are too old, and the oldest of each share that has too many.
//!
//! What a share had too many of leaves one event that says so. It stands where the newest of what was forgotten
//! stood, with its number and its time, so it is told in the right place and grows old like any other.

use gangplank_core::audit::Share;
use gangplank_core::{EventKind, Time};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Result;
use crate::metadata::sqlite::Sqlite;
use crate::metadata::sqlite::cache::Touched;
use crate::metadata::sqlite::writer::Whose;

/// How many events one transaction forgets.
const AT_ONCE: i64 = 1_000;

impl Sqlite {
    /// Forgets a part of what is too old or too much.
    pub(super) async fn forget(&self, before: Time, most: u64) -> Result<usize> {
        let forget_old = move |connection: &Connection| forget_old(connection, before);
        let mut forgotten = self.doors.upkeep(Whose::Server, Touched::NOTHING, forget_old).await?;
        let mut account = Some(String::new());
        while let Some(this) = account {
            for share in Share::ALL {
                let Some(most) = share.of(most) else { continue };
                let of = this.clone();
                let find = move |connection: &Connection| last_beyond(connection, &of, share, most);
                let Some(last) = self.read_long(Whose::Server, find).await? else { continue };
                let this = this.clone();
                let forget = move |connection: &Connection| forget_oldest(connection, &this, share, last);
                forgotten += self.doors.upkeep(Whose::Server, Touched::NOTHING, forget).await?;
            }
            account = self.read_one(|connection| account_after(connection, &this))?;
        }
        Ok(forgotten)
    }
}

/// Forgets the oldest, as many of them as are too old. Ids rise with the steady time.
fn forget_old(connection: &Connection, before: Time) -> Result<usize> {
    let mut forget = connection.prepare_cached(
        "DELETE FROM audit WHERE id <= (
             SELECT max(id) FROM (SELECT id, noted_at FROM audit ORDER BY id LIMIT ?2) AS oldest
             WHERE noted_at < ?1)",
    )?;
    Ok(forget.execute(params![before.0, AT_ONCE])?)
}

/// The newest of those that a share has too many.
fn last_beyond(connection: &Connection, account: &str, share: Share, most: u64) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached(
        "SELECT id FROM audit WHERE account = ?1 AND share = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(find.query_row(params![account, share.as_str(), most], |row| row.get(0)).optional()?)
}

fn account_after(connection: &Connection, account: &str) -> Result<Option<String>> {
    let mut next = connection.prepare_cached("SELECT min(account) FROM audit WHERE account > ?1")?;
    Ok(next.query_row([account], |row| row.get(0))?)
}

/// Forgets a share's events up to `last`, the oldest first, as many as one transaction should.
fn forget_oldest(connection: &Connection, account: &str, share: Share, last: i64) -> Result<usize> {
    let mut forget = connection.prepare_cached(
        "DELETE FROM audit WHERE id IN (
             SELECT id FROM audit WHERE account = ?1 AND share = ?2 AND id <= ?3 ORDER BY id LIMIT ?4)
         RETURNING id, noted_at, at",
    )?;
    let mut forgotten = Forgotten::default();
    let mut rows = forget.query(params![account, share.as_str(), last, AT_ONCE])?;
    while let Some(row) = rows.next()? {
        forgotten.add(row.get(0)?, row.get(1)?, row.get(2)?);
    }
    forgotten.note(connection, account, share)?;
    Ok(usize::try_from(forgotten.count).unwrap_or_default())
}

/// What was forgotten of a share.
#[derive(Default)]
struct Forgotten {
    count: i64,
    /// Of the newest.
    id: i64,
    noted_at: i64,
    at: i64,
}

impl Forgotten {
    fn add(&mut self, id: i64, noted_at: i64, at: i64) {
        self.count += 1;
        if id > self.id {
            (self.id, self.noted_at) = (id, noted_at);
        }
        self.at = self.at.max(at);
    }

    /// Moves the event that tells of it to where the newest stood, or makes it there.
    fn note(&self, connection: &Connection, account: &str, share: Share) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { count, id, noted_at, at } = self;
        let (told, of) = (Share::Forgotten.as_str(), share.as_str());
        let mut move_on = connection.prepare_cached(
            "UPDATE audit SET id = ?4, noted_at = ?5, at = max(at, ?6), count = count + ?7
             WHERE account = ?1 AND share = ?2 AND subject = ?3",
        )?;
        if move_on.execute(params![account, told, of, id, noted_at, at, count])? > 0 {
            return Ok(());
        }
        let mut make = connection.prepare_cached(
            "INSERT INTO audit (account, share, subject, id, noted_at, at, count, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let kind = EventKind::EventsForgotten.as_str();
        make.execute(params![account, told, of, id, noted_at, at, count, kind])?;
        Ok(())
    }
}
