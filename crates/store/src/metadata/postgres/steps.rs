//! The steps that change the tables of a database from one schema to the next.
//!
//! Servers are upgraded one after the other, so the servers of two releases use the same tables for a while. A release
//! only extends tables, and the next one removes what nobody uses any more. So a release changes nothing that the
//! release before it needs.

/// The schema from which the first of the [`STEPS`] leads.
pub(super) const FIRST: i64 = 7;

/// All steps of this program, in their order.
pub(super) const STEPS: &[Step] = &[];

/// A step to the next schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Its purpose, for people.
    pub(super) what: &'static str,
    /// The oldest schema of programs that may use the tables after this step. A step that only extends tables does not
    /// change this number. Before a step that removes something, servers of earlier programs get no more requests.
    pub(super) oldest: i64,
    /// Its parts.
    pub(super) acts: &'static [Act],
}

/// A part of a step. It may run again, because the first run may have been interrupted. So its statements say
/// `IF NOT EXISTS` and the like.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "no release has changed the tables of the first one"))]
pub(super) enum Act {
    /// Statements in one transaction. A constraint is added as `NOT VALID` in one act, and validated in the next one.
    /// Then nobody waits while all rows are read.
    Together(&'static str),
    /// An index that is made while others write.
    Index {
        /// Its name.
        name: &'static str,
        /// Its statement, from `CREATE INDEX CONCURRENTLY` on.
        make: &'static str,
    },
    /// A statement that changes a bounded number of rows. It is repeated until no row is left.
    Batches(&'static str),
}
