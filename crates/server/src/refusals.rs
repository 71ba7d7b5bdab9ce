//! Refusals, until they are written to the log and the audit trail.
//!
//! Anybody can cause endless refusals, so a refusal alone writes nothing. Refusals with the same client,
//! credential, action and reason are counted together. The first is logged and recorded at once, the others
//! once a minute with their number. The number of different counts is limited, however many clients there are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gangplank_core::{EventKind, LoginId, Origin, Owner, Tenant, Time};
use gangplank_store::metadata::audit::Tallied;

use crate::http::client_network::network;

/// How often the same refusals are recorded.
const EVERY: Duration = Duration::from_mins(1);

/// The most different counts. Beyond it, refusals of all clients are counted together.
const TOLD_APART: usize = 1_000;

/// The counts of refusals.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<Alike, Tally>>);

/// The refusals to take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The refusals that are due: those of a kind that was never recorded, or was last recorded a minute ago
    /// or earlier.
    Due,
    /// All refusals that are not recorded.
    All,
}

/// The properties that equal refusals share.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Alike {
    network: Option<IpAddr>,
    owner: Option<Owner>,
    login: Option<LoginId>,
    tenant: Option<Tenant>,
    by_console: bool,
    what: Refusal,
}

/// The action that was refused, and the reason. The caller can choose no text in it, or the number of different
/// counts would be unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Refusal {
    pub(crate) kind: EventKind,
    /// The requested action. `None` if the caller was refused before it was known.
    pub(crate) action: Option<&'static str>,
    pub(crate) reason: &'static str,
}

#[derive(Clone)]
struct Tally {
    /// The origin of the last refusal.
    origin: Origin,
    /// The number of refusals since they were last recorded.
    count: u64,
    noted: Option<Time>,
}

impl Refusals {
    /// Counts a refusal. `tenant` is the credential's tenant, if the credential is known.
    pub(crate) fn count(&self, what: Refusal, origin: Origin, tenant: Option<Tenant>) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let network = origin.address.map(network);
        let (owner, by_console) = (origin.owner.clone(), origin.by_console);
        let mut alike = Alike { network, owner, login: origin.login, tenant, by_console, what };
        let mut refused = Tally { origin, count: 0, noted: None };
        if tallies.len() >= TOLD_APART && !tallies.contains_key(&alike) {
            // From here on, refusals are counted without their clients.
            alike = Alike { network: None, owner: None, login: None, tenant: None, by_console: false, what };
            let Origin { at, steady, .. } = refused.origin;
            refused.origin = Origin::unknown(at, steady);
        }
        let tally = tallies.entry(alike).or_insert_with(|| {
            let Origin { address, owner, login, .. } = &refused.origin;
            let (peer, login) = (address.map(tracing::field::display), login.map(|login| login.0));
            let access_key = owner.as_ref().map(tracing::field::display);
            let Refusal { kind, action, reason } = what;
            tracing::info!(peer, access_key, login, action, reason, kind = kind.as_str(), "refused a caller");
            Tally { count: 0, ..refused.clone() }
        });
        (tally.origin, tally.count) = (refused.origin, tally.count + 1);
    }

    /// Takes the refusals that are to be recorded now.
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
                let Refusal { kind, action, reason } = alike.what;
                let count = tally.count;
                tracing::info!(peer, count, action, reason, kind = kind.as_str(), "refused a caller again");
            }
            taken.push(Tallied {
                kind: alike.what.kind,
                origin: tally.origin.clone(),
                tenant: alike.tenant.clone(),
                action: alike.what.action.map(str::to_owned),
                reason: Some(alike.what.reason.to_owned()),
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

    const UNKNOWN: Refusal = Refusal { kind: EventKind::LoginRefused, action: None, reason: "unknown" };

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
