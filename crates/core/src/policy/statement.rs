//! One statement of a policy.

use serde_json::{Map, Value, json};

use super::action::ActionPattern;
use super::arn::{Provider, ResourcePattern};
use super::condition::Condition;
use super::conditions;
use super::facts::Facts;
use super::fault::PolicyError;
use super::key::Scope;
use super::reading::{self, Members};
use super::truth::Truth;
use crate::json::{Path, Quoted};
use crate::tenant::AccountId;

/// The effect of a statement that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allows, unless another statement denies.
    Allow,
    /// Denies, whatever other statements allow.
    Deny,
}

/// The kind of document that has a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Permission,
    Trust,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    actions: AllBut<ActionPattern>,
    pub(super) target: Target,
    pub(super) conditions: Vec<Condition>,
}

/// Some things, or all except those.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AllBut<T> {
    not: bool,
    these: Vec<T>,
}

/// The target of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Resources(AllBut<ResourcePattern>),
    Provider(Provider),
}

/// A question to a policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) action: &'a str,
    pub(super) target: Asked<'a>,
    pub(super) facts: &'a Facts,
}

/// The subject of a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Resource(&'a str),
    /// An issuer's URL without its scheme, in an account.
    Provider(&'a AccountId, &'a str),
}

impl Statement {
    pub(super) fn parse(value: &Value, path: &Path<'_>, kind: Kind) -> Result<Self, PolicyError> {
        let known: &[&str] = match kind {
            Kind::Permission => {
                &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]
            }
            Kind::Trust => &["Sid", "Effect", "Principal", "Action", "Condition"],
        };
        let members = Members::of(value, path, known)?;
        let effect = members.required("Effect")?;
        let target = match kind {
            Kind::Permission => Target::Resources(resources(&members, path)?),
            Kind::Trust => {
                Target::Provider(provider(members.required("Principal")?, &member(path, "Principal"))?)
            }
        };
        let scope = match &target {
            Target::Resources(_) => Scope::Permission,
            Target::Provider(provider) => Scope::Trust(&provider.issuer),
        };
        let conditions = match members.get("Condition") {
            Some(value) => conditions::parse(value, &member(path, "Condition"), scope)?,
            None => Vec::new(),
        };
        Ok(Self {
            sid: members.get("Sid").map(|value| sid(value, &member(path, "Sid"))).transpose()?,
            effect: parse_effect(effect, &member(path, "Effect"))?,
            actions: actions(&members, path, kind)?,
            target,
            conditions,
        })
    }

    /// Whether it names the action.
    pub(super) fn names_action(&self, action: &str) -> bool {
        let folded = action.to_ascii_lowercase();
        self.actions.these.iter().any(|pattern| pattern.matches_folded(&folded)) != self.actions.not
    }

    /// Whether it names the resource or the issuer.
    pub(super) fn names_target(&self, question: &Question<'_>) -> Truth {
        match (&self.target, question.target) {
            (Target::Resources(resources), Asked::Resource(resource)) => {
                let patterns = resources.these.iter();
                let named = Truth::any(patterns.map(|pattern| pattern.matches(resource, question.facts)));
                if resources.not { !named } else { named }
            }
            (Target::Provider(provider), Asked::Provider(account, issuer)) => {
                Truth::from(provider.account == *account && provider.issuer == issuer)
            }
            _ => Truth::No,
        }
    }

    /// Whether it applies. If that cannot be decided, an `Allow` does not apply, and a `Deny` does.
    pub(super) fn applies(&self, question: &Question<'_>) -> bool {
        if !self.names_action(question.action) {
            return false;
        }
        let target = std::iter::once_with(|| self.names_target(question));
        let conditions = self.conditions.iter().map(|condition| condition.test(question.facts));
        self.takes_effect(Truth::all(target.chain(conditions)))
    }

    /// Whether the statement takes effect, given the truth of all its conditions.
    pub(super) fn takes_effect(&self, truth: Truth) -> bool {
        match self.effect {
            Effect::Allow => truth == Truth::Yes,
            Effect::Deny => truth != Truth::No,
        }
    }

    /// The keys that are needed to evaluate it, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let resources = match &self.target {
            Target::Resources(resources) => &resources.these[..],
            Target::Provider(_) => &[],
        };
        let variables = resources.iter().flat_map(|resource| resource.pattern.variables());
        let variables = variables.map(|variable| variable.key.as_str());
        self.conditions.iter().flat_map(Condition::keys).chain(variables)
    }

    pub(super) fn to_value(&self) -> Value {
        let mut object = Map::new();
        if let Some(sid) = &self.sid {
            object.insert("Sid".to_owned(), json!(sid));
        }
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        object.insert("Effect".to_owned(), json!(effect));
        if let Target::Provider(provider) = &self.target {
            object.insert("Principal".to_owned(), json!({ "Federated": provider.arn() }));
        }
        let name = if self.actions.not { "NotAction" } else { "Action" };
        let actions = self.actions.these.iter().map(|action| action.text.as_str());
        object.insert(name.to_owned(), reading::written(actions));
        if let Target::Resources(AllBut { not, these }) = &self.target {
            let name = if *not { "NotResource" } else { "Resource" };
            let resources = these.iter().map(|resource| resource.text.as_str());
            object.insert(name.to_owned(), reading::written(resources));
        }
        if !self.conditions.is_empty() {
            object.insert("Condition".to_owned(), conditions::to_value(&self.conditions));
        }
        Value::Object(object)
    }
}

fn member<'p>(path: &'p Path<'p>, name: &'p str) -> Path<'p> {
    Path::Member(path, name)
}

/// IAM accepts only letters and digits. Its console leaves an empty text behind.
fn sid(value: &Value, path: &Path<'_>) -> Result<String, PolicyError> {
    let text = reading::text(value, path)?;
    if text.len() > 128 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(PolicyError::new(path, "must be letters and digits, at most 128"));
    }
    Ok(text.to_owned())
}

fn parse_effect(value: &Value, path: &Path<'_>) -> Result<Effect, PolicyError> {
    match reading::text(value, path)? {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(PolicyError::new(path, format!("is {}, but must be Allow or Deny", Quoted(other)))),
    }
}

fn actions(members: &Members<'_>, path: &Path<'_>, kind: Kind) -> Result<AllBut<ActionPattern>, PolicyError> {
    let (name, value, not) = match kind {
        Kind::Permission => members.either("Action", "NotAction")?,
        Kind::Trust => ("Action", members.required("Action")?, false),
    };
    let these = reading::texts(value, &member(path, name), |text| match kind {
        Kind::Permission => ActionPattern::of_permission(text),
        Kind::Trust => ActionPattern::of_trust(text),
    })?;
    Ok(AllBut { not, these })
}

fn resources(members: &Members<'_>, path: &Path<'_>) -> Result<AllBut<ResourcePattern>, PolicyError> {
    let (name, value, not) = members.either("Resource", "NotResource")?;
    let these = reading::texts(value, &member(path, name), ResourcePattern::parse)?;
    Ok(AllBut { not, these })
}

fn provider(value: &Value, path: &Path<'_>) -> Result<Provider, PolicyError> {
    if value.is_string() {
        let problem =
            "must be an object with the issuer's ARN as Federated: whoever may come has to be named";
        return Err(PolicyError::new(path, problem));
    }
    let federated = Members::of(value, path, &["Federated"])?.required("Federated")?;
    let path = member(path, "Federated");
    let mut providers = reading::texts(federated, &path, Provider::parse)?;
    match (providers.pop(), providers.is_empty()) {
        (Some(provider), true) => Ok(provider),
        _ => Err(PolicyError::new(&path, "must name one issuer. Write a statement for each")),
    }
}
