//! Work that waits for the thread.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::{Job, Promise};

/// Work that waits, in the order in which it came.
pub(super) struct Queue {
    coming: mpsc::UnboundedReceiver<Job>,
    /// Taken out of the channel to look at, and not run yet.
    first: VecDeque<Job>,
}

impl Queue {
    pub(super) fn of(coming: mpsc::UnboundedReceiver<Job>) -> Self {
        Self { coming, first: VecDeque::new() }
    }

    /// Waits until there is work; `None` when no more will come.
    pub(super) fn wait(&mut self) -> Option<()> {
        if self.first.is_empty() {
            self.first.push_back(self.coming.blocking_recv()?);
        }
        Some(())
    }

    /// What the next commit promises if it takes up to `most` of what waits now.
    pub(super) fn promise(&mut self, most: usize) -> Promise {
        while self.first.len() < most
            && let Ok(job) = self.coming.try_recv()
        {
            self.first.push_back(job);
        }
        let is_durable = self.first.iter().take(most).any(|job| job.promise == Promise::Durable);
        if is_durable { Promise::Durable } else { Promise::Visible }
    }

    /// The next work that a commit can take which promises so much.
    pub(super) fn next(&mut self, promise: Promise) -> Option<Job> {
        if self.first.is_empty() {
            self.first.extend(self.coming.try_recv().ok());
        }
        self.first.pop_front_if(|job| promise == Promise::Durable || job.promise == Promise::Visible)
    }

    /// Drops what waits now; whoever waits for it hears that it was not done.
    pub(super) fn drop_first(&mut self) {
        drop(self.first.pop_front());
    }
}
