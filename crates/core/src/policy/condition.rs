//! One condition of a statement: an operator, a key, and the wanted values.

use ipnet::IpNet;
use jiff::Timestamp;

use super::facts::{Fact, Facts};
use super::key::{Key, Kind, Scope};
use super::operator::{Comparison, Operator, Quantifier, Relation};
use super::pattern::{Grammar, Pattern, Variable};
use super::truth::Truth;
use super::value::{self, Decimal};
use crate::json::Quoted;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    pub(super) key: Key,
    /// The values as they were written.
    pub(super) values: Vec<String>,
    wanted: Vec<Wanted>,
}

/// One wanted value.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Text(Pattern),
    TextInAnyCase(Pattern),
    Number(Relation, Decimal),
    Date(Relation, Timestamp),
    Bool(bool),
    Network(IpNet),
    Arn(Pattern),
    /// Whether the key has to be missing.
    Missing(bool),
}

impl Condition {
    /// Reads the wanted values of `key` under `operator`.
    ///
    /// # Errors
    /// The number of the value, and its fault. The fault is the end of a sentence that begins with the place.
    pub(super) fn parse(
        operator: Operator,
        key: Key,
        values: Vec<String>,
        scope: Scope<'_>,
    ) -> Result<Self, (usize, String)> {
        let mut wanted = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let read = Wanted::parse(value, operator.comparison, key.kind).map_err(|text| (index, text))?;
            for variable in read.pattern().into_iter().flat_map(Pattern::variables) {
                check_variable(variable, scope).map_err(|text| (index, text))?;
            }
            wanted.push(read);
        }
        Ok(Self { operator, key, values, wanted })
    }

    /// Whether the condition holds.
    pub(super) fn test(&self, facts: &Facts) -> Truth {
        let fact = facts.get_folded(&self.key.folded);
        if self.operator.comparison == Comparison::Null {
            let missing = fact.is_none_or(Fact::is_empty);
            return Truth::from(self.wanted.contains(&Wanted::Missing(missing)));
        }
        match self.operator.quantifier {
            None => self.test_one(fact, facts),
            Some(quantifier) => self.test_list(quantifier, fact, facts),
        }
    }

    fn test_one(&self, fact: Option<&Fact>, facts: &Facts) -> Truth {
        match fact {
            None => Truth::from(self.operator.negated || self.operator.if_exists),
            Some(Fact::One(value)) => self.negated_if(self.matches(value, facts)),
            Some(Fact::Alternatives(values)) => {
                self.negated_if(Truth::any(values.iter().map(|value| self.matches(value, facts))))
            }
            Some(Fact::Many(_) | Fact::Opaque) => Truth::Undecided,
        }
    }

    fn test_list(&self, quantifier: Quantifier, fact: Option<&Fact>, facts: &Facts) -> Truth {
        let values = match fact.filter(|fact| !fact.is_empty()) {
            None => {
                let holds = quantifier == Quantifier::ForAllValues || self.operator.if_exists;
                return Truth::from(holds);
            }
            Some(Fact::One(value)) => std::slice::from_ref(value),
            Some(Fact::Many(values) | Fact::Alternatives(values)) => values,
            Some(Fact::Opaque) => return Truth::Undecided,
        };
        let each = values.iter().map(|value| self.negated_if(self.matches(value, facts)));
        match quantifier {
            Quantifier::ForAnyValue => Truth::any(each),
            Quantifier::ForAllValues => Truth::all(each),
        }
    }

    /// Whether a found value is one of the wanted ones.
    fn matches(&self, found: &str, facts: &Facts) -> Truth {
        Truth::any(self.wanted.iter().map(|wanted| wanted.matches(found, facts)))
    }

    fn negated_if(&self, truth: Truth) -> Truth {
        if self.operator.negated { !truth } else { truth }
    }

    /// The wanted texts, if the condition can hold only when the key has one of them.
    pub(super) fn required_texts(&self) -> Option<impl Iterator<Item = &Pattern>> {
        let all_texts =
            self.wanted.iter().all(|wanted| matches!(wanted, Wanted::Text(_) | Wanted::TextInAnyCase(_)));
        (all_texts && self.operator.requires_a_value())
            .then(|| self.wanted.iter().filter_map(Wanted::pattern))
    }

    /// The keys that are needed to evaluate it, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let variables = self.wanted.iter().filter_map(Wanted::pattern).flat_map(Pattern::variables);
        std::iter::once(self.key.folded.as_str()).chain(variables.map(|variable| variable.key.as_str()))
    }
}

/// Checks that a variable is allowed in this kind of policy.
pub(super) fn check_variable(variable: &Variable, scope: Scope<'_>) -> Result<(), String> {
    Key::parse(&variable.key, scope)?.check_variable()
}

impl Wanted {
    fn parse(text: &str, comparison: Comparison, kind: Kind) -> Result<Self, String> {
        let no = |wanted: &str| format!("is {}, but must be {wanted}", Quoted(text));
        match comparison {
            Comparison::Text => Pattern::parse(text, Grammar::Literal).map(Self::Text),
            Comparison::TextLike if kind == Kind::Repository => {
                Pattern::parse(text, Grammar::Path).map(Self::Text)
            }
            Comparison::TextLike => Pattern::parse(text, Grammar::Like).map(Self::Text),
            Comparison::TextInAnyCase => Pattern::parse(text, Grammar::Literal).map(Self::TextInAnyCase),
            Comparison::Number(relation) => Decimal::parse(text)
                .map(|number| Self::Number(relation, number))
                .ok_or_else(|| no("a decimal number, such as 42")),
            Comparison::Date(relation) => value::moment(text)
                .map(|moment| Self::Date(relation, moment))
                .ok_or_else(|| no("a moment, such as 2026-11-27T02:35:51Z, or seconds since 1970")),
            Comparison::Bool => value::truth_value(text).map(Self::Bool).ok_or_else(|| no("true or false")),
            Comparison::Null => value::truth_value(text)
                .map(Self::Missing)
                .ok_or_else(|| no("true, if the key shall be missing, or false")),
            Comparison::Address => value::network(text)
                .map(Self::Network)
                .ok_or_else(|| no("an address or a network, such as 10.0.0.0/8 or 2001:db8::/32")),
            Comparison::Arn => {
                let parts = super::arn::segments(text);
                if parts.len() != 6 || parts[0] != "arn" {
                    return Err(no("an ARN of six parts, such as arn:aws:iam::*:role/push-*"));
                }
                Pattern::parse(text, Grammar::Arn).map(Self::Arn)
            }
        }
    }

    fn matches(&self, found: &str, facts: &Facts) -> Truth {
        match self {
            Self::TextInAnyCase(pattern) => match pattern.text(facts) {
                Some(text) => Truth::from(text.to_lowercase() == found.to_lowercase()),
                None => Truth::Undecided,
            },
            Self::Number(relation, wanted) => {
                decided(Decimal::parse(found), |found| relation.holds(found.cmp(wanted)))
            }
            Self::Date(relation, wanted) => {
                decided(value::moment(found), |found| relation.holds(found.cmp(wanted)))
            }
            Self::Bool(wanted) => decided(value::truth_value(found), |found| found == *wanted),
            Self::Network(network) => decided(value::address(found), |found| network.contains(&found)),
            Self::Arn(_) if super::arn::segments(found).len() != 6 => Truth::Undecided,
            Self::Text(pattern) | Self::Arn(pattern) => pattern.matches(found, facts),
            // Such a condition is about the key itself and not about its values.
            Self::Missing(_) => Truth::Undecided,
        }
    }

    fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Text(pattern) | Self::TextInAnyCase(pattern) | Self::Arn(pattern) => Some(pattern),
            _ => None,
        }
    }
}

fn decided<T>(found: Option<T>, holds: impl FnOnce(T) -> bool) -> Truth {
    found.map_or(Truth::Undecided, |found| holds(found).into())
}
