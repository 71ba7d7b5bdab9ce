//! Checks of answers.

use reqwest::blocking::Response;
use serde_json::Value;

/// A header's value. Empty if it is missing.
pub(crate) fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).map(|value| value.to_str().expect("an ASCII header"));
    value.unwrap_or_default().to_owned()
}

/// Checks a refusal: its status, its code, and that it is exactly the specification's error document.
#[track_caller]
pub(crate) fn refused(answer: Response, status: u16, code: &str) {
    let found = answer.status().as_u16();
    assert_eq!(header(&answer, "content-type"), "application/json", "{found}");
    let (length, body) = (header(&answer, "content-length"), answer.text().expect("a body"));
    if length != "0" && body.is_empty() {
        // The answer to a HEAD has no body.
        assert_eq!(found, status);
        return;
    }
    let document: Value = serde_json::from_str(&body).expect("a JSON body");
    let errors = document["errors"].as_array().expect("a list of errors");
    assert_eq!(document.as_object().map(serde_json::Map::len), Some(1), "{body}");
    assert_eq!((found, errors[0]["code"].as_str()), (status, Some(code)), "{body}");
    let message = errors[0]["message"].as_str().expect("a message");
    for leak in ["/tmp", "/home", ".rs", "panicked", "SQL", "gpl_"] {
        assert!(!body.contains(leak) && !message.is_empty(), "{body}");
    }
}

/// The offset of an upload in an answer.
pub(crate) fn received(answer: &Response) -> String {
    header(answer, "range")
}
