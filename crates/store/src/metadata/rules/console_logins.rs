use async_trait::async_trait;
use gangplank_core::{AccessKeyId, ConsoleSecretHash, EventKind, Origin, Tenant, Time};

use super::audit::Note;
use super::rows;
use crate::Result;
use crate::metadata::console_logins::{
    ConsoleLink, ConsoleLogin, ConsoleLoginId, ConsoleLogins, MOST_OF_A_KEY, NewConsoleLink, NewConsoleLogin,
};
use crate::metadata::engine::{Engine, Terms};
use crate::metadata::store::{Outcome, Store};
use crate::metadata::tx::{Level, Lock, Query, Row, Tx, Value, values};

/// How many rows of a table one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

// No cache contains console logins, so no rule here has to clear one.
#[async_trait]
impl<E: Engine> ConsoleLogins for Store<E> {
    async fn insert_console_link(&self, by: &Origin, link: NewConsoleLink) -> Result<()> {
        self.change(by, Terms::tenant(&link.tenant).takes_nothing(), move |tx| {
            insert_link(tx, &link)?;
            Ok(Outcome::Changed((), note(EventKind::CreateConsoleLink, &link.tenant, &link.key)))
        })
        .await
    }

    async fn use_console_link(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLink>> {
        let secret = *secret;
        self.upkeep(Terms::server().takes_nothing(), move |tx| {
            let taken = tx.find(&Query::new(
                "DELETE FROM console_links WHERE hash = ?1 RETURNING key, region, ends_at",
                values![&secret.0[..]],
                |row| Ok((read_link(row)?, row.get::<Time>(2)?)),
            ))?;
            Ok(taken.filter(|(_, ends_at)| now < *ends_at).map(|(link, _)| link))
        })
        .await
    }

    async fn insert_console_login(&self, by: &Origin, login: NewConsoleLogin) -> Result<()> {
        self.change(by, Terms::tenant(&login.tenant).takes_nothing(), move |tx| {
            insert_login(tx, &login)?;
            Ok(Outcome::Changed((), note(EventKind::ConsoleSignedIn, &login.tenant, &login.key)))
        })
        .await
    }

    async fn console_login(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLogin>> {
        self.read_one(|tx| {
            tx.find(&Query::new(
                "SELECT id, key, region, over_at, ends_at FROM console_logins WHERE hash = ?1 AND over_at > ?2",
                values![&secret.0[..], now],
                read_login,
            ))
        })
        .await
    }

    async fn prolong_console_login(&self, id: ConsoleLoginId, over_at: Time) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().visible().repeatable(), move |tx| {
            let prolong = "UPDATE console_logins SET over_at = ?2 WHERE id = ?1";
            tx.post(prolong, values![id.0, over_at])
        })
        .await
    }

    async fn end_console_login(&self, by: &Origin, tenant: &Tenant, id: ConsoleLoginId) -> Result<bool> {
        let tenant = tenant.clone();
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            let ended = tx.find(&Query::new(
                "DELETE FROM console_logins WHERE id = ?1 RETURNING key",
                values![id.0],
                |row| rows::access_key_id(row.text(0)?),
            ))?;
            let Some(key) = ended else { return Ok(Outcome::Unchanged(false)) };
            Ok(Outcome::Changed(true, note(EventKind::ConsoleSignedOut, &tenant, &key)))
        })
        .await
    }

    async fn end_console_logins_of(&self, by: &Origin, tenant: &Tenant, key: &AccessKeyId) -> Result<u64> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.change(by, Terms::tenant(&tenant).takes_nothing(), move |tx| {
            let ended = forget_of(tx, &key)?;
            if ended == 0 {
                return Ok(Outcome::Unchanged(0));
            }
            let reason = format!("{ended} browsers");
            Ok(Outcome::Changed(ended, note(EventKind::ConsoleSignedOut, &tenant, &key).reason(reason)))
        })
        .await
    }

    async fn forget_console_login(&self, id: ConsoleLoginId) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| {
            tx.post("DELETE FROM console_logins WHERE id = ?1", values![id.0])
        })
        .await
    }

    async fn forget_console_logins_of(&self, key: &AccessKeyId) -> Result<()> {
        let key = key.clone();
        self.upkeep(Terms::server().takes_nothing().repeatable(), move |tx| forget_of(tx, &key).map(drop))
            .await
    }

    async fn forget_console_logins(&self, before: Time) -> Result<usize> {
        let is_any = self.read_one(|tx| {
            tx.one(&Query::<bool>::column(
                "SELECT EXISTS (SELECT 1 FROM console_logins WHERE over_at < ?1)
                     OR EXISTS (SELECT 1 FROM console_links WHERE ends_at < ?1)",
                values![before],
            ))
        });
        if !is_any.await? {
            return Ok(0);
        }
        self.upkeep(Terms::server().takes_nothing(), move |tx| {
            let bounds = values![before, FORGOTTEN_AT_ONCE];
            let logins = "id IN (SELECT id FROM console_logins WHERE over_at < ?1 LIMIT ?2)";
            let links = "hash IN (SELECT hash FROM console_links WHERE ends_at < ?1 LIMIT ?2)";
            let forgotten = forget_logins(tx, logins, bounds.clone())? + forget_links(tx, links, bounds)?;
            Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
        })
        .await
    }
}

/// The event of a link or login. Its subject is the access key, so the key's history shows it.
fn note(kind: EventKind, tenant: &Tenant, key: &AccessKeyId) -> Note {
    Note::of(kind, tenant).subject(key.as_str())
}

fn insert_link(tx: &dyn Tx, link: &NewConsoleLink) -> Result<()> {
    tx.post(
        "INSERT INTO console_links (hash, key, region, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![
            &link.secret.0[..],
            link.key.as_str(),
            link.tenant.region.as_str(),
            link.created_at,
            link.ends_at,
        ],
    )?;
    let beyond = "hash IN (SELECT hash FROM console_links WHERE key = ?1
                           ORDER BY created_at DESC LIMIT 1000 OFFSET ?2)";
    forget_links(tx, beyond, values![link.key.as_str(), most_of_a_key()]).map(drop)
}

fn insert_login(tx: &dyn Tx, login: &NewConsoleLogin) -> Result<()> {
    tx.post(
        "INSERT INTO console_logins (hash, key, region, address, created_at, over_at, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            &login.secret.0[..],
            login.key.as_str(),
            login.tenant.region.as_str(),
            login.address.to_string(),
            login.created_at,
            login.over_at,
            login.ends_at,
        ],
    )?;
    let beyond = "id IN (SELECT id FROM console_logins WHERE key = ?1 ORDER BY id DESC LIMIT 1000 OFFSET ?2)";
    forget_logins(tx, beyond, values![login.key.as_str(), most_of_a_key()]).map(drop)
}

fn most_of_a_key() -> i64 {
    i64::try_from(MOST_OF_A_KEY).unwrap_or(i64::MAX)
}

/// Deletes all logins and links of a key; returns the number of logins.
fn forget_of(tx: &dyn Tx, key: &AccessKeyId) -> Result<u64> {
    let key = values![key.as_str()];
    let logins = forget_logins(tx, "key = ?1", key.clone())?;
    forget_links(tx, "key = ?1", key)?;
    Ok(logins)
}

/// Deletes the logins that the condition `which` selects; returns how many.
fn forget_logins<const N: usize>(tx: &dyn Tx, which: &str, values: [Value<'_>; N]) -> Result<u64> {
    let text = format!("SELECT id FROM console_logins WHERE {which} ORDER BY id");
    let which: Vec<i64> = tx.lock(Level::Login, Lock::Update, &Query::column(&text, values))?;
    tx.each("DELETE FROM console_logins WHERE id = ?1", which.into_iter().map(|id| values![id]))
}

/// Deletes the links that the condition `which` selects; returns how many.
fn forget_links<const N: usize>(tx: &dyn Tx, which: &str, values: [Value<'_>; N]) -> Result<u64> {
    let text = format!("SELECT hash FROM console_links WHERE {which} ORDER BY hash");
    let which: Vec<Vec<u8>> = tx.lock(Level::Login, Lock::Update, &Query::column(&text, values))?;
    tx.each("DELETE FROM console_links WHERE hash = ?1", which.iter().map(|hash| values![hash]))
}

fn read_link(row: &Row<'_>) -> Result<ConsoleLink> {
    Ok(ConsoleLink { key: rows::access_key_id(row.text(0)?)?, region: rows::region(row.text(1)?)? })
}

fn read_login(row: &Row<'_>) -> Result<ConsoleLogin> {
    Ok(ConsoleLogin {
        id: ConsoleLoginId(row.get(0)?),
        key: rows::access_key_id(row.text(1)?)?,
        region: rows::region(row.text(2)?)?,
        over_at: row.get(3)?,
        ends_at: row.get(4)?,
    })
}
