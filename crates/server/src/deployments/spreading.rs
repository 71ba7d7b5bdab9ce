//! Spreads services over the servers with an engine. Each waits before it takes a free service: the less
//! suitable the server, the longer it waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gangplank_core::ServiceId;
use gangplank_core::power::Room;
use gangplank_store::coordination::Whereabouts;
use gangplank_store::metadata::deployments::DeployedService;
use tokio::time::Instant;

use super::among::Among;

/// How long a server waits for one that runs fewer services, which may learn of a free service a second later.
const FOR_IDLER: Duration = Duration::from_millis(2_500);

/// If it runs several services more than the other server, it waits this much longer for each of them.
const FOR_EACH: Duration = Duration::from_millis(250);

/// It waits longer for at most this many services.
const MOST: u32 = 8;

/// How long a server without enough room waits for one that may have it.
const FOR_ROOM: Duration = Duration::from_secs(2);

/// How long other servers wait for one that already has the nodes of a service.
const FOR_NODES: Duration = Duration::from_secs(4);

/// How long others wait for a server with nodes that they have never seen. After a power cut or an outage of the
/// database servers come back one after the other.
const FOR_UNSEEN: Duration = Duration::from_secs(15);

/// The time since which each service has been without a claim.
#[derive(Debug, Default)]
pub(super) struct FreeServices {
    since: BTreeMap<ServiceId, Instant>,
    /// The time since which this server knows where everything runs. `None` while it does not know.
    sees_since: Option<Instant>,
    /// The servers that it has seen since then.
    seen: BTreeSet<String>,
}

/// The situation of one server at one look.
pub(super) struct Share<'a> {
    free: &'a mut FreeServices,
    among: &'a Among,
    known: &'a Whereabouts,
    engine: Option<&'a str>,
    /// How many services the server runs, and the fewest that another server runs.
    runs: u32,
    fewest: Option<u32>,
    room: Room,
    again: Option<Duration>,
}

impl FreeServices {
    /// Forgets what was seen, since the store was out of reach.
    pub(super) fn lose_sight(&mut self) {
        *self = Self::default();
    }

    /// The share of this server.
    pub(super) fn at<'a>(
        &'a mut self,
        among: &'a Among,
        known: &'a Whereabouts,
        services: &[DeployedService],
    ) -> Share<'a> {
        let is_free = |service: &ServiceId| {
            !known.holders.contains_key(service) && services.iter().any(|of| of.service.id == *service)
        };
        self.since.retain(|service, _| is_free(service));
        self.sees_since.get_or_insert_with(Instant::now);
        let places = || known.places.values().map(|place| &place.replica);
        self.seen.retain(|seen| places().any(|replica| replica == seen));
        self.seen.extend(known.replicas.iter().map(|replica| replica.id.clone()));
        let runs = |id: &str| {
            let held = known.holders.values().filter(|holder| *holder == id).count();
            u32::try_from(held).unwrap_or(u32::MAX)
        };
        let own = known.replicas.iter().find(|replica| replica.id == among.id);
        let mut room = own.map_or(Room { cpus: 0.0, memory: 0 }, |own| own.room);
        for of in services {
            if known.holders.get(&of.service.id) == Some(&among.id) {
                room = without(room, of);
            }
        }
        Share {
            free: self,
            engine: own.map(|own| own.engine.as_str()),
            runs: runs(&among.id),
            fewest: among.others(known).map(|other| runs(&other.id)).min(),
            room,
            again: None,
            among,
            known,
        }
    }
}

impl Share<'_> {
    /// Whether this server may take a service now.
    pub(super) fn is_due(&mut self, of: &DeployedService) -> bool {
        let service = of.service.id;
        // A server that the others do not know takes no service, because they could not send visitors to it.
        if self.engine.is_none()
            || self.among.leaves.is_cancelled()
            || self.known.holders.contains_key(&service)
        {
            return false;
        }
        let since = *self.free.since.entry(service).or_insert_with(Instant::now);
        let left = self.patience(of).saturating_sub(since.elapsed());
        if !left.is_zero() {
            self.again = Some(self.again.map_or(left, |before| before.min(left)));
        }
        left.is_zero()
    }

    /// Counts a service that this server has taken.
    pub(super) fn has_taken(&mut self, of: &DeployedService) {
        self.free.since.remove(&of.service.id);
        self.runs += 1;
        self.room = without(self.room, of);
    }

    /// When the next service may be taken.
    pub(super) fn again(&self) -> Option<Duration> {
        self.again
    }

    fn patience(&self, of: &DeployedService) -> Duration {
        let place = self.known.places.get(&of.service.id);
        if place.is_some_and(|place| Some(place.engine.as_str()) == self.engine) {
            return Duration::ZERO;
        }
        let has_nodes = |engine: &str| self.among.others(self.known).any(|other| other.engine == engine);
        let mut patience = Duration::ZERO;
        if let Some(place) = place {
            let is_unseen = !self.free.seen.contains(&place.replica);
            let sees_for = self.free.sees_since.map_or(Duration::ZERO, |since| since.elapsed());
            if has_nodes(&place.engine) {
                patience += FOR_NODES;
            } else if is_unseen && sees_for < FOR_UNSEEN {
                return FOR_UNSEEN;
            }
        }
        if let Some(fewest) = self.fewest
            && self.runs > fewest
        {
            patience += FOR_IDLER + FOR_EACH * (self.runs - fewest).min(MOST);
        }
        let Room { cpus, memory } = of.service.power.room(of.service.scale.nodes().into());
        if self.fewest.is_some() && (cpus > self.room.cpus || memory > self.room.memory) {
            patience += FOR_ROOM;
        }
        patience
    }
}

fn without(room: Room, of: &DeployedService) -> Room {
    let Room { cpus, memory } = of.service.power.room(of.service.scale.nodes().into());
    Room { cpus: room.cpus - cpus, memory: room.memory.saturating_sub(memory) }
}
