//! Reads YAML: one document, as a JSON value.

use serde_json::{Map, Number, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// The value of a text. `None` if it is not exactly one YAML document.
pub(crate) fn parse(text: &str) -> Option<Value> {
    match YamlLoader::load_from_str(text).ok()?.as_slice() {
        [] => Some(Value::Null),
        [document] => value(document),
        _ => None,
    }
}

fn value(yaml: &Yaml) -> Option<Value> {
    Some(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(value) => Value::Bool(*value),
        Yaml::Integer(value) => Value::from(*value),
        Yaml::Real(_) => Number::from_f64(yaml.as_f64()?).map_or(Value::Null, Value::Number),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Array(elements) => elements.iter().map(value).collect::<Option<Vec<_>>>()?.into(),
        Yaml::Hash(entries) => {
            let entries = entries.iter().map(|(key, entry)| Some((self::key(key)?, value(entry)?)));
            Value::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
        Yaml::Alias(_) | Yaml::BadValue => return None,
    })
}

/// A key. JSON's keys are text, so `80` becomes `'80'`.
fn key(yaml: &Yaml) -> Option<String> {
    match value(yaml)? {
        Value::String(text) => Some(text),
        other @ (Value::Number(_) | Value::Bool(_) | Value::Null) => Some(other.to_string()),
        _ => None,
    }
}
