//! The claims of this process on work. Within the process, tasks that want the same work take turns in their
//! order of arrival. Between processes, the coordinator decides.
//!
//! A claim lasts as long as its work, because one task renews all claims. The holder of a lost claim is told.
//! If other processes may take the work, a claim whose time is over also counts as lost, even if nobody has
//! taken the work. So after a pause of the process, the holder learns at once that its claim is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use gangplank_store::Result;
use gangplank_store::coordination::{Claim, Coordinator, Work};
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::tenure::Tenure;

/// How long a claim lasts without a renewal. If a process is killed, nobody can continue its work for this
/// time.
pub(crate) const LASTS: Duration = Duration::from_secs(30);

/// How often claims are renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(10);

/// How many claims are renewed at once.
const AT_ONCE: usize = 8;

/// How often a waiting task asks whether another process still has the claim.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// How long the end of the process waits for claims to be released.
const RELEASED_WITHIN: Duration = Duration::from_secs(5);

/// The claims of this process, and the queues for them.
pub(crate) struct Claims {
    coordinator: Arc<dyn Coordinator>,
    /// The unique name of this process.
    holder: String,
    places: Mutex<HashMap<Work, Arc<Place>>>,
    /// The tasks that release claims.
    releasing: TaskTracker,
}

/// How long a task waits for work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// In all.
    pub(crate) here: Duration,
    /// While another process has the work.
    pub(crate) elsewhere: Duration,
}

impl From<Duration> for Patience {
    fn from(all: Duration) -> Self {
        Self { here: all, elsewhere: all }
    }
}

/// Work that a task of this process does or waits for.
#[derive(Default)]
struct Place {
    turn: Arc<tokio::sync::Mutex<()>>,
    kept: Mutex<Option<Arc<Kept>>>,
}

/// A claim that a task renews.
struct Kept {
    claim: Claim,
    /// Whether other processes may take the work.
    is_shared: bool,
    /// The claim lasts at least until then.
    until: Tenure,
    lost: CancellationToken,
}

impl Claims {
    /// The claims of the process with the unique name `holder`.
    pub(crate) fn new(coordinator: Arc<dyn Coordinator>, holder: String) -> Arc<Self> {
        Arc::new(Self { coordinator, holder, places: Mutex::default(), releasing: TaskTracker::new() })
    }

    /// Whether other processes may claim the same work.
    pub(crate) fn are_shared(&self) -> bool {
        self.coordinator.is_shared()
    }

    /// Waits until all claims that were dropped are released, so that other processes need not wait for their end.
    pub(crate) async fn are_released(&self) {
        self.releasing.close();
        if tokio::time::timeout(RELEASED_WITHIN, self.releasing.wait()).await.is_err() {
            tracing::warn!("cannot release all claims; they end by themselves");
        }
    }

    /// Claims work. `None` if it is already claimed.
    ///
    /// # Errors
    /// If the coordinator fails.
    pub(crate) async fn take(self: &Arc<Self>, work: Work) -> Result<Option<Held>> {
        let waiting = Waiting::at(self, work);
        let Ok(turn) = Arc::clone(&waiting.place.turn).try_lock_owned() else { return Ok(None) };
        waiting.claim(&turn).await.map(|claim| claim.map(|claim| waiting.held(turn, claim)))
    }

    /// Waits until work is free, and claims it.
    ///
    /// # Errors
    /// If the coordinator fails.
    pub(crate) async fn wait(self: &Arc<Self>, work: Work) -> Result<Held> {
        let waiting = Waiting::at(self, work);
        let turn = Arc::clone(&waiting.place.turn).lock_owned().await;
        loop {
            if let Some(claim) = waiting.claim(&turn).await? {
                return Ok(waiting.held(turn, claim));
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
    }

    /// Waits for a while until work is free, and claims it. `None` if it is still claimed then.
    ///
    /// # Errors
    /// If the coordinator fails.
    pub(crate) async fn wait_for(
        self: &Arc<Self>,
        work: Work,
        patience: impl Into<Patience>,
    ) -> Result<Option<Held>> {
        let patience = patience.into();
        let waiting = Waiting::at(self, work);
        let begun = Instant::now();
        let turn = Arc::clone(&waiting.place.turn).lock_owned();
        let Ok(turn) = tokio::time::timeout_at(begun + patience.here, turn).await else { return Ok(None) };
        let until = Instant::now() + patience.elsewhere.min(patience.here.saturating_sub(begun.elapsed()));
        // A call that asks for the claim is never dropped: if it were, the coordinator could grant a claim that
        // nobody knows of.
        loop {
            if let Some(claim) = waiting.claim(&turn).await? {
                return Ok(Some(waiting.held(turn, claim)));
            }
            if Instant::now() + ASKED_EVERY > until {
                return Ok(None);
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
    }

    /// Renews all claims regularly until `end`.
    pub(crate) async fn keep(self: Arc<Self>, end: CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(RENEWED_EVERY) => self.renew().await,
            }
        }
    }

    async fn renew(&self) {
        let all: Vec<_> = self.places().values().filter_map(|place| place.kept().clone()).collect();
        // While one renewal waits for its answer, the other claims must not run out.
        let renewing = all.into_iter().map(|kept| async move { self.renew_one(&kept).await });
        stream::iter(renewing).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn renew_one(&self, kept: &Kept) {
        let Claim { work, epoch, .. } = &kept.claim;
        // The time is measured from before the call, because nobody knows how long the call takes to arrive.
        let until = Instant::now() + LASTS;
        let is_lost = match self.coordinator.renew(&kept.claim, LASTS).await {
            Ok(true) => {
                kept.until.set(until);
                false
            }
            Ok(false) => true,
            Err(error) => {
                tracing::warn!(%work, %error, "cannot renew a claim; will try again");
                kept.until.is_over()
            }
        };
        // A claim that was released meanwhile gets the signal, too. Nobody waits for that signal.
        if is_lost && !kept.lost.is_cancelled() {
            tracing::debug!(%work, %epoch, "a claim was lost or released");
            kept.lost.cancel();
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Work, Arc<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn kept(&self) -> MutexGuard<'_, Option<Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_lost(&self) -> bool {
        self.lost.is_cancelled() || self.is_shared && self.until.is_over()
    }

    /// Returns when the claim is lost.
    async fn lost(&self) {
        if !self.is_shared {
            return self.lost.cancelled().await;
        }
        while !self.is_lost() {
            tokio::select! {
                () = self.lost.cancelled() => {}
                () = tokio::time::sleep_until(self.until.end()) => {}
            }
        }
    }
}

/// A task that has the turn for some work, or waits for it.
struct Waiting {
    claims: Arc<Claims>,
    work: Work,
    place: Arc<Place>,
}

impl Waiting {
    fn at(claims: &Arc<Claims>, work: Work) -> Self {
        let place = Arc::clone(claims.places().entry(work.clone()).or_default());
        Self { claims: Arc::clone(claims), work, place }
    }

    /// Asks the coordinator for the work. The caller has the turn.
    async fn claim(&self, _turn: &OwnedMutexGuard<()>) -> Result<Option<Kept>> {
        let until = Tenure::until(Instant::now() + LASTS);
        let is_shared = self.claims.are_shared();
        let claim = self.claims.coordinator.claim(&self.work, &self.claims.holder, LASTS).await?;
        Ok(claim.map(|claim| Kept { claim, is_shared, until, lost: CancellationToken::new() }))
    }

    fn held(self, turn: OwnedMutexGuard<()>, kept: Kept) -> Held {
        let kept = Arc::new(kept);
        *self.place.kept() = Some(Arc::clone(&kept));
        Held { letting_go: Some((self, turn)), kept }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut places = self.claims.places();
        // Only the map and this task have the place, so no other task waits for it.
        if Arc::strong_count(&self.place) == 2 {
            places.remove(&self.work);
        }
    }
}

/// Claimed work. Dropping it releases the claim.
pub(crate) struct Held {
    letting_go: Option<(Waiting, OwnedMutexGuard<()>)>,
    kept: Arc<Kept>,
}

impl Held {
    /// Whether the claim is lost, so that another process may do the work now.
    pub(crate) fn is_lost(&self) -> bool {
        self.kept.is_lost()
    }

    /// Returns when the claim is lost.
    pub(crate) async fn lost(&self) {
        self.kept.lost().await;
    }

    /// The claim. Later steps of the work carry its epoch.
    pub(crate) fn claim(&self) -> &Claim {
        &self.kept.claim
    }

    /// The time until which nobody else can have the work. `None` if nobody else wants it.
    pub(crate) fn tenure(&self) -> Option<Tenure> {
        self.kept.is_shared.then(|| self.kept.until.clone())
    }

    /// Releases the claim. Returns when other processes can take the work, if the coordinator answers.
    pub(crate) async fn release(mut self) {
        if let Some((waiting, turn)) = self.letting_go.take() {
            *waiting.place.kept() = None;
            let released = waiting.claims.coordinator.release(&self.kept.claim).await;
            if let Err(error) = released {
                tracing::debug!(work = %self.kept.claim.work, %error, "cannot let go of a claim; it ends by itself");
            }
            drop(turn);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((waiting, turn)) = self.letting_go.take() else { return };
        *waiting.place.kept() = None;
        let (claim, releasing) = (self.kept.claim.clone(), waiting.claims.releasing.clone());
        // The claim is released before the turn, so the next task in turn finds the work free.
        let mut letting_go = Box::pin(async move {
            if let Err(error) = waiting.claims.coordinator.release(&claim).await {
                tracing::debug!(work = %claim.work, %error, "cannot let go of a claim; it ends by itself");
            }
            drop(turn);
            drop(waiting);
        });
        // A coordinator in memory answers at once. A slower call continues in a separate task. If there is no runtime,
        // the claim simply expires. During a panic the separate task makes every call: the call may panic, too, and a
        // second panic here would end the process.
        if (std::thread::panicking() || (&mut letting_go).now_or_never().is_none())
            && let Ok(runtime) = Handle::try_current()
        {
            releasing.spawn_on(letting_go, &runtime);
        }
    }
}

#[cfg(test)]
mod tests;
