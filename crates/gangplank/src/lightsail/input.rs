//! The whole input at once, by `--cli-input-json` or `--cli-input-yaml`.

use serde_json::{Map, Value};

use super::argparse::Parsed;
use super::failure::Failure;
use super::options::{CLI_INPUT_JSON, CLI_INPUT_YAML};
use super::{paramfile, python_repr, yaml};

/// Adds the members of the whole input. A member that an option has given stays.
pub(crate) fn merge(input: &mut Map<String, Value>, given: &Parsed) -> Result<(), Failure> {
    let (option, text) = match (given.value(CLI_INPUT_JSON), given.value(CLI_INPUT_YAML)) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(Failure::Parameter("Only one --cli-input- parameter may be specified.".to_owned()));
        }
        (Some(json), None) => (CLI_INPUT_JSON, json),
        (None, Some(yaml)) => (CLI_INPUT_YAML, yaml),
    };
    let text = match paramfile::load(text) {
        Some(loaded) => loaded.map_err(|why| Failure::parsing(option, why))?,
        None => text.to_owned(),
    };
    let whole = if option == CLI_INPUT_JSON {
        serde_json::from_str(&text)
            .map_err(|_| Failure::parsing("cli-input-json", "Invalid JSON received."))?
    } else {
        yaml::parse(&text).ok_or_else(|| Failure::parsing("cli-input-yaml", "Invalid YAML received."))?
    };
    let Value::Object(members) = whole else {
        let class = python_repr::class(&whole);
        return Err(Failure::parsing(option, format!("Invalid type: expecting map, received {class}")));
    };
    for (name, value) in members {
        input.entry(name).or_insert(value);
    }
    Ok(())
}
