//! Simulated faults.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Machine;
use crate::{EngineError, Result};

/// A method of [`Engine`](crate::Engine) that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `host`.
    Host,
    /// `ensure_image`.
    EnsureImage,
    /// `remove_images_except`.
    RemoveImages,
    /// `nodes`.
    Nodes,
    /// `start`.
    Start,
    /// `restart`.
    Restart,
    /// `adopt`.
    Adopt,
    /// `remove`.
    Remove,
    /// `usage`.
    Usage,
}

/// The outcome of one call.
#[derive(Clone, Debug)]
enum Outcome {
    /// The call succeeds.
    Works,
    /// The call fails before it does anything.
    Fails(EngineError),
    /// The call does its work, and its answer is lost.
    AnswerLost(EngineError),
}

/// The faults for calls to come, and the calls so far.
#[derive(Default)]
pub(super) struct Script {
    coming: HashMap<Step, VecDeque<Outcome>>,
    delays: HashMap<Step, Duration>,
    is_away: bool,
    calls: Vec<Step>,
}

fn away() -> EngineError {
    EngineError::Away("the memory engine was told to be away".to_owned())
}

impl Machine {
    /// Makes the next unscripted call of a step fail before it does anything.
    pub fn fail(&self, step: Step, error: EngineError) {
        self.say(step, Outcome::Fails(error));
    }

    /// Makes the next unscripted call of a step do its work and then return an error.
    pub fn lose_answer(&self, step: Step, error: EngineError) {
        self.say(step, Outcome::AnswerLost(error));
    }

    /// Makes the next unscripted call of a step work, so that the next fault is for a later one.
    pub fn work(&self, step: Step) {
        self.say(step, Outcome::Works);
    }

    /// Delays every call of a step before it does anything.
    pub fn delay(&self, step: Step, time: Duration) {
        self.script().delays.insert(step, time);
    }

    /// Makes every call fail with [`EngineError::Away`]. Containers keep running.
    pub fn go_away(&self) {
        self.script().is_away = true;
        self.changed();
    }

    /// Makes calls work again after [`Machine::go_away`].
    pub fn come_back(&self) {
        self.script().is_away = false;
        self.changed();
    }

    /// Makes every call fail with [`EngineError::Away`] for a time.
    pub fn away_for(&self, time: Duration) {
        self.go_away();
        let machine = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            machine.come_back();
        });
    }

    /// The calls so far, the oldest first.
    pub fn calls(&self) -> Vec<Step> {
        self.script().calls.clone()
    }

    fn say(&self, step: Step, outcome: Outcome) {
        self.script().coming.entry(step).or_default().push_back(outcome);
    }

    /// Runs a step according to the script.
    pub(super) async fn play<T>(&self, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (outcome, delay) = {
            let mut script = self.script();
            script.calls.push(step);
            let outcome = script.coming.get_mut(&step).and_then(VecDeque::pop_front);
            (outcome.unwrap_or(Outcome::Works), script.delays.get(&step).copied().unwrap_or_default())
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if self.script().is_away {
            return Err(away());
        }
        match outcome {
            Outcome::Works => work.await,
            Outcome::Fails(error) => Err(error),
            Outcome::AnswerLost(error) => work.await.and(Err(error)),
        }
    }
}
