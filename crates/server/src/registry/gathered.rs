//! The received bytes of a body that are not written yet. All bodies share one budget of memory, so that many
//! slow bodies do not exhaust it. A body that gets no room writes its bytes as they arrive.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes of one body are gathered before they are written.
pub(super) const BATCH: usize = 256 << 10;

/// How many bytes all bodies together may gather.
const ALL: usize = 64 << 20;

/// The budget is given out in pieces of this many bytes.
const UNIT: usize = 16 << 10;

/// The budget of memory for gathered bytes.
#[derive(Clone)]
pub(crate) struct Gathering(Arc<Semaphore>);

impl Default for Gathering {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL / UNIT)))
    }
}

/// The gathered bytes of one body.
pub(super) struct Gathered {
    of: Gathering,
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// Gathered bytes on their way to a file. They count against the budget until they are dropped.
pub(super) struct Batch {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Batch {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Gathered {
    pub(super) fn new(of: &Gathering) -> Self {
        Self { of: of.clone(), bytes: Vec::new(), room: None }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reserves room for `more` bytes. Returns `false` if the budget has no more room.
    pub(super) fn reserve(&mut self, more: usize) -> bool {
        let wanted = self.len() + more;
        if wanted <= self.bytes.capacity() {
            return true;
        }
        // Doubles the capacity, as a vector does.
        let units = wanted.div_ceil(UNIT).next_power_of_two();
        let held = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(missing) = u32::try_from(units.saturating_sub(held)) else { return false };
        let Ok(room) = Arc::clone(&self.of.0).try_acquire_many_owned(missing) else { return false };
        match &mut self.room {
            Some(held) => held.merge(room),
            none => *none = Some(room),
        }
        self.bytes.reserve_exact(units * UNIT - self.len());
        true
    }

    /// Adds a piece. The caller has reserved room for it.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// All gathered bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the gathered bytes, and keeps their buffer for the next ones.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes out all gathered bytes.
    pub(super) fn take(&mut self) -> Batch {
        Batch { bytes: std::mem::take(&mut self.bytes), _room: self.room.take() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_gather_within_a_budget_and_give_it_back() {
        let all = Gathering::default();
        let mut bodies: Vec<Gathered> = Vec::new();
        loop {
            let mut body = Gathered::new(&all);
            if !body.reserve(200 << 10) {
                break;
            }
            body.add(&vec![7; 200 << 10]);
            assert!(body.reserve(1 << 10) && body.bytes.capacity() <= BATCH);
            bodies.push(body);
        }
        assert_eq!(bodies.len(), ALL / BATCH);
        let batch = bodies[0].take();
        assert!(batch.bytes.len() == 200 << 10 && !Gathered::new(&all).reserve(1), "until it is written");
        drop(batch);
        assert!(Gathered::new(&all).reserve(BATCH));
        drop(bodies);
        assert_eq!(all.0.available_permits(), ALL / UNIT);
    }
}
