//! Work that waits for the thread. Accounts take turns: one that asks for much waits for itself, and for nobody else
//! longer than for one piece of their work.

use std::collections::{HashMap, VecDeque};

use tokio::sync::mpsc;

use super::{Job, Promise, Whose};

/// Work that waits. Each account's is in the order in which it came.
pub(super) struct Queue {
    coming: mpsc::UnboundedReceiver<Job>,
    /// Taken out of the channel, and not run yet. None of them is empty.
    waiting: HashMap<Whose, VecDeque<Job>>,
    /// Whose turn is next, and whose after that: everybody who has work waiting, but for [`served`](Self::served).
    turns: VecDeque<Whose>,
    /// Whose work was handed out last. Their next turn comes after everybody's who came meanwhile.
    served: Option<Whose>,
    /// How much of what waits has to be durable.
    durable: usize,
}

impl Queue {
    pub(super) fn of(coming: mpsc::UnboundedReceiver<Job>) -> Self {
        Self { coming, waiting: HashMap::new(), turns: VecDeque::new(), served: None, durable: 0 }
    }

    /// Waits until there is work; `None` when no more will come.
    pub(super) fn wait(&mut self) -> Option<()> {
        if self.waiting.is_empty() {
            let job = self.coming.blocking_recv()?;
            self.add(job);
        }
        Some(())
    }

    /// What the next commit promises if it takes what waits now.
    pub(super) fn promise(&mut self) -> Promise {
        self.take_in();
        if self.durable > 0 { Promise::Durable } else { Promise::Visible }
    }

    /// Whose turn it is.
    pub(super) fn turn(&mut self) -> Option<&Whose> {
        self.take_in();
        if let Some(served) = self.served.take()
            && self.waiting.contains_key(&served)
        {
            self.turns.push_back(served);
        }
        self.turns.front()
    }

    /// The next work that a commit can take which promises so much.
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

    /// Drops what is next; whoever waits for it hears that it was not done.
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
