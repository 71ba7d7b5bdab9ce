//! The measurements, summed over all runs.

use std::time::Duration;

use super::locks::Seen;
use super::part::Part;
use super::rounds::Done;
use super::spent::Spent;
use super::work::Kind;

/// The measurements of one number of replicas, in all runs.
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) replicas: usize,
    /// `None` if it is a mix of all.
    pub(super) kind: Option<Kind>,
    pub(super) done: Done,
    pub(super) spent: Spent,
}

/// Other measurements beside the work, in all runs.
pub(super) struct Beside {
    pub(super) part: Part,
    pub(super) replicas: usize,
    pub(super) seen: Seen,
    pub(super) deadlocks: u64,
}

/// All results.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) beside: Vec<Beside>,
    /// The time until the first replica was ready, which makes the tables.
    pub(super) first_ready: Vec<Duration>,
    /// The time until each of the others was ready.
    pub(super) ready: Vec<Duration>,
    pub(super) idle: Vec<u64>,
}

impl Found {
    pub(super) fn note(&mut self, part: Part, replicas: usize, kind: Option<Kind>, done: Done, spent: Spent) {
        let same = |row: &&mut Row| row.part == part && row.replicas == replicas && row.kind == kind;
        match self.rows.iter_mut().find(same) {
            Some(row) => {
                row.done.add(done);
                row.spent.add(&spent);
            }
            None => self.rows.push(Row { part, replicas, kind, done, spent }),
        }
    }

    pub(super) fn note_beside(&mut self, part: Part, replicas: usize, seen: &Seen, deadlocks: u64) {
        match self.beside.iter_mut().find(|beside| beside.part == part && beside.replicas == replicas) {
            Some(beside) => {
                beside.seen.add(seen);
                beside.deadlocks += deadlocks;
            }
            None => self.beside.push(Beside { part, replicas, seen: seen.clone(), deadlocks }),
        }
    }
}
