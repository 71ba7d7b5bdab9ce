//! Disables a key with everything that it made. A thief who has a leaked key may have made other keys with it.
//!
//! The rule works in steps. It walks from maker to maker and collects keys and roles. It locks them in order, and
//! walks again, so that it misses nothing that was made meanwhile. Then it disables those that are still enabled
//! under the lock.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use gangplank_core::{AccessKeyId, AccountId, Origin, Owner, RoleName};

use super::{BY_ID, change, find, is_of, read_key};
use crate::metadata::access_keys::{
    AccessKey, DisabledWithMade, KeyChange, LastRootKey, MADE_AT_ONCE, NewState,
};
use crate::metadata::roles::Role;
use crate::metadata::rules::{roles, rows};
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Level, Lock, Named, Query, Tx, values};
use crate::{Result, StoreError};

/// Disables the key, and as many of the keys and roles that it made as one transaction should. Each gets its
/// own event.
pub(super) fn disable(
    tx: &dyn Tx,
    by: &Origin,
    account: Option<&AccountId>,
    id: &AccessKeyId,
    last: LastRootKey,
) -> Result<Outcome<(KeyChange, DisabledWithMade)>> {
    let nothing = DisabledWithMade::default();
    if !find(tx, id)?.is_some_and(|key| is_of(&key, account)) {
        return Ok(Outcome::Unchanged((KeyChange::NoSuchKey, nothing)));
    }
    let (found, more) = walk(tx, id)?;
    tx.lock_named(Named::RootKeys)?;
    let keys = lock_keys(tx, id, &found)?;
    let roles = lock_roles(tx, &found)?;
    if !more && walk(tx, id)?.0.iter().any(|it| !found.contains(it)) {
        // A key that makes a key or a role is locked while it does. So from here on none of these keys makes another.
        // The rule runs again to find those that they made since the first walk.
        return Err(StoreError::Contended("a key made another while it was disabled".into()));
    }
    let Some(own) = keys.get(id.as_str()) else {
        return Ok(Outcome::Unchanged((KeyChange::NoSuchKey, nothing)));
    };
    let mut notes = Vec::new();
    match change(tx, own, NewState::Disabled, last)? {
        Outcome::Changed(_, note) => notes.push(note),
        Outcome::Unchanged(KeyChange::Done) => {}
        Outcome::Unchanged(refused) => return Ok(Outcome::Unchanged((refused, nothing))),
    }
    let mut made = DisabledWithMade { more, ..nothing };
    for found in found {
        match found {
            Found::Key(id) => {
                let Some(key) = keys.get(id.as_str()) else { continue };
                let changed = change(tx, key, NewState::Disabled, LastRootKey::Keep)?;
                let Outcome::Changed(_, note) = changed else { continue };
                notes.push(note);
                made.keys.push(id);
            }
            Found::Role { number, account, name } => {
                let Some(role) = roles.get(&number).filter(|role| role.enabled) else { continue };
                notes.push(roles::disable(tx, number, role)?);
                made.roles.push((account, name));
            }
        }
    }
    let answer = (KeyChange::Done, made);
    let mut notes = notes.into_iter();
    let Some(first) = notes.next() else { return Ok(Outcome::Unchanged(answer)) };
    // Only one event may have the id of the request: the event about the key itself, or the first event if the key
    // was disabled before.
    let origin = Origin { request: None, ..by.clone() };
    notes.try_for_each(|note| note.write(tx, &origin))?;
    Ok(Outcome::Changed(answer, first))
}

/// An enabled key or role that was found on the walk.
#[derive(PartialEq)]
enum Found {
    Key(AccessKeyId),
    Role { number: i64, account: AccountId, name: RoleName },
}

/// Walks from maker to maker until it has found as many keys and roles as one transaction should disable. Also
/// returns whether there are more. The walk continues through makers that are disabled already, since their own
/// keys and roles may still be enabled.
fn walk(tx: &dyn Tx, id: &AccessKeyId) -> Result<(Vec<Found>, bool)> {
    let mut found = Vec::new();
    let (mut seen, mut makers) = (HashSet::from([id.clone()]), vec![id.clone()]);
    while let Some(maker) = makers.pop() {
        let maker = Owner::from(&maker);
        let roles = roles_of(tx, &maker)?;
        let keys = keys_of(tx, &maker)?.into_iter().filter(|(key, _)| seen.insert(key.clone()));
        let keys = keys.map(|(key, enabled)| {
            makers.push(key.clone());
            enabled.then_some(Found::Key(key))
        });
        for next in roles.into_iter().map(Some).chain(keys).flatten() {
            if found.len() >= MADE_AT_ONCE {
                return Ok((found, true));
            }
            found.push(next);
        }
    }
    Ok((found, false))
}

/// Locks the key and the other keys that were found. A key that was deleted meanwhile is missing in the answer.
fn lock_keys(tx: &dyn Tx, id: &AccessKeyId, found: &[Found]) -> Result<BTreeMap<String, AccessKey>> {
    let others = found.iter().filter_map(|found| match found {
        Found::Key(key) => Some(key.as_str()),
        Found::Role { .. } => None,
    });
    let ids: BTreeSet<&str> = others.chain([id.as_str()]).collect();
    let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
    let mut keys = BTreeMap::new();
    tx.lock_each((Level::Principal, Lock::Update), BY_ID, 1, &ids, &mut |_, row| {
        let key = read_key(row)?;
        keys.insert(key.id.as_str().to_owned(), key);
        Ok(())
    })?;
    Ok(keys)
}

/// Locks the roles that were found, and returns them as they are under the lock.
fn lock_roles(tx: &dyn Tx, found: &[Found]) -> Result<BTreeMap<i64, Role>> {
    let numbers: BTreeSet<i64> = found
        .iter()
        .filter_map(|found| match found {
            Found::Role { number, .. } => Some(*number),
            Found::Key(_) => None,
        })
        .collect();
    let numbers: Vec<_> = numbers.into_iter().map(Into::into).collect();
    let mut roles = BTreeMap::new();
    tx.lock_each((Level::Principal, Lock::Update), &roles::BY_NUMBER, 1, &numbers, &mut |_, row| {
        let (number, role) = roles::read_numbered(row)?;
        roles.insert(number, role);
        Ok(())
    })?;
    Ok(roles)
}

/// The keys that `maker` made, each with whether it is enabled.
fn keys_of(tx: &dyn Tx, maker: &Owner) -> Result<Vec<(AccessKeyId, bool)>> {
    tx.all(&Query::new(
        "SELECT id, enabled FROM access_keys WHERE made_by = ?1",
        values![maker.as_str()],
        |row| Ok((rows::access_key_id(row.text(0)?)?, row.get(1)?)),
    ))
}

/// The enabled roles that `maker` made.
fn roles_of(tx: &dyn Tx, maker: &Owner) -> Result<Vec<Found>> {
    tx.all(&Query::new(
        "SELECT number, account, name FROM roles WHERE made_by = ?1 AND enabled = 1",
        values![maker.as_str()],
        |row| {
            let name = row.text(2)?;
            let name = RoleName::parse(name).map_err(|_| rows::damaged("role", name))?;
            Ok(Found::Role { number: row.get(0)?, account: rows::account(row.text(1)?)?, name })
        },
    ))
}
