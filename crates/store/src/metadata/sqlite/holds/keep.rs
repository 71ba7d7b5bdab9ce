//! The columns `held`, kept in the transaction that makes or ends an edge.
//!
//! Each function takes an edge at a time and sets all that it leads to in one statement.

use gangplank_core::Time;
use rusqlite::{Connection, params};

use super::Texts;
use crate::Result;

/// A manifest is there, and so are the rows of its edges: what it holds is held, and it may be held itself.
pub(crate) fn manifest_added(connection: &Connection, manifest: i64) -> Result<()> {
    refresh(connection, manifest)?;
    run_each(connection, &Texts::get().hold, manifest)
}

/// A manifest is about to go: it lets go of what it holds, and the rows of its edges end.
pub(crate) fn manifest_leaves(connection: &Connection, manifest: i64) -> Result<()> {
    run_each(connection, &Texts::get().let_go, manifest)?;
    run_each(connection, &Texts::get().end, manifest)
}

/// An edge from a root to this manifest was made or has ended.
pub(crate) fn refresh(connection: &Connection, manifest: i64) -> Result<()> {
    connection.prepare_cached(&Texts::get().refresh)?.execute([manifest])?;
    Ok(())
}

/// Lets a repository have a blob, leased at `leased_at` or later.
pub(crate) fn put_link(connection: &Connection, repository: i64, blob: i64, leased_at: Time) -> Result<()> {
    let mut put = connection.prepare_cached(&Texts::get().put_link)?;
    put.execute(params![repository, blob, leased_at.0])?;
    Ok(())
}

fn run_each(connection: &Connection, statements: &[String], manifest: i64) -> Result<()> {
    for statement in statements {
        connection.prepare_cached(statement)?.execute([manifest])?;
    }
    Ok(())
}
