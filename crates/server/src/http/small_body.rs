//! Bodies that are needed whole: each small by a limit, and all together by a budget, since API calls
//! are read before anybody knows whose they are.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// What every body may have without asking: most calls are smaller, and go on when the rest is taken.
const FREE: usize = 4 << 10;
const UNIT: usize = 1 << 10;
/// How many times the patience for a pause a whole body may take.
const PAUSES: u32 = 10;

/// The memory that bodies share.
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    /// Lets all bodies together hold so many bytes beyond the first [`FREE`] of each.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }
}

/// A body that was read whole, and the room it takes.
pub(crate) struct SmallBody {
    pub(crate) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl Deref for SmallBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
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
    /// Reads a body of at most `limit` bytes from a client that may be slow but may not stop for
    /// longer than `stall`.
    pub(crate) async fn read(
        &self,
        mut body: Incoming,
        limit: u64,
        stall: Duration,
    ) -> Result<SmallBody, Unread> {
        if body.size_hint().lower() > limit {
            return Err(Unread::TooLong);
        }
        let declared = body.size_hint().exact();
        let end = Instant::now() + stall * PAUSES;
        let mut read = SmallBody { bytes: Vec::new(), room: None };
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
            self.make_room(&mut read, piece.len())?;
            read.bytes.extend_from_slice(&piece);
        }
    }

    fn make_room(&self, body: &mut SmallBody, more: usize) -> Result<(), Unread> {
        let wanted = (body.len() + more).saturating_sub(FREE).div_ceil(UNIT);
        let held = body.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(wanted.saturating_sub(held)).map_err(|_| Unread::NoRoom)?;
        if missing == 0 {
            return Ok(());
        }
        let room = Arc::clone(&self.0).try_acquire_many_owned(missing).map_err(|_| Unread::NoRoom)?;
        match &mut body.room {
            Some(held) => held.merge(room),
            none => *none = Some(room),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_one_budget_and_give_it_back() {
        const BUDGET: usize = 64 << 20;
        let budget = Budget::new(BUDGET);
        let mut large = SmallBody { bytes: Vec::new(), room: None };
        assert_eq!(budget.make_room(&mut large, BUDGET), Ok(()));
        let mut other = SmallBody { bytes: Vec::new(), room: None };
        assert_eq!(budget.make_room(&mut other, FREE), Ok(()));
        assert_eq!(budget.make_room(&mut other, FREE + 5 * UNIT), Err(Unread::NoRoom));
        drop(large);
        assert_eq!(budget.make_room(&mut other, FREE + 5 * UNIT), Ok(()));
        assert_eq!(budget.0.available_permits(), BUDGET / UNIT - 5);
    }
}
