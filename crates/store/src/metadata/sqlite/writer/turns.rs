//! Work that waits for its turn. Accounts take turns, and within an account its logins do. The work of each
//! login is in the order of arrival.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use gangplank_core::LoginId;

use super::{Caller, Whose};

/// What to do about the first piece of a caller's work.
pub(super) enum Pick {
    Take,
    /// The next caller may have its turn.
    Skip,
    /// Nobody has a turn now.
    Stop,
}

/// Waiting work.
pub(super) struct Turns<T> {
    accounts: Ring<Whose, Ring<Option<LoginId>, VecDeque<T>>>,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Self { accounts: Ring::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    pub(super) fn add(&mut self, caller: &Caller, work: T) {
        self.accounts.of(&caller.whose).of(&caller.login).push_back(work);
    }

    /// Takes the first work that `pick` accepts. `pick` is called with the callers in the order of their turns.
    pub(super) fn take(&mut self, mut pick: impl FnMut(&Caller, &T) -> Pick) -> Option<T> {
        let mut is_stopped = false;
        self.accounts.serve(|whose, logins| {
            let taken = logins.serve(|login, waiting| {
                let caller = Caller { whose: whose.clone(), login: *login };
                let picked = waiting.front().filter(|_| !is_stopped).map(|first| pick(&caller, first));
                is_stopped |= matches!(picked, Some(Pick::Stop));
                let taken = if let Some(Pick::Take) = picked { waiting.pop_front() } else { None };
                (taken, waiting.is_empty())
            });
            (taken, logins.is_empty())
        })
    }
}

/// Things that are served one after the other, for ever.
struct Ring<K, V> {
    things: HashMap<K, V>,
    /// The order of all things but [`served`](Self::served).
    turns: VecDeque<K>,
    /// The thing that was served last. Its next turn comes after things that have been added meanwhile.
    served: Option<K>,
}

impl<K, V> Default for Ring<K, V> {
    fn default() -> Self {
        Self { things: HashMap::new(), turns: VecDeque::new(), served: None }
    }
}

impl<K: Clone + Eq + Hash, V: Default> Ring<K, V> {
    fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The thing with this key, added if it is not there.
    fn of(&mut self, key: &K) -> &mut V {
        if !self.things.contains_key(key) {
            self.turns.push_back(key.clone());
            // It left the ring when it was served.
            self.served.take_if(|served| served == key);
        }
        self.things.entry(key.clone()).or_default()
    }

    /// Asks things in the order of their turns, until one of them gives something. The next turn of that thing
    /// comes after the turns of all others. Each thing also says whether it is now empty.
    fn serve<T>(&mut self, mut ask: impl FnMut(&K, &mut V) -> (Option<T>, bool)) -> Option<T> {
        self.turns.extend(self.served.take());
        for at in 0..self.turns.len() {
            let key = &self.turns[at];
            let Some(thing) = self.things.get_mut(key) else { continue };
            if let (Some(given), is_empty) = ask(key, thing) {
                let key = self.turns.remove(at);
                if is_empty {
                    key.map(|key| self.things.remove(&key));
                } else {
                    self.served = key;
                }
                return Some(given);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(account: u64, login: i64) -> Caller {
        let account = gangplank_core::AccountId::parse(&format!("{account:012}")).unwrap();
        Caller { whose: Whose::Account(account), login: Some(LoginId(login)) }
    }

    /// Adds work that is named like its caller.
    fn add(turns: &mut Turns<(u64, i64)>, (account, login): (u64, i64), pieces: usize) {
        for _ in 0..pieces {
            turns.add(&caller(account, login), (account, login));
        }
    }

    #[test]
    fn accounts_take_turns_and_within_them_their_logins() {
        let mut turns = Turns::new();
        add(&mut turns, (1, 1), 100);
        add(&mut turns, (1, 2), 2);
        add(&mut turns, (2, 3), 3);
        let order: Vec<_> = (0..8).map(|_| turns.take(|_, _| Pick::Take).unwrap()).collect();
        let expected = [(1, 1), (2, 3), (1, 2), (2, 3), (1, 1), (2, 3), (1, 2), (1, 1)];
        assert_eq!(order, expected);
        // A caller who arrives later has a turn before the caller who was served last.
        add(&mut turns, (3, 4), 1);
        assert_eq!(turns.take(|_, _| Pick::Take), Some((3, 4)));
        while turns.take(|_, _| Pick::Take).is_some() {}
        assert!(turns.is_empty());
    }

    #[test]
    fn who_is_skipped_keeps_its_turn() {
        let mut turns = Turns::new();
        for login in 1..4 {
            add(&mut turns, (1, login), 2);
        }
        let skip =
            |caller: &Caller, _: &_| if caller.login == Some(LoginId(1)) { Pick::Skip } else { Pick::Take };
        assert_eq!(turns.take(skip), Some((1, 2)));
        assert_eq!(turns.take(|_, _| Pick::Take), Some((1, 1)));
        assert_eq!(turns.take(|_, _| Pick::Stop), None);
        assert_eq!(turns.take(|_, _| Pick::Take), Some((1, 3)));
    }
}
