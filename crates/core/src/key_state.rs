//! Changes of an access key. The last root key is protected, because nobody could administer the server without it.

/// The wanted state of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewState {
    /// Its calls and logins are accepted.
    Enabled,
    /// Its calls and logins are refused, until it is enabled again.
    Disabled,
    /// It is gone for good. Its logins are refused from then on, and its id is never used again.
    Deleted,
}

/// Whether the last root key may be disabled or deleted. Afterwards nobody can administer the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastRootKey {
    /// The last root key must stay enabled.
    Keep,
    /// The last root key may be disabled or deleted.
    Release,
}

/// The facts that decide about a change of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStanding {
    /// Whether it administers the server.
    pub is_root: bool,
    /// Whether its calls are accepted.
    pub is_enabled: bool,
    /// The number of other enabled root keys. It has no meaning if the key is no root key.
    pub other_root_keys: u64,
}

/// The decision about a change of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The key already has the wanted state.
    Unchanged,
    /// Refused: no enabled root key would be left.
    IsLastRootKey,
    /// The key gets the wanted state.
    Changes,
}

impl KeyStanding {
    /// Decides about a change. A disabled root key may also be the last one. Then it is protected from
    /// deletion, because it can be enabled again.
    pub fn decide(self, state: NewState, last: LastRootKey) -> Decision {
        let is_so = match state {
            NewState::Enabled => self.is_enabled,
            NewState::Disabled => !self.is_enabled,
            NewState::Deleted => false,
        };
        if is_so {
            Decision::Unchanged
        } else if self.is_root
            && state != NewState::Enabled
            && last == LastRootKey::Keep
            && self.other_root_keys == 0
        {
            Decision::IsLastRootKey
        } else {
            Decision::Changes
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_root_key_stays() {
        use NewState::{Deleted, Disabled, Enabled};
        let decide = |is_root, is_enabled, other_root_keys, state| {
            KeyStanding { is_root, is_enabled, other_root_keys }.decide(state, LastRootKey::Keep)
        };
        for state in [Disabled, Deleted] {
            assert_eq!(decide(true, true, 0, state), Decision::IsLastRootKey);
            assert_eq!(decide(true, true, 1, state), Decision::Changes);
            assert_eq!(decide(false, true, 0, state), Decision::Changes);
        }
        assert_eq!(decide(true, false, 0, Deleted), Decision::IsLastRootKey);
        assert_eq!(decide(true, false, 0, Disabled), Decision::Unchanged);
        assert_eq!(decide(true, true, 0, Enabled), Decision::Unchanged);
        assert_eq!(decide(true, false, 0, Enabled), Decision::Changes);
        let last = KeyStanding { is_root: true, is_enabled: true, other_root_keys: 0 };
        assert_eq!(last.decide(Deleted, LastRootKey::Release), Decision::Changes);
    }

    proptest! {
        #[test]
        fn whatever_is_done_a_root_key_stays_enabled(
            steps in proptest::collection::vec((0..4usize, 0..3usize), 0..40),
        ) {
            // Whether each key is enabled. `None` if it was deleted.
            let mut keys = [Some(true), Some(true), Some(false), Some(true)];
            for (key, state) in steps {
                let state = [NewState::Enabled, NewState::Disabled, NewState::Deleted][state];
                let Some(is_enabled) = keys[key] else { continue };
                let others = keys.iter().enumerate().filter(|(index, it)| *index != key && **it == Some(true));
                let standing =
                    KeyStanding { is_root: true, is_enabled, other_root_keys: others.count() as u64 };
                if standing.decide(state, LastRootKey::Keep) == Decision::Changes {
                    keys[key] = match state {
                        NewState::Enabled => Some(true),
                        NewState::Disabled => Some(false),
                        NewState::Deleted => None,
                    };
                }
                prop_assert!(keys.contains(&Some(true)));
            }
        }
    }
}
