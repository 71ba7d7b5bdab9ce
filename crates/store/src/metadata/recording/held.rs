//! The locks and reads of a transaction so far. They show whether its next step is a mistake.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{self, Statement};
use super::tables::{self, Table};
use crate::metadata::tx::{Level, Lock, Named, Value};

/// A position in the order of locks: a level, and in it a table or a name.
type Place = (Level, usize);

#[derive(Default)]
pub(super) struct Held {
    /// The highest position at which the rule waited for a lock, and its name.
    last: Option<(Place, String)>,
    /// The tables with locked rows, and the strongest lock of each.
    tables: BTreeMap<&'static str, Lock>,
    /// For each locking text, the values that it has locked with.
    keys: BTreeMap<String, BTreeSet<Vec<Key>>>,
    /// The tables that were read.
    read: BTreeSet<&'static str>,
    pub(super) wrong: Vec<String>,
}

impl Held {
    /// Records a lock on a thing without a row.
    pub(super) fn lock_named(&mut self, name: Named<'_>) {
        self.advance((name.level(), name.place()), format!("{name:?}"));
    }

    /// Records locks on rows of a level. `times` has an entry for each run of the query: how many rows it
    /// found, and its values.
    pub(super) fn lock(&mut self, (level, lock): (Level, Lock), text: &str, times: &[(usize, &[Value<'_>])]) {
        let statement = Statement::of(text);
        let Some((place, table)) = statement::found(text).and_then(tables::find) else {
            return self.wrong(format!("it locks rows of no table that is known: {text}"));
        };
        if !statement.is_read() {
            self.wrong(format!("it changes rows where it locks them: {text}"));
        }
        if table.level != level {
            self.wrong(format!("it locks {} as {level:?}, which are {:?}", table.name, table.level));
        }
        if let Some((rows, _)) = times.iter().find(|(rows, _)| *rows > 1)
            && lock != Lock::SkipLocked
            && !text.contains("ORDER BY")
        {
            self.wrong(format!("it locks {rows} rows in no order: {text}"));
        }
        if times.iter().all(|(rows, _)| *rows == 0) {
            return;
        }
        // A lock with `SkipLocked` never waits, so its order does not matter.
        if lock != Lock::SkipLocked && !self.rise(text, times) {
            self.advance((level, place), table.name.to_owned());
        }
        let before = self.tables.entry(table.name).or_insert(lock);
        if *before == Lock::Share && lock != Lock::Share {
            *before = lock;
            self.wrong(format!("it locks {} for a change that it shares already: {text}", table.name));
        }
    }

    /// Records a statement that ran with these values and changed, deleted or inserted `rows` rows.
    pub(super) fn run<'v>(&mut self, text: &str, times: impl Iterator<Item = &'v [Value<'v>]>, rows: u64) {
        let statement = Statement::of(text);
        for name in [statement.changes, statement.adds_to].into_iter().flatten() {
            if tables::find(name).is_none() {
                self.wrong(format!("nobody says which lock guards {name}: {text}"));
            }
        }
        if let Some((place, table)) = statement.changes.and_then(tables::find)
            && table.level != Level::Last
            && !self.may_change(table, statement.adds_to.is_some())
        {
            if self.read.contains(table.name) {
                self.wrong(format!("it changes {} that it has read and not locked: {text}", table.name));
            }
            let times: Vec<(usize, &[Value<'_>])> = times.map(|values| (1, values)).collect();
            if !self.rise(text, &times) {
                self.advance((table.level, place), table.name.to_owned());
            }
            self.tables.insert(table.name, Lock::Update);
        }
        // Nobody else can see an inserted row yet.
        if let Some((_, table)) = statement.adds_to.and_then(tables::find)
            && rows > 0
        {
            self.tables.insert(table.name, Lock::Update);
        }
        let read = statement.reads.iter().filter_map(|name| tables::find(name));
        self.read.extend(read.map(|(_, table)| table.name));
    }

    /// Whether the locks so far allow the rule to change rows of a table, or to add and renew them.
    fn may_change(&self, table: &Table, is_added: bool) -> bool {
        let mut guards = table.guards.iter().chain([&table.name]);
        guards.any(|guard| self.tables.get(guard).is_some_and(|lock| *lock != Lock::Share))
            || is_added && table.adds_under.iter().any(|guard| self.tables.contains_key(guard))
    }

    /// Checks that a lock comes after the earlier locks.
    fn advance(&mut self, place: Place, what: String) {
        if let Some((last, before)) = &self.last
            && place < *last
        {
            let wrong = format!("it locks {what} after {before}");
            return self.wrong(wrong);
        }
        self.last = Some((place, what));
    }

    /// Checks that a locking text runs with rising values. Returns whether the rule has locked all these rows
    /// with this text before.
    fn rise(&mut self, text: &str, times: &[(usize, &[Value<'_>])]) -> bool {
        let before = self.keys.entry(text.to_owned()).or_default();
        let (mut is_again, mut fallen) = (true, None);
        for (_, values) in times.iter().filter(|(rows, _)| *rows > 0) {
            let keys: Vec<Key> = values.iter().map(Key::of).collect();
            let is_less = before.last().is_some_and(|last| keys < *last);
            if !before.contains(&keys) {
                is_again = false;
                fallen = is_less.then(|| keys.clone()).or(fallen);
                before.insert(keys);
            }
        }
        if let Some(keys) = fallen {
            self.wrong(format!("it locks by {keys:?} after higher ones: {text}"));
        }
        is_again
    }

    pub(super) fn wrong(&mut self, what: String) {
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        if !self.wrong.contains(&what) {
            self.wrong.push(what);
        }
    }
}

/// A value that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    None,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Key {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null(_) | Value::Fraction(_) => Self::None,
            Value::Integer(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text.to_string()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Digest(digest) => Self::Text(digest.to_string()),
        }
    }
}
