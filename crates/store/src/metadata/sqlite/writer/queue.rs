//! The queue of waiting work. Accounts take turns. An account with much work delays itself. Each other account
//! waits for at most one piece of that work.

use std::collections::{HashMap, VecDeque};

use tokio::sync::mpsc;

use super::{Job, Promise, Whose};

/// Waiting work. The work of each account is in the order of arrival.
pub(super) struct Queue {
    coming: mpsc::UnboundedReceiver<Job>,
    /// Work that was taken out of the channel and has not run. No entry is empty.
    waiting: HashMap<Whose, VecDeque<Job>>,
    /// The order of accounts with waiting work, except for [`served`](Self::served).
    turns: VecDeque<Whose>,
    /// The account whose work was taken last. Its next turn comes after accounts that have arrived meanwhile.
    served: Option<Whose>,
    /// How many pieces of the waiting work must be durable.
    durable: usize,
}

impl Queue {
    pub(super) fn of(coming: mpsc::UnboundedReceiver<Job>) -> Self {
        Self { coming, waiting: HashMap::new(), turns: VecDeque::new(), served: None, durable: 0 }
    }

    /// Waits for work; `None` if no more can come.
    pub(super) fn wait(&mut self) -> Option<()> {
        if self.waiting.is_empty() {
            let job = self.coming.blocking_recv()?;
            self.add(job);
        }
        Some(())
    }

    /// The promise of the next commit, if it takes the work that waits now.
    pub(super) fn promise(&mut self) -> Promise {
        self.take_in();
        if self.durable > 0 { Promise::Durable } else { Promise::Visible }
    }

    /// The account whose turn it is.
    pub(super) fn turn(&mut self) -> Option<&Whose> {
        self.take_in();
        if let Some(served) = self.served.take()
            && self.waiting.contains_key(&served)
        {
            self.turns.push_back(served);
        }
        self.turns.front()
    }

    /// Takes the next work that fits into a commit with this promise.
    pub(super) fn next(&mut self, promise: Promise) -> Option<Job> {
        let whose = self.turn()?.clone();
        let jobs = self.waiting.get_mut(&whose)?;
        let job = jobs.pop_front_if(|job| promise == Promise::Durable || job.promise == Promise::Visible)?;
        if jobs.is_empty() {
            self.waiting.remove(&whose);
        }
        self.durable -= usize::from(job.promise == Promise::Durable);
        self.served = self.turns.pop_front();
        Some(job)
    }

    /// Drops the next work. Its caller gets the error that it was not done.
    pub(super) fn drop_first(&mut self) {
        drop(self.next(Promise::Durable));
    }

    fn take_in(&mut self) {
        while let Ok(job) = self.coming.try_recv() {
            self.add(job);
        }
    }

    fn add(&mut self, job: Job) {
        self.durable += usize::from(job.promise == Promise::Durable);
        let is_new = !self.waiting.contains_key(&job.whose);
        if is_new && self.served.as_ref() != Some(&job.whose) {
            self.turns.push_back(job.whose.clone());
        }
        self.waiting.entry(job.whose.clone()).or_default().push_back(job);
    }
}
