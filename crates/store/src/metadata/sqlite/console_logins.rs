use async_trait::async_trait;
use gangplank_core::{AccessKeyId, ConsoleSecretHash, EventKind, Origin, Tenant, Time};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::audit::Note;
use super::doors::Outcome;
use super::writer::Whose;
use super::{Sqlite, rows};
use crate::Result;
use crate::metadata::cache::Touched;
use crate::metadata::console_logins::{
    ConsoleLink, ConsoleLogin, ConsoleLoginId, ConsoleLogins, MOST_OF_A_KEY, NewConsoleLink, NewConsoleLogin,
};

/// How many rows of a table one transaction forgets.
const FORGOTTEN_AT_ONCE: i64 = 500;

// No cache holds any of this, so nothing here touches one.
#[async_trait]
impl ConsoleLogins for Sqlite {
    async fn insert_console_link(&self, by: &Origin, link: NewConsoleLink) -> Result<()> {
        self.engine
            .doors
            .change(by, Whose::of(&link.tenant), Touched::NOTHING, move |connection| {
                insert_link(connection, &link)?;
                Ok(Outcome::Changed((), note(EventKind::CreateConsoleLink, &link.tenant, &link.key)))
            })
            .await
    }

    async fn use_console_link(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLink>> {
        let secret = *secret;
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut take = connection.prepare_cached(
                    "DELETE FROM console_links WHERE hash = ?1 RETURNING key, region, ends_at",
                )?;
                let taken = take
                    .query_row([&secret.0[..]], |row| Ok((read_link(row), Time(row.get(2)?))))
                    .optional()?;
                taken.filter(|(_, ends_at)| now < *ends_at).map(|(link, _)| link).transpose()
            })
            .await
    }

    async fn insert_console_login(&self, by: &Origin, login: NewConsoleLogin) -> Result<()> {
        self.engine
            .doors
            .change(by, Whose::of(&login.tenant), Touched::NOTHING, move |connection| {
                insert_login(connection, &login)?;
                Ok(Outcome::Changed((), note(EventKind::ConsoleSignedIn, &login.tenant, &login.key)))
            })
            .await
    }

    async fn console_login(&self, secret: &ConsoleSecretHash, now: Time) -> Result<Option<ConsoleLogin>> {
        self.engine.read_one(|connection| {
            let mut find = connection.prepare_cached(
                "SELECT id, key, region, over_at, ends_at FROM console_logins WHERE hash = ?1 AND over_at > ?2",
            )?;
            let found = find.query_row(params![&secret.0[..], now.0], |row| Ok(read_login(row))).optional()?;
            found.transpose()
        })
    }

    async fn prolong_console_login(&self, id: ConsoleLoginId, over_at: Time) -> Result<()> {
        self.engine
            .doors
            .upkeep_unsynced(Whose::Server, move |connection| {
                let mut prolong =
                    connection.prepare_cached("UPDATE console_logins SET over_at = ?2 WHERE id = ?1")?;
                prolong.execute([id.0, over_at.0])?;
                Ok(())
            })
            .await
    }

    async fn end_console_login(&self, by: &Origin, tenant: &Tenant, id: ConsoleLoginId) -> Result<bool> {
        let tenant = tenant.clone();
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                let mut end =
                    connection.prepare_cached("DELETE FROM console_logins WHERE id = ?1 RETURNING key")?;
                let ended = end.query_row([id.0], |row| row.get::<_, String>(0)).optional()?;
                let Some(key) = ended else { return Ok(Outcome::Unchanged(false)) };
                let key = rows::access_key_id(&key)?;
                Ok(Outcome::Changed(true, note(EventKind::ConsoleSignedOut, &tenant, &key)))
            })
            .await
    }

    async fn end_console_logins_of(&self, by: &Origin, tenant: &Tenant, key: &AccessKeyId) -> Result<u64> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.engine
            .doors
            .change(by, Whose::of(&tenant), Touched::NOTHING, move |connection| {
                let ended = forget_of(connection, &key)?;
                if ended == 0 {
                    return Ok(Outcome::Unchanged(0));
                }
                let reason = format!("{ended} browsers");
                Ok(Outcome::Changed(ended, note(EventKind::ConsoleSignedOut, &tenant, &key).reason(reason)))
            })
            .await
    }

    async fn forget_console_login(&self, id: ConsoleLoginId) -> Result<()> {
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                connection.prepare_cached("DELETE FROM console_logins WHERE id = ?1")?.execute([id.0])?;
                Ok(())
            })
            .await
    }

    async fn forget_console_logins_of(&self, key: &AccessKeyId) -> Result<()> {
        let key = key.clone();
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                forget_of(connection, &key)?;
                Ok(())
            })
            .await
    }

    async fn forget_console_logins(&self, before: Time) -> Result<usize> {
        let is_any = self.engine.read_one(|connection| {
            let mut is_any = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM console_logins WHERE over_at < ?1)
                     OR EXISTS (SELECT 1 FROM console_links WHERE ends_at < ?1)",
            )?;
            Ok(is_any.query_row([before.0], |row| row.get::<_, bool>(0))?)
        })?;
        if !is_any {
            return Ok(0);
        }
        self.engine
            .doors
            .upkeep(Whose::Server, Touched::NOTHING, move |connection| {
                let mut logins = connection.prepare_cached(
                    "DELETE FROM console_logins WHERE id IN (
                         SELECT id FROM console_logins WHERE over_at < ?1 LIMIT ?2)",
                )?;
                let mut links = connection.prepare_cached(
                    "DELETE FROM console_links WHERE hash IN (
                         SELECT hash FROM console_links WHERE ends_at < ?1 LIMIT ?2)",
                )?;
                let bounds = [before.0, FORGOTTEN_AT_ONCE];
                Ok(logins.execute(bounds)? + links.execute(bounds)?)
            })
            .await
    }
}

/// What is noted of a link or login: the key is the subject, so that it is found with all else that was done to it.
fn note(kind: EventKind, tenant: &Tenant, key: &AccessKeyId) -> Note {
    Note::of(kind, tenant).subject(key.as_str())
}

fn insert_link(connection: &Connection, link: &NewConsoleLink) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO console_links (hash, key, region, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute(params![
        &link.secret.0[..],
        link.key.as_str(),
        link.tenant.region.as_str(),
        link.created_at.0,
        link.ends_at.0
    ])?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM console_links WHERE hash IN (
             SELECT hash FROM console_links WHERE key = ?1 ORDER BY created_at DESC LIMIT 1000 OFFSET ?2)",
    )?;
    forget.execute(params![link.key.as_str(), most_of_a_key()])?;
    Ok(())
}

fn insert_login(connection: &Connection, login: &NewConsoleLogin) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO console_logins (hash, key, region, address, created_at, over_at, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute(params![
        &login.secret.0[..],
        login.key.as_str(),
        login.tenant.region.as_str(),
        login.address.to_string(),
        login.created_at.0,
        login.over_at.0,
        login.ends_at.0
    ])?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM console_logins WHERE id IN (
             SELECT id FROM console_logins WHERE key = ?1 ORDER BY id DESC LIMIT 1000 OFFSET ?2)",
    )?;
    forget.execute(params![login.key.as_str(), most_of_a_key()])?;
    Ok(())
}

fn most_of_a_key() -> i64 {
    i64::try_from(MOST_OF_A_KEY).unwrap_or(i64::MAX)
}

/// Forgets what a key has; returns how many logins that were.
fn forget_of(connection: &Connection, key: &AccessKeyId) -> Result<u64> {
    connection.prepare_cached("DELETE FROM console_links WHERE key = ?1")?.execute([key.as_str()])?;
    let mut logins = connection.prepare_cached("DELETE FROM console_logins WHERE key = ?1")?;
    Ok(logins.execute([key.as_str()])? as u64)
}

fn read_link(row: &Row<'_>) -> Result<ConsoleLink> {
    Ok(ConsoleLink {
        key: rows::access_key_id(row.get_ref(0)?.as_str().unwrap_or_default())?,
        region: rows::region(row.get_ref(1)?.as_str().unwrap_or_default())?,
    })
}

fn read_login(row: &Row<'_>) -> Result<ConsoleLogin> {
    Ok(ConsoleLogin {
        id: ConsoleLoginId(row.get(0)?),
        key: rows::access_key_id(row.get_ref(1)?.as_str().unwrap_or_default())?,
        region: rows::region(row.get_ref(2)?.as_str().unwrap_or_default())?,
        over_at: Time(row.get(3)?),
        ends_at: Time(row.get(4)?),
    })
}
