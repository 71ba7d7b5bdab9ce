//! All open connections. If there are too many, this file chooses which of them are closed.
//!
//! The names in this file call a connection a stranger until one of its requests is authenticated.
//! Unauthenticated connections are closed first, the oldest before the others, and only for a reason. If one
//! address has too many connections, its own unauthenticated ones are closed. If there are too many in all,
//! the server takes the address with the most unauthenticated connections, and closes these. If incomplete
//! heads take too much memory, their connections are closed. Authenticated connections stay.
//!
//! Visitors of services never authenticate. Those that a node is answering are closed after the idle ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gangplank_core::Network;
use tokio::task::AbortHandle;

use super::client_network::network;

/// The most memory of all incomplete heads together, in bytes.
const HEADS: usize = 64 << 20;

/// The open connections of a server.
pub(crate) struct Connections {
    /// The most connections in all.
    most: usize,
    /// The most connections of one address.
    most_of_an_address: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Arc<Place>>,
    of: HashMap<IpAddr, OfAnAddress>,
    /// Addresses, ordered by their number of unauthenticated connections.
    ranks: BTreeSet<(usize, IpAddr)>,
    /// Connections with an incomplete head, the oldest head first.
    heads: BTreeMap<u64, u64>,
    /// The memory of these heads together, in bytes.
    head_bytes: usize,
    /// The next number of a connection or head. The order of numbers is the order of time.
    next: u64,
}

#[derive(Default)]
struct OfAnAddress {
    open: usize,
    strangers: BTreeSet<u64>,
}

/// The state of one connection.
struct Place {
    id: u64,
    network: IpAddr,
    /// The task that serves the connection.
    task: OnceLock<AbortHandle>,
    ended: AtomicBool,
    /// Whether any request was authenticated.
    known: AtomicBool,
    /// Whether the last request was authenticated.
    asks_as_known: AtomicBool,
    /// The number of requests of this connection that nodes are answering.
    visits: AtomicUsize,
    /// The memory of the incomplete head in bytes, and the number of that head. Both are 0 if there is none.
    head: AtomicUsize,
    head_number: AtomicU64,
}

/// The entry of a connection in the table. Dropping it removes the entry.
pub(crate) struct Guest {
    connections: Arc<Connections>,
    place: Arc<Place>,
}

impl Connections {
    /// A table for at most `most` connections, and `most_of_an_address` of one address.
    pub(crate) fn new(most: usize, most_of_an_address: usize) -> Self {
        Self { most, most_of_an_address, table: Mutex::default() }
    }

    /// Adds a connection. If there are too many, an unauthenticated connection is closed for it. `None` if
    /// there is none to close. An address in `proxies` stands for many clients, so it has no limit of its own.
    pub(crate) fn open(self: &Arc<Self>, address: IpAddr, proxies: &[Network]) -> Option<Guest> {
        let address = address.to_canonical();
        let network = network(address);
        let mut table = self.lock();
        let of_it = table.of.get(&network);
        if of_it.is_some_and(|it| it.open >= self.most_of_an_address)
            && !proxies.iter().any(|proxy| proxy.contains(address))
            && let Some(oldest) = of_it.and_then(|it| table.first_to_go(it))
        {
            table.end(oldest);
        }
        if table.open.len() >= self.most && !table.end_one_of_most() {
            return None;
        }
        let place = table.add(network);
        drop(table);
        Some(Guest { connections: Arc::clone(self), place })
    }

    /// Closes the oldest unauthenticated connection of the address that has the most of them. The caller does
    /// so when the system has no room for another connection.
    pub(crate) fn make_room(&self) {
        self.lock().end_one_of_most();
    }

    /// Closes all connections whose last request was not authenticated, except for those that a node is
    /// answering.
    pub(crate) fn end_strangers(&self) {
        let mut table = self.lock();
        let unknown = |place: &&Arc<Place>| {
            !place.asks_as_known.load(Ordering::Acquire) && place.visits.load(Ordering::Acquire) == 0
        };
        let ids: Vec<u64> = table.open.values().filter(unknown).map(|place| place.id).collect();
        for id in ids {
            table.end(id);
        }
    }

    /// The number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.lock().open.len()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Records the task that serves the connection.
    pub(super) fn is_served_by(&self, task: AbortHandle) {
        let task = self.place.task.get_or_init(|| task);
        if self.place.ended.load(Ordering::SeqCst) {
            task.abort();
        }
    }

    /// Records that a request begins. Its caller is not known yet.
    pub(super) fn asks(&self) {
        self.place.asks_as_known.store(false, Ordering::Release);
        self.head_takes(0);
    }

    /// Records that the request was authenticated.
    pub(crate) fn is_known(&self) {
        self.place.asks_as_known.store(true, Ordering::Release);
        if !self.place.known.load(Ordering::Relaxed) && !self.place.known.swap(true, Ordering::AcqRel) {
            self.connections.lock().is_known(&self.place);
        }
    }

    /// Records that a node begins to answer a visitor.
    pub(crate) fn begins_visit(&self) {
        self.place.visits.fetch_add(1, Ordering::AcqRel);
    }

    /// Records that a node has finished with a visitor.
    pub(crate) fn ends_visit(&self) {
        self.place.visits.fetch_sub(1, Ordering::AcqRel);
    }

    /// Records the memory of the connection's incomplete head, in bytes.
    pub(super) fn head_takes(&self, bytes: usize) {
        if self.place.head.load(Ordering::Relaxed) != bytes {
            self.connections.lock().head_takes(&self.place, bytes);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.connections.lock().remove(self.place.id);
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add(&mut self, network: IpAddr) -> Arc<Place> {
        let id = self.number();
        let place = Arc::new(Place {
            id,
            network,
            task: OnceLock::new(),
            known: AtomicBool::new(false),
            asks_as_known: AtomicBool::new(false),
            visits: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            head: AtomicUsize::new(0),
            head_number: AtomicU64::new(0),
        });
        self.open.insert(id, Arc::clone(&place));
        self.change(network, |it| {
            it.open += 1;
            it.strangers.insert(id);
        });
        place
    }

    /// Changes the counts of an address, and its rank with them.
    fn change(&mut self, network: IpAddr, change: impl FnOnce(&mut OfAnAddress)) {
        let of_it = self.of.entry(network).or_default();
        let before = of_it.strangers.len();
        change(of_it);
        let (after, is_over) = (of_it.strangers.len(), of_it.open == 0);
        if before != after {
            self.ranks.remove(&(before, network));
            if after > 0 {
                self.ranks.insert((after, network));
            }
        }
        if is_over {
            self.of.remove(&network);
        }
    }

    fn is_known(&mut self, place: &Place) {
        if self.open.contains_key(&place.id) {
            self.change(place.network, |it| {
                it.strangers.remove(&place.id);
            });
        }
    }

    fn head_takes(&mut self, place: &Arc<Place>, bytes: usize) {
        if !self.open.contains_key(&place.id) {
            return;
        }
        let before = place.head.swap(bytes, Ordering::AcqRel);
        self.head_bytes = self.head_bytes + bytes - before;
        if bytes == 0 {
            self.heads.remove(&place.head_number.swap(0, Ordering::AcqRel));
        } else if before == 0 {
            let number = self.number();
            place.head_number.store(number, Ordering::Release);
            self.heads.insert(number, place.id);
        }
        while self.head_bytes > HEADS
            && let Some(oldest) = self.heads.values().next().copied()
        {
            self.end(oldest);
        }
    }

    /// Closes an unauthenticated connection of the address that has the most such connections. Returns whether there
    /// was one. If nodes are answering on all connections of this address, closes an idle connection of another address
    /// that has at least half as many.
    fn end_one_of_most(&mut self) -> bool {
        let Some((most, _)) = self.ranks.last().copied() else { return false };
        let crowds = self.ranks.iter().rev().take_while(|(strangers, _)| strangers * 2 >= most);
        let mut crowds = crowds.filter_map(|(_, network)| self.of.get(network));
        let most = crowds.clone().next().and_then(|it| it.strangers.first().copied());
        let to_go = crowds.find_map(|it| self.first_idle(it)).or(most);
        to_go.inspect(|id| self.end(*id)).is_some()
    }

    /// Chooses the unauthenticated connection of an address that has to be closed first.
    fn first_to_go(&self, of_it: &OfAnAddress) -> Option<u64> {
        self.first_idle(of_it).or_else(|| of_it.strangers.first().copied())
    }

    /// The oldest unauthenticated connection of an address, of those without a request that a node is answering.
    fn first_idle(&self, of_it: &OfAnAddress) -> Option<u64> {
        let visits =
            |id: &u64| self.open.get(id).is_some_and(|place| place.visits.load(Ordering::Acquire) > 0);
        of_it.strangers.iter().find(|id| !visits(id)).copied()
    }

    /// Closes a connection. Its entry is removed at once. Its socket closes when its task next runs.
    fn end(&mut self, id: u64) {
        if let Some(place) = self.remove(id) {
            place.ended.store(true, Ordering::SeqCst);
            if let Some(task) = place.task.get() {
                task.abort();
            }
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Place>> {
        let place = self.open.get(&id).cloned()?;
        self.head_takes(&place, 0);
        self.open.remove(&id);
        self.change(place.network, |it| {
            it.open -= 1;
            it.strangers.remove(&id);
        });
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(connections: &Arc<Connections>, address: &str) -> Option<Guest> {
        connections.open(address.parse().unwrap(), &["192.0.2.9".parse().unwrap()])
    }

    fn is_open(guest: &Guest) -> bool {
        !guest.place.ended.load(Ordering::SeqCst)
    }

    #[test]
    fn the_oldest_stranger_of_an_address_gives_way() {
        let connections = Arc::new(Connections::new(100, 3));
        let other = open(&connections, "192.0.2.2").unwrap();
        let mut guests: Vec<Guest> = (0..3).map(|_| open(&connections, "192.0.2.1").unwrap()).collect();
        guests[0].is_known();
        guests.push(open(&connections, "::ffff:192.0.2.1").unwrap());
        assert_eq!(guests.iter().map(is_open).collect::<Vec<_>>(), [true, false, true, true]);
        for guest in &guests {
            guest.is_known();
        }
        let new = open(&connections, "192.0.2.1").unwrap();
        assert!(is_open(&new) && is_open(&guests[0]) && is_open(&other), "who is known does not give way");
        let proxied: Vec<Guest> = (0..9).map(|_| open(&connections, "192.0.2.9").unwrap()).collect();
        assert!(proxied.iter().all(is_open), "a proxy stands for many");
        drop((other, guests, new, proxied));
        let table = connections.lock();
        assert!(table.open.is_empty() && table.of.is_empty() && table.ranks.is_empty());
    }

    #[test]
    fn when_all_places_are_taken_the_address_with_most_strangers_gives_one() {
        let connections = Arc::new(Connections::new(5, 1_000));
        let crowd: Vec<Guest> = (0..3).map(|_| open(&connections, "2001:db8::1").unwrap()).collect();
        let known: Vec<Guest> = (0..2).map(|_| open(&connections, "192.0.2.1").unwrap()).collect();
        known.iter().for_each(Guest::is_known);
        let new = open(&connections, "2001:db8::2").unwrap();
        new.is_known();
        assert_eq!(crowd.iter().map(is_open).collect::<Vec<_>>(), [false, true, true]);
        crowd[1].is_known();
        crowd[2].is_known();
        assert!(open(&connections, "192.0.2.2").is_none(), "who is known keeps the place");
        drop(crowd);
        assert!(open(&connections, "192.0.2.2").is_some());
    }

    #[test]
    fn who_is_being_answered_by_a_node_gives_way_last() {
        let connections = Arc::new(Connections::new(6, 3));
        let mut guests: Vec<Guest> = (0..3).map(|_| open(&connections, "192.0.2.1").unwrap()).collect();
        guests[0].begins_visit();
        guests.push(open(&connections, "192.0.2.1").unwrap());
        assert_eq!(guests.iter().map(is_open).collect::<Vec<_>>(), [true, false, true, true]);
        for guest in &guests {
            guest.begins_visit();
        }
        let crowd: Vec<Guest> = (0..3).map(|_| open(&connections, "192.0.2.2").unwrap()).collect();
        crowd[0].begins_visit();
        let new = open(&connections, "192.0.2.3").unwrap();
        assert!(
            is_open(&crowd[0]) && !is_open(&crowd[1]) && is_open(&crowd[2]),
            "of those with most, an idle one"
        );
        crowd[2].begins_visit();
        let last = open(&connections, "192.0.2.4").unwrap();
        assert!(!is_open(&guests[0]), "none is idle of those with most");
        assert!(is_open(&new) && is_open(&last), "who has few keeps them");
        guests[2].ends_visit();
        connections.end_strangers();
        assert_eq!(guests.iter().map(is_open).collect::<Vec<_>>(), [false, false, false, true]);
    }

    #[test]
    fn the_oldest_half_head_gives_way() {
        let connections = Arc::new(Connections::new(100, 100));
        let guests: Vec<Guest> = (0..3).map(|_| open(&connections, "192.0.2.1").unwrap()).collect();
        guests[1].head_takes(HEADS / 2);
        guests[0].head_takes(HEADS / 4);
        guests[1].head_takes(HEADS / 2 + 1);
        guests[0].asks();
        guests[0].head_takes(HEADS / 4);
        assert!(guests.iter().all(is_open));
        guests[2].head_takes(HEADS / 4);
        assert_eq!(guests.iter().map(is_open).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(connections.lock().head_bytes, HEADS / 2);
        drop(guests);
        assert_eq!(connections.lock().head_bytes, 0);
        assert!(connections.lock().heads.is_empty());
    }

    #[test]
    fn a_stop_ends_all_that_ask_as_strangers() {
        let connections = Arc::new(Connections::new(100, 100));
        let guests: Vec<Guest> = (0..3).map(|_| open(&connections, "192.0.2.1").unwrap()).collect();
        guests[0].is_known();
        guests[1].is_known();
        guests[1].asks();
        connections.end_strangers();
        assert_eq!(guests.iter().map(is_open).collect::<Vec<_>>(), [true, false, false]);
    }
}
