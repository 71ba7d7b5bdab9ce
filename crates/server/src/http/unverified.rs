//! The budget of memory for bodies of unverified callers. It is limited in all, and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;

use super::client_network::network;
use super::small_body::{FREE, Patience, Room, SmallBody, Unread, read};

/// How many addresses it takes to use up the budget.
const SHARES: usize = 8;

/// The longest time for one unverified body.
const WHOLE: Duration = Duration::from_mins(1);

/// A body counts as arrived with its head if it has at most `SMALL` bytes, and is complete within `AT_ONCE`.
const SMALL: u64 = 4 << 10;
const AT_ONCE: Duration = Duration::from_millis(50);

/// The budget that unverified bodies share.
pub(crate) struct Unverified {
    bytes: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// The part of the budget that one body takes.
pub(crate) struct Share {
    taken: Arc<Mutex<Taken>>,
    network: IpAddr,
    held: usize,
    most: usize,
}

impl Unverified {
    /// Makes a budget of `bytes` bytes. One address may use an eighth of it. The first bytes of each body are
    /// free, as they are in [`Budget`](super::small_body::Budget).
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes, taken: Arc::default() }
    }

    /// Reads the body of a client at `address`. The client may not pause for longer than `stall`.
    pub(crate) async fn read(
        &self,
        address: IpAddr,
        body: Incoming,
        limit: u64,
        stall: Duration,
    ) -> Result<SmallBody<Share>, Unread> {
        read(body, Patience { limit, stall, whole: WHOLE }, self.share(address)).await
    }

    /// Reads a small body that has arrived with its head. `None` if the body is larger or has not arrived.
    pub(crate) async fn read_what_is_there(
        &self,
        address: IpAddr,
        body: Incoming,
    ) -> Option<SmallBody<Share>> {
        self.read(address, body, SMALL, AT_ONCE).await.ok()
    }

    fn share(&self, address: IpAddr) -> Share {
        Share { taken: Arc::clone(&self.taken), network: network(address), held: 0, most: self.bytes }
    }
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room for Share {
    fn hold(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(FREE).saturating_sub(self.held);
        if more == 0 {
            return true;
        }
        let mut taken = self.lock();
        let of_it = taken.of.get(&self.network).copied().unwrap_or_default() + more;
        if taken.all + more > self.most || of_it > self.most / SHARES {
            return false;
        }
        taken.all += more;
        taken.of.insert(self.network, of_it);
        drop(taken);
        self.held += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.held == 0 {
            return;
        }
        let (held, network) = (self.held, self.network);
        let mut taken = self.lock();
        taken.all -= held;
        if let Some(of_it) = taken.of.get_mut(&network) {
            *of_it -= held;
            if *of_it == 0 {
                taken.of.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_all_have_the_whole() {
        const MIB: usize = 1 << 20;
        let unverified = Unverified::new(16 * MIB);
        let share = |address: &str| unverified.share(address.parse().unwrap());
        let (mut one, mut same) = (share("2001:db8::1"), share("2001:db8::2"));
        assert!(one.hold(2 * MIB + FREE) && one.hold(MIB));
        assert!(same.hold(FREE) && !same.hold(FREE + 1), "the same /64");
        let mut others: Vec<Share> = (1..8).map(|number| share(&format!("192.0.2.{number}"))).collect();
        assert!(others.iter_mut().all(|other| other.hold(2 * MIB + FREE)));
        let mut late = share("192.0.2.200");
        assert!(!late.hold(FREE + 1));
        drop(one);
        assert!(late.hold(FREE + 1) && same.hold(FREE + 1));
        drop((late, same, others));
        let taken = unverified.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.of.is_empty());
    }
}
