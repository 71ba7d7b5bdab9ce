//! The requests of one connection: when each begins and ends, and how much came for it. Whoever reads the connection and
//! whoever answers its requests tell each other here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Counts the beginnings and ends of a connection's requests.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// All of the request has come, and its client is to wait for the answer.
    watched: AtomicBool,
    /// Bytes that have come and of which nobody has asked yet.
    received: AtomicU64,
    /// The first request that says its length twice, counted from 1; 0 if none has.
    twice: AtomicUsize,
}

/// A request that is being answered, until this is dropped.
pub(crate) struct Turn(Arc<Counts>);

/// How many bytes a connection has received.
pub(super) struct Received(Arc<Counts>);

impl Received {
    /// So many since this was asked last: those of one request, if it is asked at the end of each.
    pub(super) fn take(&self) -> u64 {
        self.0.received.swap(0, Ordering::Relaxed)
    }
}

impl Turns {
    /// Notes that a head is complete.
    pub(super) fn begin(&self) -> Turn {
        self.0.watched.store(false, Ordering::Release);
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Turn(Arc::clone(&self.0))
    }

    /// Beginnings and ends together, and whether a request is being answered.
    pub(super) fn standing(&self) -> (usize, bool) {
        let (ended, begun) = (self.0.ended.load(Ordering::Acquire), self.0.begun.load(Ordering::Acquire));
        (begun + ended, begun != ended)
    }

    /// Notes the first request that says its length twice, counted from 1.
    pub(super) fn says_twice(&self, request: usize) {
        self.0.twice.store(request, Ordering::Release);
    }

    /// Whether the request that began last says twice how long it is.
    pub(super) fn is_framed_twice(&self) -> bool {
        self.0.twice.load(Ordering::Acquire) == self.0.begun.load(Ordering::Acquire)
    }

    /// Whether the client is to wait for the answer.
    pub(super) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Acquire)
    }

    /// Tells how much comes.
    pub(super) fn received(&self) -> Received {
        Received(Arc::clone(&self.0))
    }

    /// Notes that so many bytes came.
    pub(super) fn receive(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Turn {
    /// All of the request has come. From now on its connection ends if the client goes away.
    pub(crate) fn watch(&self) {
        self.0.watched.store(true, Ordering::Release);
    }

    /// What now comes is for whoever took the connection over.
    pub(crate) fn unwatch(&self) {
        self.0.watched.store(false, Ordering::Release);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.watched.store(false, Ordering::Release);
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}
