//! Why a decision fell as it did: statement by statement, condition by condition.

use std::fmt;

use super::condition::Condition;
use super::document::Document;
use super::facts::{Fact, Facts};
use super::statement::{Effect, Question, Statement};
use super::truth::Truth;

/// Which of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// That of a role or an access key.
    Identity,
    /// That of a session.
    Session,
    /// That which says who may become a role.
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

/// A decision with all that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub allowed: bool,
    /// Every statement of every policy, in order.
    pub statements: Vec<Trial>,
}

/// One statement, held against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whose statement it is.
    pub policy: PolicyKind,
    /// Which of its policy's, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does when it applies.
    pub effect: Effect,
    /// Whether it is about the action.
    pub action: bool,
    /// Whether it is about the resource; in a trust policy, about the issuer.
    pub target: Truth,
    /// Its conditions.
    pub conditions: Vec<ConditionTrial>,
    /// Whether it has its effect.
    pub applies: bool,
}

/// One condition, held against what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionTrial {
    /// The operator, such as `StringEquals`.
    pub operator: String,
    /// The key, as the policy writes it.
    pub key: String,
    /// The claim of the token that it is, in a trust policy.
    pub claim: Option<String>,
    /// The values that are wanted.
    pub wanted: Vec<String>,
    /// What was found; none if the key is missing.
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
