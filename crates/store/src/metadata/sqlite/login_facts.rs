//! What decides whether a login is live, read with it.

use gangplank_core::login_facts::{KeyFacts, LoginFacts, Maker, RoleFacts, ServiceOfLogin};
use gangplank_core::{Owner, Time};
use rusqlite::Row;

use super::rows;
use crate::Result;

/// The columns that [`read`] wants, of a login `l`, its tenant `t` and [`JOINS`].
pub(super) const COLUMNS: &str = "l.revoked_at IS NOT NULL, l.expires_at, l.owner, l.role, l.generation, l.service, s.id, \
    k.enabled, k.expires_at, r.enabled, r.generation";

/// What stands beside a login. Each is found by its key.
pub(super) const JOINS: &str = "LEFT JOIN services s ON s.id = l.service
    LEFT JOIN access_keys k ON k.id = l.owner AND k.account = t.account
    LEFT JOIN roles r ON r.number = l.role";

/// Reads [`COLUMNS`] from the column `at` on.
pub(super) fn read(row: &Row<'_>, at: usize) -> Result<LoginFacts> {
    let service = match (row.get::<_, Option<i64>>(at + 5)?, row.get::<_, Option<i64>>(at + 6)?) {
        (None, _) => ServiceOfLogin::None,
        (Some(_), Some(_)) => ServiceOfLogin::There,
        (Some(_), None) => ServiceOfLogin::Gone,
    };
    Ok(LoginFacts {
        is_revoked: row.get(at)?,
        expires_at: Time(row.get(at + 1)?),
        maker: maker(row, at)?,
        service,
    })
}

fn maker(row: &Row<'_>, at: usize) -> Result<Maker> {
    if row.get::<_, Option<i64>>(at + 3)?.is_some() {
        let made_in = row.get(at + 4)?;
        let role = row.get::<_, Option<bool>>(at + 9)?.zip(row.get(at + 10)?);
        let role = role.map(|(is_enabled, generation)| RoleFacts { is_enabled, generation, made_in });
        return Ok(Maker::Role(role));
    }
    if rows::owner(row.get_ref(at + 2)?.as_str().unwrap_or_default())? == Owner::server() {
        return Ok(Maker::Server);
    }
    let expires_at = row.get::<_, Option<i64>>(at + 8)?.map(Time);
    let is_enabled = row.get::<_, Option<bool>>(at + 7)?;
    Ok(Maker::Key(is_enabled.map(|is_enabled| KeyFacts { is_enabled, expires_at })))
}
