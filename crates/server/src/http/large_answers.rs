//! The memory for large answers. An answer stays in memory until its client has read it, and a client may read slowly.
//! So all large answers share a budget, and the answers to one login have a part of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gangplank_core::LoginId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::login_shares::{LoginShares, SHARES};

/// An answer with fewer bytes does not count against the budget. Most such answers fit into the buffer of the
/// socket.
pub(crate) const FREE: usize = 16 << 10;

/// The longest wait for memory.
const PATIENCE: Duration = Duration::from_secs(10);

const UNIT: usize = 1 << 10;

/// The budget of memory that large answers share.
pub(crate) struct LargeAnswers {
    all: Arc<Semaphore>,
    shares: LoginShares,
}

/// The part of the budget that one answer takes.
#[derive(Debug)]
pub(crate) struct Room {
    _of_login: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Bytes with their part of the budget.
struct Held {
    bytes: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl LargeAnswers {
    /// Makes a budget of `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(SHARES, Semaphore::MAX_PERMITS);
        Self { all: Arc::new(Semaphore::new(units)), shares: LoginShares::new(units, 1) }
    }

    /// Takes memory for an answer to a login, if there is some now.
    pub(crate) fn take(&self, login: LoginId, bytes: usize) -> Option<Room> {
        let units = self.units(bytes);
        let of_login = self.shares.of(login).try_acquire_many_owned(units).ok()?;
        let of_all = Arc::clone(&self.all).try_acquire_many_owned(units).ok()?;
        Some(Room { _of_login: of_login, _of_all: of_all })
    }

    /// Waits for memory for an answer to a login. `None` if it takes too long.
    pub(crate) async fn wait(&self, login: LoginId, bytes: usize) -> Option<Room> {
        let units = self.units(bytes);
        let waiting = async {
            // A login waits for its own answers first, so it keeps nobody else waiting.
            let of_login = self.shares.of(login).acquire_many_owned(units).await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_many_owned(units).await.ok()?;
            Some(Room { _of_login: of_login, _of_all: of_all })
        };
        timeout(PATIENCE, waiting).await.ok().flatten()
    }

    fn units(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT).min(self.shares.each())).unwrap_or(u32::MAX)
    }
}

impl Room {
    /// The bytes, which keep their part of the budget until the last of them was sent.
    pub(crate) fn of(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Held { bytes, _room: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: usize = 1 << 20;

    #[tokio::test(start_paused = true)]
    async fn a_login_takes_its_share_and_no_more() {
        let answers = LargeAnswers::new(SHARES * SHARE);
        let [one, other] = [LoginId(1), LoginId(2)];
        let held = answers.take(one, SHARE / 2).unwrap().of(vec![0; SHARE / 2]);
        assert!(answers.take(one, SHARE).is_none() && answers.take(other, SHARE).is_some());
        let rest = answers.take(one, SHARE / 2).unwrap();
        assert!(answers.wait(one, 1).await.is_none());
        // A piece of the answer keeps the memory of all of it.
        let piece = held.slice(3..4);
        drop(held);
        assert!(answers.take(one, 1).is_none());
        let (waited, ()) = tokio::join!(answers.wait(one, SHARE / 2), async { drop(piece) });
        assert!(waited.is_some());
        drop((rest, waited));
        // An answer that is larger than the share of its login gets the whole share.
        let all: Vec<_> =
            (1..).take(SHARES).filter_map(|login| answers.take(LoginId(login), 9 * SHARE)).collect();
        assert!(all.len() == SHARES && answers.take(LoginId(9), FREE).is_none());
    }
}
