//! This server among others that share its store: how they reach it, and where services run.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangplank_core::ServiceId;
use gangplank_core::power::Room;
use gangplank_store::coordination::{Place, Places, Replica, Whereabouts};
use hyper::http::uri::Authority;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// This server among others that share its store.
pub(crate) struct Among {
    pub(super) places: Arc<dyn Places>,
    /// The unique name of this process, the holder of its claims.
    pub(super) id: String,
    /// The `host:port` at which other servers reach this one; `None` if it runs nothing.
    pub(super) address: Option<String>,
    /// Where everything runs, as it was read last.
    known: watch::Sender<Arc<Whereabouts>>,
    /// This is cancelled when the server is about to stop, so that others take its services.
    pub(super) leaves: CancellationToken,
}

impl Among {
    /// A server with a unique name and an address.
    pub(crate) fn of(places: Arc<dyn Places>, id: String, address: Option<String>) -> Self {
        let (known, leaves) = (watch::Sender::default(), CancellationToken::new());
        Self { places, id, address, known, leaves }
    }

    /// Where everything runs, as it was read last.
    pub(super) fn known(&self) -> Arc<Whereabouts> {
        Arc::clone(&self.known.borrow())
    }

    /// Changes when something runs elsewhere than before.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Whereabouts>> {
        self.known.subscribe()
    }

    /// Reads where everything runs.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn look(&self) -> gangplank_store::Result<Arc<Whereabouts>> {
        let found = Arc::new(self.places.whereabouts().await?);
        self.known.send_if_modified(|before| {
            let is_new = **before != *found;
            before.clone_from(&found);
            is_new
        });
        Ok(found)
    }

    /// Whether a place names this server. A place that an earlier run of this server wrote has another id and
    /// the same address.
    fn is_here(&self, place: &Place) -> bool {
        place.replica == self.id || self.address.as_ref() == Some(&place.address)
    }

    /// The place of a service, if another server serves it.
    pub(super) fn place_elsewhere(&self, service: ServiceId) -> Option<Place> {
        self.known().places.get(&service).filter(|place| !self.is_here(place)).cloned()
    }

    /// The address at which another server answers for a service.
    pub(super) fn elsewhere(&self, service: ServiceId) -> Option<Authority> {
        self.place_elsewhere(service)?.address.parse().ok()
    }

    /// The address of the other server that runs a service now, or that served it last.
    pub(super) fn runs_elsewhere(&self, service: ServiceId) -> Option<Authority> {
        let known = self.known();
        let Some(holder) = known.holders.get(&service) else { return self.elsewhere(service) };
        if *holder == self.id {
            return None;
        }
        let replica = known.replicas.iter().find(|replica| replica.id == *holder);
        replica.map_or_else(|| self.elsewhere(service), |replica| replica.address.parse().ok())
    }

    /// The other servers that can run services.
    pub(super) fn others<'a>(&self, known: &'a Whereabouts) -> impl Iterator<Item = &'a Replica> {
        known.replicas.iter().filter(|replica| replica.id != self.id)
    }

    /// The resources of all engines together; `None` if no server has an engine.
    pub(super) fn room(&self) -> Option<Room> {
        self.rooms().into_iter().reduce(Room::and)
    }

    /// The resources of each engine. Servers that share an engine count once.
    pub(super) fn rooms(&self) -> Vec<Room> {
        let known = self.known();
        let mut engines: BTreeMap<&str, Room> = BTreeMap::new();
        for Replica { engine, room, .. } in &known.replicas {
            let sum = engines.entry(engine).or_insert(*room);
            *sum = Room { cpus: sum.cpus.max(room.cpus), memory: sum.memory.max(room.memory) };
        }
        engines.into_values().collect()
    }
}
