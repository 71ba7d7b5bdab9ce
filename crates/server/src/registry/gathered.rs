//! What has come of a body and is not written yet. All bodies share a budget for it, so that many slow ones do not
//! take much memory: who gets no room writes what comes as it comes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes are gathered of one body before they are written.
pub(super) const BATCH: usize = 256 << 10;

/// How much all bodies gather together.
const ALL: usize = 64 << 20;

/// Room is taken in pieces of this size.
const UNIT: usize = 16 << 10;

/// The memory that bodies gather in.
#[derive(Clone)]
pub(crate) struct Gathering(Arc<Semaphore>);

impl Default for Gathering {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL / UNIT)))
    }
}

/// What one body has gathered.
pub(super) struct Gathered {
    of: Gathering,
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// The same on its way to a file: it takes its room until it is dropped.
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

    /// Takes room for so many bytes more; false if there is none.
    pub(super) fn reserve(&mut self, more: usize) -> bool {
        let wanted = self.len() + more;
        if wanted <= self.bytes.capacity() {
            return true;
        }
        // Twice as much each time, as a vector grows by itself.
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

    /// Adds a piece that room was taken for.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// Hands out all of it.
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
