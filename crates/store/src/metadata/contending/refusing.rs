//! A transaction that refuses a statement.

use std::cell::Cell;

use gangplank_core::Time;

use crate::metadata::tx::{Dialect, Level, Lock, Named, Read, ReadEach, Ticket, Tx, Value};
use crate::{Result, StoreError};

/// This many of the first statements of a rule are refused, each once.
const EACH: u64 = 32;

/// Of the statements after the first [`EACH`], only some are refused, and none after the statement with this
/// number. Few rules run more than [`EACH`] statements, and their further statements repeat earlier ones.
const MOST: u64 = 256;

/// How a run of a rule ended.
pub(super) enum Verdict<T> {
    /// A statement was refused, and the rule stopped.
    Refused,
    /// The rule ended before the refusal.
    Ended(T),
    /// The rule failed for another reason.
    Failed(StoreError),
}

/// The places at which a rule is refused: the number of statements that run before the refusal.
pub(super) fn places() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0), |place| match *place {
        place if place < EACH => Some(place + 1),
        place if place < MOST => Some(place * 2),
        // The place behind all statements: the commit.
        _ => Some(u64::MAX),
    })
}

/// Runs a rule, and refuses it after `place` statements.
pub(super) fn run<T>(tx: &dyn Tx, place: u64, rule: impl Fn(&dyn Tx) -> Result<T>) -> Verdict<T> {
    let refusing = Refusing { tx, left: Cell::new(Some(place)) };
    let outcome = rule(&refusing);
    let is_refused = refusing.left.get().is_none();
    match outcome {
        Err(StoreError::Contended(_)) if is_refused => Verdict::Refused,
        Err(error) if is_refused => fault(format!("a rule hid that it was refused: {error}")),
        Ok(_) if is_refused => fault("a rule went on after it was refused".to_owned()),
        Ok(answer) => Verdict::Ended(answer),
        Err(error) => Verdict::Failed(error),
    }
}

fn fault<T>(what: String) -> Verdict<T> {
    Verdict::Failed(StoreError::damaged(what))
}

struct Refusing<'t> {
    tx: &'t dyn Tx,
    /// How many more statements run; `None` after the refusal.
    left: Cell<Option<u64>>,
}

impl Refusing<'_> {
    fn next(&self) -> Result<&dyn Tx> {
        let left = self.left.get().and_then(|left| left.checked_sub(1));
        self.left.set(left);
        match left {
            Some(_) => Ok(self.tx),
            None => Err(refusal()),
        }
    }
}

pub(super) fn refusal() -> StoreError {
    StoreError::Contended("somebody else was faster".into())
}

impl Tx for Refusing<'_> {
    fn dialect(&self) -> Dialect {
        self.tx.dialect()
    }

    fn query(&self, text: &str, values: &[Value<'_>], read: Read<'_>) -> Result<()> {
        self.next()?.query(text, values, read)
    }

    fn query_each(&self, text: &str, width: usize, values: &[Value<'_>], read: ReadEach<'_>) -> Result<()> {
        self.next()?.query_each(text, width, values, read)
    }

    fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64> {
        self.next()?.execute(text, values)
    }

    fn execute_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<u64> {
        self.next()?.execute_each(text, width, values)
    }

    fn send(&self, text: &str, values: &[Value<'_>]) -> Result<()> {
        self.next()?.send(text, values)
    }

    fn send_each(&self, text: &str, width: usize, values: &[Value<'_>]) -> Result<()> {
        self.next()?.send_each(text, width, values)
    }

    fn may_refuse(&self) -> bool {
        self.tx.may_refuse()
    }

    fn ask(&self, text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        self.next()?.ask(text, values)
    }

    fn answer(&self, ticket: Ticket, read: Read<'_>) -> Result<()> {
        self.tx.answer(ticket, read)
    }

    fn ask_lock(&self, locking: (Level, Lock), text: &str, values: &[Value<'_>]) -> Result<Option<Ticket>> {
        self.next()?.ask_lock(locking, text, values)
    }

    fn execute_all(&self, texts: &[&str], values: &[Value<'_>]) -> Result<()> {
        texts.iter().try_for_each(|text| self.send(text, values))
    }

    fn lock_each(
        &self,
        locking: (Level, Lock),
        text: &str,
        width: usize,
        values: &[Value<'_>],
        read: ReadEach<'_>,
    ) -> Result<()> {
        self.next()?.lock_each(locking, text, width, values, read)
    }

    fn lock_named(&self, name: Named<'_>) -> Result<()> {
        self.next()?.lock_named(name)
    }

    fn steady(&self, now: Time) -> Result<Time> {
        self.tx.steady(now)
    }
}
