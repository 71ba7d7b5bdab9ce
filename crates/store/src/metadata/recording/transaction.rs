//! A transaction under observation.

use std::cell::{Cell, RefCell};

use gangplank_core::Time;

use super::held::Held;
use super::kept::Kept;
use super::statement::Statement;
use crate::Result;
use crate::metadata::tx::{Dialect, Level, Lock, Named, Read, ReadAll, ReadEach, Row, Ticket, Tx, Value};

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
    /// The statements that were sent since the last round trip. The next round trip carries them.
    sent: RefCell<Vec<String>>,
    answers: RefCell<Vec<Option<Vec<Kept>>>>,
    /// How many of the answers have arrived with a round trip.
    come: Cell<usize>,
}

impl<'t> Recorder<'t> {
    pub(super) fn new(inner: &'t dyn Tx, mode: Mode) -> Self {
        let (held, round_trips, sent, answers, come) = Default::default();
        Self { inner, mode, held, round_trips, sent, answers, come }
    }

    /// The round trips, and the mistakes.
    pub(super) fn end(self) -> (Vec<String>, Vec<String>) {
        let (mut held, round_trips) = (self.held.into_inner(), self.round_trips.into_inner());
        if self.mode == Mode::ReadsOnce && round_trips.len() > 1 {
            held.wrong(format!("it asks more than once without a snapshot: {round_trips:?}"));
        }
        (round_trips, held.wrong)
    }

    /// Records a round trip.
    fn trip(&self, text: &str) {
        self.go_along(text);
        self.go();
    }

    /// Records a statement that the next round trip carries.
    fn go_along(&self, text: &str) {
        self.sent.borrow_mut().push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    fn go(&self) {
        self.round_trips.borrow_mut().push(self.sent.take().join("; "));
        self.come.set(self.answers.borrow().len());
    }

    /// Keeps the rows of a query that runs now, until the rule reads the answer.
    fn keep(&self, rows: Vec<Kept>) -> Ticket {
        let mut answers = self.answers.borrow_mut();
        answers.push(Some(rows));
        Ticket(answers.len() - 1)
    }

    /// Records a statement that is no locking query.
    fn run(&self, text: &str, width: usize, values: &[Value<'_>], rows: u64) {
        self.trip(text);
        self.note(text, width, values, rows);
    }

    fn note_lock(&self, locking: (Level, Lock), text: &str, found: &[(usize, &[Value<'_>])]) {
        let mut held = self.held.borrow_mut();
        if self.mode != Mode::Writes {
            held.wrong(format!("it only reads, and locks: {text}"));
        }
        held.lock(locking, text, found);
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

    fn send(&self, text: &str, values: &[Value<'_>]) -> Result<()> {
        self.send_each(text, values.len(), values)
    }

    fn send_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<()> {
        let changed = self.inner.execute_each(text, width, values);
        self.go_along(text);
        self.note(text, width, values, *changed.as_ref().unwrap_or(&0));
        changed.map(drop)
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        texts.iter().try_for_each(|text| self.send(text, values))
    }

    fn query_all(&self, texts: &[&str], width: usize, values: &[Value<'_>], read: ReadAll<'_>) -> Result<()> {
        for (number, text) in texts.iter().enumerate() {
            let mut rows = 0;
            self.inner.query_each(text, width, values, &mut |at, row| {
                rows += 1;
                read(number, at, row)
            })?;
            self.go_along(text);
            self.note(text, width, values, rows);
        }
        self.go();
        Ok(())
    }

    /// Runs the query at once, as a database server does. The answer is read later.
    fn ask(&self, text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        let mut rows = Vec::new();
        self.inner.query(text, values, &mut |row| {
            rows.push(Kept::of(row));
            Ok(())
        })?;
        self.go_along(text);
        self.note(text, values.len(), values, rows.len() as u64);
        Ok(Some(self.keep(rows)))
    }

    fn ask_lock(&self, locking: (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        let mut rows = Vec::new();
        self.inner.lock_each(locking, text, values.len(), values, &mut |_, row| {
            rows.push(Kept::of(row));
            Ok(())
        })?;
        self.go_along(text);
        self.note_lock(locking, text, &[(rows.len(), values)]);
        Ok(Some(self.keep(rows)))
    }

    fn answer(&self, Ticket(number): Ticket, read: Read<'_>) -> Result<()> {
        if number >= self.come.get() {
            self.go();
        }
        let rows = self.answers.borrow_mut()[number].take().unwrap_or_default();
        rows.iter().try_for_each(|row| read(&Row::new(row)))
    }

    fn lock_only(&self, locking: (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<()> {
        self.ask_lock(locking, text, values).map(drop)
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
        self.trip(text);
        self.note_lock(locking, text, &found);
        answer
    }

    fn lock_named(&self, name: Named<'_>) -> Result<()> {
        self.go_along(&format!("lock {name:?}"));
        self.held.borrow_mut().lock_named(name);
        self.inner.lock_named(name)
    }

    fn steady(&self, now: Time) -> Result<Time> {
        self.inner.steady(now)
    }
}
