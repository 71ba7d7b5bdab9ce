//! A whole policy: `Version`, `Id` and statements.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fault::PolicyError;
use super::reading::{self, Members};
use super::statement::{Effect, Kind, Question, Statement};
use crate::json::{self, Path, Quoted};

/// The only version of the language that is accepted. The older one has no variables, so the same text would have
/// another meaning.
const VERSION: &str = "2012-10-17";

/// The most statements in a policy.
const MOST_STATEMENTS: usize = 50;

/// The longest policy in bytes. Most of a longer one would be white space.
const MOST_BYTES: usize = 64 * 1024;

/// A policy of any kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    id: Option<String>,
    pub(super) statements: Vec<Statement>,
}

/// How the length of a policy is limited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// A number of characters without white space, as IAM counts stored policies.
    WithoutSpace(usize),
    /// A number of all characters, as STS counts policies in requests.
    Whole(usize),
}

/// The answer of a policy to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

impl Document {
    pub(super) fn parse(text: &str, kind: Kind, length: Length) -> Result<Self, PolicyError> {
        let root = Path::Root;
        let (long, most) = match length {
            Length::WithoutSpace(most) => {
                (text.chars().filter(|character| !character.is_whitespace()).count() > most, most)
            }
            Length::Whole(most) => (text.chars().count() > most, most),
        };
        if long || text.len() > MOST_BYTES {
            return Err(PolicyError::new(&root, format!("must have at most {most} characters")));
        }
        let value = json::parse(text.as_bytes())?;
        let members = Members::of(&value, &root, &["Version", "Id", "Statement"])?;
        let version = reading::text(members.required("Version")?, &Path::Member(&root, "Version"))?;
        if version != VERSION {
            let problem = format!("is {}, but must be {VERSION}", Quoted(version));
            return Err(PolicyError::new(&Path::Member(&root, "Version"), problem));
        }
        let id = members.get("Id").map(|id| reading::text(id, &Path::Member(&root, "Id"))).transpose()?;
        let path = Path::Member(&root, "Statement");
        let statement = members.required("Statement")?;
        let statements = reading::one_or_many(statement, &path, MOST_STATEMENTS, |value, path| {
            Statement::parse(value, path, kind)
        })?;
        let mut sids = BTreeSet::new();
        let named = statements.iter().filter_map(|one| one.sid.as_deref()).filter(|sid| !sid.is_empty());
        for sid in named {
            if !sids.insert(sid) {
                return Err(PolicyError::new(&path, format!("must not have the Sid {} twice", Quoted(sid))));
            }
        }
        Ok(Self { id: id.map(str::to_owned), statements })
    }

    /// Whether a statement denies it, one allows it, or neither.
    pub(super) fn answer(&self, question: &Question<'_>) -> Answer {
        let mut answer = Answer::NotAllowed;
        for statement in self.statements.iter().filter(|statement| statement.applies(question)) {
            match statement.effect {
                Effect::Deny => return Answer::Denied,
                Effect::Allow => answer = Answer::Allowed,
            }
        }
        answer
    }

    /// Whether statements about the action need the value of the key. A key that ends in a slash stands for all keys
    /// that begin with it.
    pub(super) fn asks_for(&self, action: &str, key: &str) -> bool {
        let key = key.to_lowercase();
        let statements = self.statements.iter().filter(|statement| statement.names_action(action));
        statements
            .flat_map(Statement::keys)
            .any(|asked| asked == key || key.ends_with('/') && asked.starts_with(&key))
    }

    /// The policy as JSON, on one line. Reading it again gives an equal policy.
    pub(super) fn to_json(&self) -> String {
        let mut object = Map::new();
        object.insert("Version".to_owned(), json!(VERSION));
        if let Some(id) = &self.id {
            object.insert("Id".to_owned(), json!(id));
        }
        let statements = self.statements.iter().map(Statement::to_value).collect();
        object.insert("Statement".to_owned(), Value::Array(statements));
        Value::Object(object).to_string()
    }
}
