//! The queue of waiting work. Accounts and their logins take turns. A caller with much work delays itself. Each
//! other caller waits for at most one piece of that work.
//!
//! A piece of heavy work keeps the thread for milliseconds and cannot be interrupted. So it has a commit of its
//! own while others do light work, and comes only after a [rest](super::rests).

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::rests::Rests;
use super::turns::{Pick, Turns};
use super::{Caller, Job, Promise, Weight};

/// Waiting work.
pub(super) struct Queue {
    coming: mpsc::UnboundedReceiver<Job>,
    light: Turns<Job>,
    heavy: Turns<Job>,
    rests: Rests,
    /// How many pieces of the waiting light work must be durable.
    durable: usize,
    /// The caller of the heavy work in the present commit, if that commit has no other work.
    heavy_of: Option<Caller>,
}

/// The work in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// One piece of heavy work, while others do light work.
    Heavy,
    /// Light work with this promise, and heavy work whose caller is alone.
    Many(Promise),
}

impl Share {
    pub(super) fn promise(self) -> Promise {
        match self {
            Self::Heavy => Promise::Durable,
            Self::Many(promise) => promise,
        }
    }
}

impl Queue {
    pub(super) fn of(coming: mpsc::UnboundedReceiver<Job>) -> Self {
        Self {
            coming,
            light: Turns::new(),
            heavy: Turns::new(),
            rests: Rests::default(),
            durable: 0,
            heavy_of: None,
        }
    }

    /// Waits for work that may run now; `None` if no more can come.
    pub(super) fn wait(&mut self) -> Option<()> {
        loop {
            self.take_in();
            if !self.light.is_empty() {
                return Some(());
            }
            let job = if self.heavy.is_empty() {
                Some(self.coming.blocking_recv()?)
            } else {
                match self.rest() {
                    Duration::ZERO => return Some(()),
                    rest => receive_within(&mut self.coming, rest),
                }
            };
            if let Some(job) = job {
                self.add(job);
            }
            if self.coming.is_closed() {
                // No other caller is left, so the rests end.
                self.rests.end();
            }
        }
    }

    /// Decides which of the waiting work the next commit takes.
    pub(super) fn share(&mut self) -> Share {
        self.take_in();
        let (mut has_turn, mut is_alone, now) = (false, false, Instant::now());
        self.heavy.take(|caller, _| {
            if self.rests.is_alone(caller, now) {
                is_alone = true;
            } else {
                has_turn |= self.rests.left(caller, now).is_zero();
            }
            Pick::Skip
        });
        match (has_turn, is_alone || self.durable > 0) {
            (true, _) => Share::Heavy,
            (false, true) => Share::Many(Promise::Durable),
            (false, false) => Share::Many(Promise::Visible),
        }
    }

    /// Takes the next work for a commit. `is_over` says whether a caller has to wait for the next commit.
    pub(super) fn next(&mut self, share: Share, is_over: impl Fn(&Caller) -> bool) -> Option<Job> {
        self.take_in();
        let now = Instant::now();
        let rests = &self.rests;
        let Share::Many(promise) = share else {
            let job = self.heavy.take(|caller, _| match rests.left(caller, now) {
                Duration::ZERO => Pick::Take,
                _ => Pick::Skip,
            })?;
            self.heavy_of = Some(job.caller.clone());
            return Some(job);
        };
        let fits = |caller: &Caller, job: &Job| {
            !is_over(caller) && (promise == Promise::Durable || job.promise == Promise::Visible)
        };
        let light = self.light.take(|caller, job| if fits(caller, job) { Pick::Take } else { Pick::Stop });
        if let Some(job) = light {
            self.durable -= usize::from(job.promise == Promise::Durable);
            self.rests.light_ran(&job.caller, now);
            return Some(job);
        }
        if !self.light.is_empty() {
            return None;
        }
        let may = |caller: &Caller, job: &Job| rests.is_alone(caller, now) && fits(caller, job);
        self.heavy.take(|caller, job| if may(caller, job) { Pick::Take } else { Pick::Skip })
    }

    /// Records how long a commit took.
    pub(super) fn committed(&mut self, took: Duration) {
        if let Some(caller) = self.heavy_of.take() {
            self.rests.heavy_ran(caller, took, Instant::now());
        }
    }

    /// Drops one waiting job. The caller that waits for the job gets the error that it was not done.
    pub(super) fn drop_first(&mut self) {
        if let Some(job) = self.light.take(|_, _| Pick::Take) {
            self.durable -= usize::from(job.promise == Promise::Durable);
        } else {
            self.heavy.take(|_, _| Pick::Take);
        }
    }

    /// How long all waiting heavy work has to wait.
    fn rest(&mut self) -> Duration {
        let (mut least, now) = (Duration::MAX, Instant::now());
        self.heavy.take(|caller, _| {
            least = least.min(self.rests.left(caller, now));
            Pick::Skip
        });
        least
    }

    fn take_in(&mut self) {
        while let Ok(job) = self.coming.try_recv() {
            self.add(job);
        }
    }

    fn add(&mut self, job: Job) {
        let caller = job.caller.clone();
        match job.weight {
            Weight::Heavy => self.heavy.add(&caller, job),
            Weight::Light => {
                self.durable += usize::from(job.promise == Promise::Durable);
                self.light.add(&caller, job);
            }
        }
    }
}

/// Waits for work for some time; `None` if none came.
fn receive_within(coming: &mut mpsc::UnboundedReceiver<Job>, most: Duration) -> Option<Job> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut context, until) = (Context::from_waker(&waker), Instant::now() + most);
    loop {
        if let Poll::Ready(job) = coming.poll_recv(&mut context) {
            return job;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
