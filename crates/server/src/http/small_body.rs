//! Bodies that are needed whole: each small by a limit, and all together by a budget. Those of callers that nobody
//! knows yet have a budget of their own ([`super::unverified`]), so that they cannot take the room of those who are
//! known.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// What every body may have without asking: most calls are smaller, and go on when the rest is taken.
pub(super) const FREE: usize = 4 << 10;
const UNIT: usize = 1 << 10;
/// How many times the patience for a pause a whole body may take.
const PAUSES: u32 = 10;

/// Where a body takes its room from.
pub(super) trait Room {
    /// Takes room for so many bytes beyond the first [`FREE`], with what it has; `false` if there is none.
    fn hold(&mut self, bytes: usize) -> bool;
}

/// The memory that bodies share.
pub(crate) struct Budget(Arc<Semaphore>);

/// Part of it.
pub(crate) struct Permits {
    of: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

/// A body that was read whole, and the room it takes.
pub(crate) struct SmallBody<R = Permits> {
    pub(crate) bytes: Vec<u8>,
    room: R,
}

impl<R> Deref for SmallBody<R> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// How long a body may be, and how long it may take.
pub(super) struct Patience {
    pub(super) limit: u64,
    /// Without a byte.
    pub(super) stall: Duration,
    /// In all.
    pub(super) whole: Duration,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than the limit.
    TooLong,
    /// It stopped coming, or takes for ever.
    Stalled,
    /// It ended before its end.
    Broken,
    /// Too many others are being read.
    NoRoom,
}

impl Budget {
    /// Lets all bodies together hold so many bytes beyond the first [`FREE`] of each.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    /// Reads a body of at most `limit` bytes from a client that may be slow but may not stop for
    /// longer than `stall`.
    pub(crate) async fn read(
        &self,
        body: Incoming,
        limit: u64,
        stall: Duration,
    ) -> Result<SmallBody, Unread> {
        read(body, Patience { limit, stall, whole: stall * PAUSES }, self.room()).await
    }

    /// Takes over a body that was read with other room, which is given back.
    pub(crate) fn take_over<R>(&self, body: SmallBody<R>) -> Result<SmallBody, Unread> {
        let mut room = self.room();
        if room.hold(body.len()) { Ok(SmallBody { bytes: body.bytes, room }) } else { Err(Unread::NoRoom) }
    }

    fn room(&self) -> Permits {
        Permits { of: Arc::clone(&self.0), held: None }
    }
}

impl Room for Permits {
    fn hold(&mut self, bytes: usize) -> bool {
        let wanted = bytes.saturating_sub(FREE).div_ceil(UNIT);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(missing) = u32::try_from(wanted.saturating_sub(held)) else { return false };
        if missing == 0 {
            return true;
        }
        let Ok(more) = Arc::clone(&self.of).try_acquire_many_owned(missing) else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        true
    }
}

/// Reads a body into the room that it takes.
pub(super) async fn read<R: Room>(
    mut body: Incoming,
    patience: Patience,
    room: R,
) -> Result<SmallBody<R>, Unread> {
    let Patience { limit, stall, whole } = patience;
    if body.size_hint().lower() > limit {
        return Err(Unread::TooLong);
    }
    let declared = body.size_hint().exact();
    let end = Instant::now() + whole;
    let mut read = SmallBody { bytes: Vec::new(), room };
    loop {
        let frame = match timeout_at(end, timeout(stall, body.frame())).await {
            Err(_) | Ok(Err(_)) => return Err(Unread::Stalled),
            Ok(Ok(None)) if declared.is_none_or(|declared| declared == read.len() as u64) => {
                return Ok(read);
            }
            Ok(Ok(None | Some(Err(_)))) => return Err(Unread::Broken),
            Ok(Ok(Some(Ok(frame)))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        if (read.len() + piece.len()) as u64 > limit {
            return Err(Unread::TooLong);
        }
        if !read.room.hold(read.len() + piece.len()) {
            return Err(Unread::NoRoom);
        }
        read.bytes.extend_from_slice(&piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_one_budget_and_give_it_back() {
        const BUDGET: usize = 64 << 20;
        let budget = Budget::new(BUDGET);
        let (mut large, mut other) = (budget.room(), budget.room());
        assert!(large.hold(BUDGET));
        assert!(other.hold(FREE) && !other.hold(FREE + 5 * UNIT));
        let unknown = SmallBody { bytes: vec![0; FREE + 5 * UNIT], room: () };
        assert!(matches!(budget.take_over(unknown), Err(Unread::NoRoom)));
        drop(large);
        assert!(other.hold(FREE + 5 * UNIT));
        assert_eq!(budget.0.available_permits(), BUDGET / UNIT - 5);
    }
}
