//! Refusals on their way into the log and the audit trail.
//!
//! Anybody can be refused as often as they like, so a refusal by itself writes nothing. Those that are
//! alike (the same client, credential, action and reason) are counted together: the first is logged and
//! noted at once, the rest once a minute with how many there were. However many clients there are, only
//! so many are told apart.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{EventKind, LoginId, Origin, Owner, Tenant, Time};
use gangplank_store::metadata::audit::Tallied;

use crate::http::client_network::network;

/// How often the same refusals are noted.
const EVERY: Duration = Duration::from_mins(1);

/// How many kinds of refusals are told apart.
const TOLD_APART: usize = 1_000;

/// Refusals that have not been noted yet.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<Alike, Tally>>);

/// Which refusals are taken to be noted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Those that need not wait for more of their kind.
    Due,
    /// All that have not been noted.
    All,
}

/// What makes refusals alike.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Alike {
    kind: EventKind,
    network: Option<IpAddr>,
    owner: Option<Owner>,
    login: Option<LoginId>,
    action: Option<String>,
    reason: String,
}

/// What was refused, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) kind: EventKind,
    /// What was asked for, if the caller got so far.
    pub(crate) action: Option<&'a str>,
    pub(crate) reason: &'a str,
}

#[derive(Clone)]
struct Tally {
    /// Of the last one.
    origin: Origin,
    tenant: Option<Tenant>,
    /// Since they were last noted.
    count: u64,
    noted: Option<Time>,
}

impl Refusals {
    /// Counts a refusal. `tenant` is whose credential it was, if it was anybody's.
    pub(crate) fn count(&self, refusal: Refusal<'_>, origin: Origin, tenant: Option<Tenant>) {
        let Refusal { kind, action, reason } = refusal;
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alike = Alike {
            kind,
            network: origin.address.map(network),
            owner: origin.owner.clone(),
            login: origin.login,
            action: action.map(str::to_owned),
            reason: reason.to_owned(),
        };
        let mut refused = Tally { origin, tenant, count: 0, noted: None };
        if tallies.len() >= TOLD_APART && !tallies.contains_key(&alike) {
            // Who they all are is no longer told.
            alike = Alike { network: None, owner: None, login: None, ..alike };
            let Origin { at, steady, .. } = refused.origin;
            (refused.origin, refused.tenant) = (Origin::unknown(at, steady), None);
        }
        let tally = tallies.entry(alike).or_insert_with(|| {
            let Origin { address, owner, login, .. } = &refused.origin;
            let (kind, login) = (kind.as_str(), login.map(|login| login.0));
            let (peer, owner) = (address.map(tracing::field::display), owner.as_ref());
            let owner = owner.map(tracing::field::display);
            tracing::info!(peer, owner, login, action, reason, kind, "refused a caller");
            Tally { count: 0, ..refused.clone() }
        });
        (tally.origin, tally.count) = (refused.origin, tally.count + 1);
    }

    /// Takes what is to be noted now.
    pub(crate) fn take(&self, now: Time, which: Taken) -> Vec<Tallied> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |noted: Option<Time>| noted.is_none_or(|noted| noted <= now.minus(EVERY));
        tallies.retain(|_, tally| tally.count > 0 || !is_due(tally.noted));
        let mut taken = Vec::new();
        for (alike, tally) in &mut *tallies {
            if tally.count == 0 || which == Taken::Due && !is_due(tally.noted) {
                continue;
            }
            if tally.noted.is_some() {
                let peer = tally.origin.address.map(tracing::field::display);
                let (kind, count, reason) = (alike.kind.as_str(), tally.count, &alike.reason);
                tracing::info!(peer, count, reason, kind, "refused a caller again");
            }
            taken.push(Tallied {
                kind: alike.kind,
                origin: tally.origin.clone(),
                tenant: tally.tenant.clone(),
                action: alike.action.clone(),
                reason: Some(alike.reason.clone()),
                repository: None,
                digest: None,
                subject: None,
                count: tally.count,
            });
            (tally.count, tally.noted) = (0, Some(now));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000_000);

    const UNKNOWN: Refusal<'_> = Refusal { kind: EventKind::LoginRefused, action: None, reason: "unknown" };

    fn from(address: u32) -> Origin {
        Origin { address: Some(IpAddr::from(address.to_be_bytes())), ..Origin::local(NOW) }
    }

    fn counts(refusals: &Refusals, seconds: u64) -> Vec<u64> {
        let taken = refusals.take(NOW.plus(Duration::from_secs(seconds)), Taken::Due);
        taken.iter().map(|refused| refused.count).collect()
    }

    #[test]
    fn the_first_is_noted_at_once_and_the_rest_once_a_minute() {
        let refusals = Refusals::default();
        let refuse = || refusals.count(UNKNOWN, from(1), None);
        refuse();
        assert_eq!(counts(&refusals, 1), [1]);
        refuse();
        refuse();
        assert!(counts(&refusals, 2).is_empty());
        assert_eq!(counts(&refusals, 61), [2]);
        assert!(counts(&refusals, 122).is_empty());
        assert!(refusals.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_differs_is_told_apart_up_to_a_bound() {
        let refusals = Refusals::default();
        for address in 0..5_000 {
            refusals.count(UNKNOWN, from(address), None);
        }
        let expired = Refusal { kind: EventKind::CallRefused, reason: "RequestExpired", ..UNKNOWN };
        refusals.count(expired, from(1), None);
        let taken = refusals.take(NOW, Taken::Due);
        assert_eq!(taken.len(), TOLD_APART + 2);
        assert_eq!(taken.iter().map(|refused| refused.count).sum::<u64>(), 5_001);
        let rest = taken.iter().find(|refused| refused.count > 1).unwrap();
        assert_eq!(rest.origin.address, None);
    }

    #[test]
    fn whoever_asks_for_all_gets_all() {
        let refusals = Refusals::default();
        refusals.count(UNKNOWN, from(1), None);
        assert_eq!(refusals.take(NOW, Taken::All).len(), 1);
        refusals.count(UNKNOWN, from(1), None);
        assert_eq!(refusals.take(NOW, Taken::All)[0].count, 1);
    }
}
