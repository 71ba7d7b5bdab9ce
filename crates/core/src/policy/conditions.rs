//! Reads and writes the `Condition` of a statement.

use serde_json::{Map, Value};

use super::condition::Condition;
use super::fault::PolicyError;
use super::key::{Key, Scope};
use super::operator::Operator;
use super::reading::{self, MOST_TEXTS};
use crate::json::{Path, Quoted};

/// The most conditions in a statement.
const MOST: usize = 100;

pub(super) fn parse(value: &Value, path: &Path<'_>, scope: Scope<'_>) -> Result<Vec<Condition>, PolicyError> {
    let mut conditions: Vec<Condition> = Vec::new();
    for (name, keys) in not_empty(value, path)? {
        let operator = Operator::parse(name).map_err(|problem| PolicyError::new(path, problem))?;
        let path = Path::Member(path, name);
        for (name, values) in not_empty(keys, &path)? {
            let key = Key::parse(name, scope).map_err(|problem| PolicyError::new(&path, problem))?;
            let same = |other: &Condition| other.operator == operator && other.key.folded == key.folded;
            if conditions.iter().any(same) {
                let problem = format!("must not have the key {} twice, in whatever case", Quoted(name));
                return Err(PolicyError::new(&path, problem));
            }
            let path = Path::Member(&path, name);
            key.check(&operator).map_err(|problem| PolicyError::new(&path, problem))?;
            let texts = reading::one_or_many(values, &path, MOST_TEXTS, wanted)?;
            let condition = Condition::parse(operator.clone(), key, texts, scope);
            conditions.push(condition.map_err(|(index, problem)| match values {
                Value::Array(_) => PolicyError::new(&Path::Item(&path, index), problem),
                _ => PolicyError::new(&path, problem),
            })?);
        }
    }
    if conditions.len() > MOST {
        return Err(PolicyError::new(path, format!("must have at most {MOST} conditions")));
    }
    Ok(conditions)
}

fn not_empty<'v>(value: &'v Value, path: &Path<'_>) -> Result<&'v Map<String, Value>, PolicyError> {
    let object = reading::object(value, path)?;
    if object.is_empty() {
        return Err(PolicyError::new(path, "must not be empty"));
    }
    Ok(object)
}

/// Reads a wanted value. As in IAM, whole numbers and booleans may have no quotation marks. A number with a fraction
/// needs them, because it would be rounded.
fn wanted(value: &Value, path: &Path<'_>) -> Result<String, PolicyError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(_) => Err(PolicyError::new(path, "must be in quotation marks")),
        _ => Err(PolicyError::new(path, "must be a text, or a list of texts")),
    }
}

pub(super) fn to_value(conditions: &[Condition]) -> Value {
    let mut operators = Map::new();
    for condition in conditions {
        let keys =
            operators.entry(condition.operator.text.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = keys {
            let values = reading::written(condition.values.iter().map(String::as_str));
            keys.insert(condition.key.text.clone(), values);
        }
    }
    Value::Object(operators)
}
