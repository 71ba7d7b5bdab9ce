//! The facts that decide whether a login is live, read together with the login.

use gangplank_core::login_facts::{KeyFacts, LoginFacts, Maker, RoleFacts, ServiceOfLogin};
use gangplank_core::{Owner, ServiceId};

use super::rows;
use crate::Result;
use crate::metadata::tx::Row;

/// The columns that [`read`] expects, of a login `l`, its tenant `t` and the tables of [`JOINS`].
pub(crate) const COLUMNS: &str = "l.revoked_at IS NOT NULL, l.expires_at, l.owner, l.role, l.generation, l.service, s.id, \
    k.enabled, k.expires_at, r.enabled, r.generation";

/// The rows that decide about a login. Each is found by its primary key.
pub(crate) const JOINS: &str = "LEFT JOIN services s ON s.id = l.service
    LEFT JOIN access_keys k ON k.id = l.owner AND k.account = t.account
    LEFT JOIN roles r ON r.number = l.role";

/// Reads [`COLUMNS`] from the column `at` on.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<LoginFacts> {
    let service = match (row.get::<Option<ServiceId>>(at + 5)?, row.get::<Option<ServiceId>>(at + 6)?) {
        (None, _) => ServiceOfLogin::None,
        (Some(_), Some(_)) => ServiceOfLogin::There,
        (Some(_), None) => ServiceOfLogin::Gone,
    };
    Ok(LoginFacts { is_revoked: row.get(at)?, expires_at: row.get(at + 1)?, maker: maker(row, at)?, service })
}

fn maker(row: &Row<'_>, at: usize) -> Result<Maker> {
    if row.get::<Option<i64>>(at + 3)?.is_some() {
        let made_in = row.get(at + 4)?;
        let role = row.get::<Option<bool>>(at + 9)?.zip(row.get(at + 10)?);
        let role = role.map(|(is_enabled, generation)| RoleFacts { is_enabled, generation, made_in });
        return Ok(Maker::Role(role));
    }
    if rows::owner(row.text(at + 2)?)? == Owner::server() {
        return Ok(Maker::Server);
    }
    let expires_at = row.get(at + 8)?;
    let is_enabled = row.get::<Option<bool>>(at + 7)?;
    Ok(Maker::Key(is_enabled.map(|is_enabled| KeyFacts { is_enabled, expires_at })))
}
