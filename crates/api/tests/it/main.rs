//! The tests of the crate, one module for each promise.

mod constraints;
mod deployments;
mod errors;
mod gangplank;
mod json;
mod model;
mod operations;
mod patterns;
mod properties;
mod protocols;
mod sts;
mod timestamps;

use gangplank_api::{ApiError, Described, ErrorCode, decode};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a request that has to be accepted.
fn accept<T: Described + DeserializeOwned>(request: &Value) -> T {
    decode(request.to_string().as_bytes()).unwrap_or_else(|error| panic!("{request} was refused: {error}"))
}

/// Reads a request that has to be refused. Returns the error.
fn refuse<T: Described + DeserializeOwned>(body: &[u8]) -> ApiError {
    match decode::<T>(body) {
        Ok(_) => panic!("{} was accepted", String::from_utf8_lossy(body)),
        Err(error) => error,
    }
}

/// Reads a request with values that are not allowed. Returns the message.
fn invalid<T: Described + DeserializeOwned>(request: &Value) -> String {
    let error = refuse::<T>(request.to_string().as_bytes());
    assert_eq!(error.code, ErrorCode::InvalidInputException, "{error}");
    error.message
}

/// Reads a body that is no request of this type. Returns the message.
fn unreadable<T: Described + DeserializeOwned>(body: &str) -> String {
    let error = refuse::<T>(body.as_bytes());
    assert_eq!(error.code, ErrorCode::SerializationException, "{error}");
    error.message
}
