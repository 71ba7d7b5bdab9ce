//! The requests of one connection: when each begins and ends, and how many bytes arrived for it. The reader of
//! the connection and the handlers of its requests share this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Counts how many requests of a connection have begun and ended.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// Whether the whole request has arrived, and its client waits for the answer.
    watched: AtomicBool,
    /// The bytes that arrived since the last call of [`Received::take`].
    received: AtomicU64,
    /// The first request that states its length twice, counted from 1. 0 if there is none.
    twice: AtomicUsize,
}

/// A request that is being answered. Its turn ends when this value is dropped.
pub(crate) struct Turn(Arc<Counts>);

/// The number of bytes that a connection has received.
pub(super) struct Received(Arc<Counts>);

impl Received {
    /// How many bytes arrived since the last call. If this is called at the end of each request, these bytes
    /// belong to that request.
    pub(super) fn take(&self) -> u64 {
        self.0.received.swap(0, Ordering::Relaxed)
    }
}

impl Turns {
    /// Records that a head is complete.
    pub(super) fn begin(&self) -> Turn {
        self.0.watched.store(false, Ordering::Release);
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Turn(Arc::clone(&self.0))
    }

    /// How many requests have begun plus how many have ended, and whether a request is being answered.
    pub(super) fn standing(&self) -> (usize, bool) {
        let (ended, begun) = (self.0.ended.load(Ordering::Acquire), self.0.begun.load(Ordering::Acquire));
        (begun + ended, begun != ended)
    }

    /// Records the first request that states its length twice, counted from 1.
    pub(super) fn says_twice(&self, request: usize) {
        self.0.twice.store(request, Ordering::Release);
    }

    /// Whether the request that began last states its length twice.
    pub(super) fn is_framed_twice(&self) -> bool {
        self.0.twice.load(Ordering::Acquire) == self.0.begun.load(Ordering::Acquire)
    }

    /// Whether the client waits for an answer whose request has arrived.
    pub(super) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Acquire)
    }

    /// The counter of received bytes.
    pub(super) fn received(&self) -> Received {
        Received(Arc::clone(&self.0))
    }

    /// Records that this many bytes arrived.
    pub(super) fn receive(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Turn {
    /// Records that the whole request has arrived. From now on the connection ends if the client disconnects.
    pub(crate) fn watch(&self) {
        self.0.watched.store(true, Ordering::Release);
    }

    /// Records that a node has taken the connection over, so its bytes are not for HTTP any more.
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
