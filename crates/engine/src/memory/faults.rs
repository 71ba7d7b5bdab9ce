//! What fails, and when.

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

/// How one call goes.
#[derive(Clone, Debug)]
enum Outcome {
    /// It does what it should.
    Works,
    /// It fails and has done nothing.
    Fails(EngineError),
    /// It does what it should, and its answer is lost.
    AnswerLost(EngineError),
}

/// What was told about calls to come, and which there were.
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
    /// Lets the next call of a step that nothing was said of yet fail before it does anything.
    pub fn fail(&self, step: Step, error: EngineError) {
        self.say(step, Outcome::Fails(error));
    }

    /// Lets the next call of a step that nothing was said of yet do its work and then answer with an error.
    pub fn lose_answer(&self, step: Step, error: EngineError) {
        self.say(step, Outcome::AnswerLost(error));
    }

    /// Lets the next call of a step that nothing was said of yet work, so that what is said next is of a later one.
    pub fn work(&self, step: Step) {
        self.say(step, Outcome::Works);
    }

    /// Lets every call of a step take so long before it does anything.
    pub fn delay(&self, step: Step, time: Duration) {
        self.script().delays.insert(step, time);
    }

    /// Lets every call fail with [`EngineError::Away`]. Containers go on running.
    pub fn go_away(&self) {
        self.script().is_away = true;
        self.changed();
    }

    /// Lets calls work again after [`Machine::go_away`].
    pub fn come_back(&self) {
        self.script().is_away = false;
        self.changed();
    }

    /// Is away from now on for so long.
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

    /// Does a step as the script says.
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
