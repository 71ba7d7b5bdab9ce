//! Disabling a key with all that it made: whoever had a key that leaked may have made others with it.

use std::collections::HashSet;

use gangplank_core::{AccessKeyId, AccountId, Origin, Owner, RoleName};
use rusqlite::Connection;

use super::change;
use crate::Result;
use crate::metadata::access_keys::{DisabledWithMade, KeyChange, LastRootKey, MADE_AT_ONCE, NewState};
use crate::metadata::sqlite::audit::Note;
use crate::metadata::sqlite::doors::Outcome;
use crate::metadata::sqlite::transaction::Transaction;
use crate::metadata::sqlite::{roles, rows};

/// Disables the key, and of what it made as much as one transaction should. Each of them is an event of its own.
pub(super) fn disable(
    connection: &Connection,
    by: &Origin,
    account: Option<&AccountId>,
    id: &AccessKeyId,
    last: LastRootKey,
) -> Result<Outcome<(KeyChange, DisabledWithMade)>> {
    let mut made = DisabledWithMade::default();
    let own = match change(connection, account, id, NewState::Disabled, last)? {
        Outcome::Changed(_, note) => Some(note),
        Outcome::Unchanged(KeyChange::Done) => None,
        Outcome::Unchanged(refused) => return Ok(Outcome::Unchanged((refused, made))),
    };
    // A request is named by one event, which is that of the key itself.
    let origin = Origin { request: None, ..by.clone() };
    disable_made(connection, id, &mut made, |note| note.write(&Transaction(connection), &origin))?;
    let answer = (KeyChange::Done, made);
    Ok(match own {
        Some(note) => Outcome::Changed(answer, note),
        None => Outcome::Unchanged(answer),
    })
}

/// Goes from maker to maker. Those that are disabled already are gone through too, since what they made may not be.
fn disable_made(
    connection: &Connection,
    id: &AccessKeyId,
    made: &mut DisabledWithMade,
    note: impl Fn(Note) -> Result<()>,
) -> Result<()> {
    let (mut seen, mut makers) = (HashSet::from([id.clone()]), vec![id.clone()]);
    while let Some(maker) = makers.pop() {
        let owner = Owner::from(&maker);
        for (account, name) in roles_of(connection, &owner)? {
            let Some((number, role)) = roles::find(connection, &account, &name)? else { continue };
            if !role.enabled {
                continue;
            }
            if is_full(made) {
                made.more = true;
                return Ok(());
            }
            note(roles::disable(connection, number, &role)?)?;
            made.roles.push((account, name));
        }
        for key in keys_of(connection, &owner)? {
            if !seen.insert(key.clone()) {
                continue;
            }
            makers.push(key.clone());
            if is_full(made) {
                made.more = true;
                return Ok(());
            }
            let changed = change(connection, None, &key, NewState::Disabled, LastRootKey::Keep)?;
            if let Outcome::Changed(_, event) = changed {
                note(event)?;
                made.keys.push(key);
            }
        }
    }
    Ok(())
}

fn is_full(made: &DisabledWithMade) -> bool {
    made.keys.len() + made.roles.len() >= MADE_AT_ONCE
}

fn keys_of(connection: &Connection, maker: &Owner) -> Result<Vec<AccessKeyId>> {
    let mut select = connection.prepare_cached("SELECT id FROM access_keys WHERE made_by = ?1")?;
    let found = select.query_map([maker.as_str()], |row| row.get::<_, String>(0))?;
    found.map(|id| rows::access_key_id(&id?)).collect()
}

fn roles_of(connection: &Connection, maker: &Owner) -> Result<Vec<(AccountId, RoleName)>> {
    let mut select = connection.prepare_cached("SELECT account, name FROM roles WHERE made_by = ?1")?;
    let found = select.query_map([maker.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found
        .map(|found| {
            let (account, name): (String, String) = found?;
            let name = RoleName::parse(&name).map_err(|_| rows::damaged("role", &name))?;
            Ok((rows::account(&account)?, name))
        })
        .collect()
}
