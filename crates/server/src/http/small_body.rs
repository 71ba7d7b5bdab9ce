//! Bodies that are needed whole. Each has a limit, and all share a budget of memory. Bodies of unverified
//! callers have a separate budget ([`super::unverified`]), so that they cannot use up the memory of verified
//! ones.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use gangplank_core::LoginId;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::login_shares::LoginShares;

/// This many bytes of each body do not count in the budget. Most calls are smaller, so they work even when the budget
/// is used up.
pub(super) const FREE: usize = 4 << 10;
const UNIT: usize = 1 << 10;
/// A whole body may take this many times the limit for one pause.
const PAUSES: u32 = 10;

/// The part of a budget that a body takes.
pub(super) trait Room {
    /// Enlarges the part to `bytes` bytes, of which the first [`FREE`] are free. Returns `false` if the budget
    /// is used up.
    fn hold(&mut self, bytes: usize) -> bool;
}

/// The budget of memory that bodies share.
pub(crate) struct Budget {
    all: Arc<Semaphore>,
    shares: LoginShares,
}

/// A part of the budget.
pub(crate) struct Permits {
    of: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    /// The same bytes in the share of a login, if a login sent the body.
    of_login: Option<Box<Permits>>,
}

/// A whole body in memory, with its part of a budget.
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

/// The limits for reading a body.
pub(super) struct Patience {
    pub(super) limit: u64,
    /// The longest time without a byte.
    pub(super) stall: Duration,
    /// The longest time in all.
    pub(super) whole: Duration,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The body is longer than `limit` bytes.
    TooLong { limit: u64 },
    /// The body stopped arriving, or takes too long in all.
    Stalled,
    /// The connection ended before the body did.
    Broken,
    /// The budget is used up.
    NoRoom,
}

impl Budget {
    /// Makes a budget of `bytes` bytes, without the first [`FREE`] of each body. The share of a login has
    /// room for one body of `largest` bytes.
    pub(crate) fn new(bytes: usize, largest: u64) -> Self {
        let units = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        let least = usize::try_from(largest).unwrap_or(usize::MAX).div_ceil(UNIT);
        Self { all: Arc::new(Semaphore::new(units)), shares: LoginShares::new(units, least) }
    }

    /// Reads a body of at most `limit` bytes from a login. The client may be slow, but may not pause for longer
    /// than `stall`.
    pub(crate) async fn read(
        &self,
        login: LoginId,
        body: Incoming,
        limit: u64,
        stall: Duration,
    ) -> Result<SmallBody, Unread> {
        read(body, Patience { limit, stall, whole: stall * PAUSES }, self.room_of(login)).await
    }

    /// Moves a body, which was read with another budget, to this budget.
    pub(crate) fn take_over<R>(&self, body: SmallBody<R>) -> Result<SmallBody, Unread> {
        let mut room = self.room();
        if room.hold(body.len()) { Ok(SmallBody { bytes: body.bytes, room }) } else { Err(Unread::NoRoom) }
    }

    fn room(&self) -> Permits {
        Permits { of: Arc::clone(&self.all), held: None, of_login: None }
    }

    fn room_of(&self, login: LoginId) -> Permits {
        let share = Permits { of: self.shares.of(login), held: None, of_login: None };
        Permits { of_login: Some(Box::new(share)), ..self.room() }
    }
}

impl Room for Permits {
    fn hold(&mut self, bytes: usize) -> bool {
        if self.of_login.as_mut().is_some_and(|share| !share.hold(bytes)) {
            return false;
        }
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

/// Refuses a body whose declared length exceeds `limit` bytes.
pub(crate) fn check_length(body: &Incoming, limit: u64) -> Result<(), Unread> {
    if body.size_hint().lower() > limit { Err(Unread::TooLong { limit }) } else { Ok(()) }
}

/// Reads a body, and takes its part of the budget as it arrives.
pub(super) async fn read<R: Room>(
    mut body: Incoming,
    patience: Patience,
    room: R,
) -> Result<SmallBody<R>, Unread> {
    let Patience { limit, stall, whole } = patience;
    check_length(&body, limit)?;
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
            return Err(Unread::TooLong { limit });
        }
        if !read.room.hold(read.len() + piece.len()) {
            return Err(Unread::NoRoom);
        }
        read.bytes.extend_from_slice(&piece);
    }
}

#[cfg(test)]
mod tests {
    use super::super::login_shares::SHARES;
    use super::*;

    #[test]
    fn bodies_share_one_budget_and_give_it_back() {
        const BUDGET: usize = 64 << 20;
        let budget = Budget::new(BUDGET, 0);
        let (mut large, mut other) = (budget.room(), budget.room());
        assert!(large.hold(BUDGET));
        assert!(other.hold(FREE) && !other.hold(FREE + 5 * UNIT));
        let unknown = SmallBody { bytes: vec![0; FREE + 5 * UNIT], room: () };
        assert!(matches!(budget.take_over(unknown), Err(Unread::NoRoom)));
        drop(large);
        assert!(other.hold(FREE + 5 * UNIT));
        assert_eq!(budget.all.available_permits(), BUDGET / UNIT - 5);
    }

    #[test]
    fn a_login_takes_its_share_and_no_more() {
        const SHARE: usize = 1 << 20;
        let small = Budget::new(SHARE, 2 * SHARE as u64);
        assert!(small.room_of(LoginId(1)).hold(FREE + SHARE), "a share has room for one body");
        let budget = Budget::new(SHARES * SHARE, SHARE as u64);
        let [one, other] = [LoginId(1), LoginId(2)];
        let (mut large, mut more) = (budget.room_of(one), budget.room_of(one));
        assert!(large.hold(FREE + SHARE));
        assert!(more.hold(FREE) && !more.hold(FREE + UNIT));
        let mut of_other = budget.room_of(other);
        assert!(of_other.hold(FREE + SHARE) && budget.room().hold(FREE + 2 * SHARE));
        drop(large);
        assert!(more.hold(FREE + SHARE));
    }
}
