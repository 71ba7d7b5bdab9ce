//! A transaction under observation.

use std::cell::RefCell;

use gangplank_core::Time;

use super::held::Held;
use super::statement::Statement;
use crate::Result;
use crate::metadata::tx::{Dialect, Level, Lock, Named, Read, ReadEach, Tx, Value};

/// The actions that a rule has announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Run one query, which needs no snapshot.
    ReadsOnce,
    Reads,
    Writes,
}

pub(super) struct Recorder<'t> {
    inner: &'t dyn Tx,
    mode: Mode,
    held: RefCell<Held>,
    round_trips: RefCell<Vec<String>>,
}

impl<'t> Recorder<'t> {
    pub(super) fn new(inner: &'t dyn Tx, mode: Mode) -> Self {
        Self { inner, mode, held: RefCell::default(), round_trips: RefCell::default() }
    }

    /// The round trips, and the mistakes.
    pub(super) fn end(self) -> (Vec<String>, Vec<String>) {
        let (mut held, round_trips) = (self.held.into_inner(), self.round_trips.into_inner());
        if self.mode == Mode::ReadsOnce && round_trips.len() > 1 {
            held.wrong(format!("it asks more than once without a snapshot: {round_trips:?}"));
        }
        (round_trips, held.wrong)
    }

    fn ask(&self, text: &str) {
        self.round_trips.borrow_mut().push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    /// Records a statement that is no locking query.
    fn run(&self, text: &str, width: usize, values: &[Value<'_>], rows: u64) {
        self.ask(text);
        self.note(text, width, values, rows);
    }

    fn note(&self, text: &str, width: usize, values: &[Value<'_>], rows: u64) {
        if self.mode == Mode::Writes {
            self.held.borrow_mut().run(text, values.chunks(width.max(1)), rows);
        } else if !Statement::of(text).is_read() {
            self.held.borrow_mut().wrong(format!("it only reads, and writes: {text}"));
        }
    }
}

impl Tx for Recorder<'_> {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()> {
        let mut rows = 0;
        let answer = self.inner.query(text, values, &mut |row| {
            rows += 1;
            read(row)
        });
        self.run(text, values.len(), values, rows);
        answer
    }

    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()> {
        let mut rows = 0;
        let answer = self.inner.query_each(text, width, values, &mut |at, row| {
            rows += 1;
            read(at, row)
        });
        self.run(text, width, values, rows);
        answer
    }

    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        let changed = self.inner.execute(text, values);
        self.run(text, values.len(), values, *changed.as_ref().unwrap_or(&0));
        changed
    }

    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64> {
        let changed = self.inner.execute_each(text, width, values);
        self.run(text, width, values, *changed.as_ref().unwrap_or(&0));
        changed
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        self.ask(&texts.join("; "));
        texts.iter().try_for_each(|text| {
            let changed = self.inner.execute(text, values);
            self.note(text, values.len(), values, *changed.as_ref().unwrap_or(&0));
            changed.map(drop)
        })
    }

    fn lock_each(
        &self,
        locking: (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        let mut found: Vec<(usize, &[Value<'_>])> = if width == 0 {
            vec![(0, values)]
        } else {
            values.chunks(width).map(|values| (0, values)).collect()
        };
        let answer = self.inner.lock_each(locking, text, width, values, &mut |at, row| {
            found[at].0 += 1;
            read(at, row)
        });
        self.ask(text);
        let mut held = self.held.borrow_mut();
        if self.mode != Mode::Writes {
            held.wrong(format!("it only reads, and locks: {text}"));
        }
        held.lock(locking, text, &found);
        answer
    }

    fn lock_named(&self, name: Named<'_>) -> Result<()> {
        self.ask(&format!("lock {name:?}"));
        self.held.borrow_mut().lock_named(name);
        self.inner.lock_named(name)
    }

    fn steady(&self, now: Time) -> Result<Time> {
        self.inner.steady(now)
    }
}
