//! Conversion between bytes and types.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::path::Path;
use crate::{ApiError, Described, json, typecheck, validate};

/// Reads the input of an operation, and refuses what its description does not allow.
///
/// An empty body is an empty object. Unknown members are ignored, as at AWS, and `null` is a member left out. A
/// `SerializationException` says that the body cannot be read: it is not JSON, has a member twice or a member of a
/// wrong type. An `InvalidInputException` says that a value is not allowed.
pub fn decode<T: Described + DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let value = json::parse(body)?;
    let Value::Object(members) = &value else {
        let found = typecheck::type_of(&value);
        return Err(ApiError::serialization(format!("The request body must be a JSON object, not {found}.")));
    };
    typecheck::structure(T::STRUCTURE, members, Path::Root)?;
    validate::structure(T::STRUCTURE, members, Path::Root)?;
    let input: T = serde_json::from_value(value)
        .map_err(|error| ApiError::serialization(format!("The request body cannot be read: {error}.")))?;
    input.check()?;
    Ok(input)
}

/// Writes the output of an operation.
///
/// # Panics
///
/// If the value cannot be JSON, such as a map whose keys are no strings. No structure of this crate is like that.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("structures of the API are JSON")
}
