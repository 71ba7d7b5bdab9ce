//! A request whose processor time is measured, and which rests when its login has to.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use gangplank_core::LoginId;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Sleep, sleep_until};

use super::ProcessorShares;

/// One poll of this many is measured, because a look at the clock of a thread costs about a microsecond.
const SAMPLE: u32 = 8;

thread_local! {
    static POLLS: Cell<u32> = const { Cell::new(0) };
}

/// Until when a login rests, in microseconds since the start; 0 if it does not.
#[derive(Default)]
pub(super) struct Rest(AtomicU64);

impl Rest {
    pub(super) fn end(&self) {
        if self.is_set() {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn set(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Until when the login rests, if it does.
    fn until(&self) -> Option<Duration> {
        Some(self.0.load(Ordering::Relaxed)).filter(|until| *until != 0).map(Duration::from_micros)
    }
}

/// A request of a login.
pub(super) struct Metered<'a, F> {
    shares: &'a ProcessorShares,
    login: LoginId,
    rest: Arc<Rest>,
    /// Boxed, because few requests rest.
    sleep: Option<Pin<Box<Sleep>>>,
    request: F,
}

impl<'a, F> Metered<'a, F> {
    pub(super) fn new(shares: &'a ProcessorShares, login: LoginId, rest: Arc<Rest>, request: F) -> Self {
        Self { shares, login, rest, sleep: None, request }
    }
}

impl<F: Future + Unpin> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // After a rest the request goes on at least once, even if its login has to rest again.
        if this.sleep.is_none()
            && let Some(until) = this.rest.until().map(|until| this.shares.began + until)
            && Instant::now() < until
        {
            this.sleep = Some(Box::pin(sleep_until(until.into())));
        }
        if let Some(sleep) = &mut this.sleep {
            ready!(sleep.as_mut().poll(context));
            this.sleep = None;
        }
        let request = Pin::new(&mut this.request);
        // All of a login that rests is measured, so its part is kept more exactly.
        let one_of = if this.rest.is_set() { 1 } else { SAMPLE };
        if !this.shares.are_several.load(Ordering::Relaxed) || !is_measured(one_of) {
            return request.poll(context);
        }
        let before = processor_time();
        let polled = request.poll(context);
        let used = processor_time().saturating_sub(before) * one_of;
        this.shares.charge(this.login, &this.rest, used.as_secs_f64());
        polled
    }
}

/// Whether this poll is measured, if one of this many is.
fn is_measured(one_of: u32) -> bool {
    let poll = POLLS.get().wrapping_add(1);
    POLLS.set(poll);
    poll.is_multiple_of(one_of)
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
