//! Forgets events that are too old, and the oldest events of each share that has too many.
//!
//! If a share is full, one event says that older ones were forgotten. It takes the number and the time of the
//! newest forgotten event. So it appears at the right place in the list, and grows old like any other.

use gangplank_core::audit::Share;
use gangplank_core::{EventKind, Time};

use crate::Result;
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Tx, values};

/// How many events one transaction forgets.
const AT_ONCE: i64 = 1_000;

/// Forgets some of the events that are too old or too many; returns how many.
pub(super) async fn forget<E: Engine>(store: &Store<E>, before: Time, most: u64) -> Result<usize> {
    let terms = Terms::server().takes_nothing();
    let mut forgotten = store.upkeep(terms.clone(), move |tx| forget_old(tx, before)).await?;
    let mut account = Some(String::new());
    while let Some(this) = account {
        for share in Share::ALL {
            let Some(most) = share.of(most) else { continue };
            let of = this.clone();
            let find = move |tx: &dyn Tx| last_beyond(tx, &of, share, most);
            let Some(last) = store.read_long(Whose::Server, find).await? else { continue };
            let this = this.clone();
            let forget = move |tx: &dyn Tx| forget_oldest(tx, &this, share, last);
            forgotten += store.upkeep(terms.clone(), forget).await?;
        }
        account = store.read_one(|tx| account_after(tx, &this)).await?;
    }
    Ok(forgotten)
}

/// Forgets the oldest events that are too old. Ids rise with the steady time, so these are the first rows.
fn forget_old(tx: &dyn Tx, before: Time) -> Result<usize> {
    let forgotten = tx.run(
        "DELETE FROM audit WHERE id <= (
             SELECT max(id) FROM (SELECT id, noted_at FROM audit ORDER BY id LIMIT ?2) AS oldest
             WHERE noted_at < ?1)",
        values![before, AT_ONCE],
    )?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}

/// The id of the newest event that is too much for its share.
fn last_beyond(tx: &dyn Tx, account: &str, share: Share, most: u64) -> Result<Option<i64>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    tx.find(&Query::column(
        "SELECT id FROM audit WHERE account = ?1 AND share = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3",
        values![account, share.as_str(), most],
    ))
}

fn account_after(tx: &dyn Tx, account: &str) -> Result<Option<String>> {
    tx.one(&Query::column("SELECT min(account) FROM audit WHERE account > ?1", values![account]))
}

/// Forgets a share's events up to `last`, the oldest first, as many as one transaction should.
fn forget_oldest(tx: &dyn Tx, account: &str, share: Share, last: i64) -> Result<usize> {
    let mut forgotten = Forgotten::default();
    for (id, noted_at, at) in tx.all(&Query::new(
        "DELETE FROM audit WHERE id IN (
             SELECT id FROM audit WHERE account = ?1 AND share = ?2 AND id <= ?3 ORDER BY id LIMIT ?4)
         RETURNING id, noted_at, at",
        values![account, share.as_str(), last, AT_ONCE],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    ))? {
        forgotten.add(id, noted_at, at);
    }
    forgotten.note(tx, account, share)?;
    Ok(usize::try_from(forgotten.count).unwrap_or_default())
}

/// The events of a share that were forgotten.
#[derive(Default)]
struct Forgotten {
    count: i64,
    /// The id and the time of the newest one.
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

    /// Moves the event about the loss to the place of the newest forgotten event, or inserts it there.
    fn note(&self, tx: &dyn Tx, account: &str, share: Share) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let Self { count, id, noted_at, at } = self;
        let (told, of) = (Share::Forgotten.as_str(), share.as_str());
        let moved = tx.run(
            "UPDATE audit SET id = ?4, noted_at = ?5, at = CASE WHEN at < ?6 THEN ?6 ELSE at END, count = count + ?7
             WHERE account = ?1 AND share = ?2 AND subject = ?3",
            values![account, told, of, *id, *noted_at, *at, *count],
        )?;
        if moved > 0 {
            return Ok(());
        }
        tx.post(
            "INSERT INTO audit (account, share, subject, id, noted_at, at, count, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            values![account, told, of, *id, *noted_at, *at, *count, EventKind::EventsForgotten.as_str()],
        )
    }
}
