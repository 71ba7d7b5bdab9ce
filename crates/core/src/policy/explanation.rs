//! Explains a decision: statement by statement, condition by condition.

use std::fmt;

use super::condition::Condition;
use super::document::Document;
use super::facts::{Fact, Facts};
use super::statement::{Effect, Question, Statement};
use super::truth::Truth;

/// The kind of a policy in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The policy of a role or an access key.
    Identity,
    /// The policy of a session.
    Session,
    /// The policy that says who may assume a role.
    Trust,
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity-based",
            Self::Session => "session",
            Self::Trust => "trust",
        })
    }
}

/// A decision with all its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub allowed: bool,
    /// Every statement of every policy, in order.
    pub statements: Vec<Trial>,
}

/// One statement, compared with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The policy of the statement.
    pub policy: PolicyKind,
    /// Its number in the policy, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Its effect if it applies.
    pub effect: Effect,
    /// Whether it names the action.
    pub action: bool,
    /// Whether it names the resource; in a trust policy, the issuer.
    pub target: Truth,
    /// Its conditions.
    pub conditions: Vec<ConditionTrial>,
    /// Whether it applies.
    pub applies: bool,
}

/// One condition, compared with the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionTrial {
    /// The operator, such as `StringEquals`.
    pub operator: String,
    /// The key, as the policy writes it.
    pub key: String,
    /// In a trust policy, the claim that the key stands for.
    pub claim: Option<String>,
    /// The wanted values.
    pub wanted: Vec<String>,
    /// The found value. `None` if the key is missing.
    pub found: Option<Fact>,
    /// Whether it holds.
    pub holds: Truth,
}

impl Trial {
    pub(super) fn of_all<'a>(
        policy: PolicyKind,
        document: &'a Document,
        question: &'a Question<'a>,
    ) -> impl Iterator<Item = Self> + 'a {
        let statements = document.statements.iter().enumerate();
        statements.map(move |(index, statement)| Self::of(policy, index, statement, question))
    }

    fn of(policy: PolicyKind, index: usize, statement: &Statement, question: &Question<'_>) -> Self {
        let action = statement.names_action(question.action);
        let target = statement.names_target(question);
        let conditions = statement.conditions.iter();
        let conditions: Vec<_> =
            conditions.map(|condition| ConditionTrial::of(condition, question.facts)).collect();
        let parts = [Truth::from(action), target];
        let truth = Truth::all(parts.into_iter().chain(conditions.iter().map(|condition| condition.holds)));
        Self {
            policy,
            index,
            sid: statement.sid.clone(),
            effect: statement.effect,
            action,
            target,
            conditions,
            applies: statement.takes_effect(truth),
        }
    }
}

impl ConditionTrial {
    fn of(condition: &Condition, facts: &Facts) -> Self {
        Self {
            operator: condition.operator.text.clone(),
            key: condition.key.text.clone(),
            claim: condition.key.claim.clone(),
            wanted: condition.values.clone(),
            found: facts.get_folded(&condition.key.folded).cloned(),
            holds: condition.test(facts),
        }
    }
}
