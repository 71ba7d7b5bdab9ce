//! The answers to visitors if no node answers.

use hyper::ext::ReasonPhrase;
use hyper::{Response, StatusCode};

use crate::http::body::AnswerBody;
use crate::http::hygiene::{self, Violation};
use crate::http::response::Answer;
use crate::relay::proof;

/// The text that Amazon shows for a host without a service, or without a public endpoint.
const NO_SUCH_SERVICE: &str = "404 No Such Service";

pub(super) fn no_such_service() -> Response<AnswerBody> {
    let mut response = refuse(StatusCode::NOT_FOUND, NO_SUCH_SERVICE);
    response.extensions_mut().insert(ReasonPhrase::from_static(b"No Such Service"));
    response
}

pub(super) fn disabled() -> Response<AnswerBody> {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable: the service is disabled\n")
}

pub(super) fn other_host() -> Response<AnswerBody> {
    hygiene::refusal(
        StatusCode::BAD_REQUEST,
        "the URL of a request and its Host header must name the same host",
    )
    .into_response()
}

pub(super) fn malformed(violation: &Violation) -> Response<AnswerBody> {
    hygiene::refusal(violation.status, violation.text).into_response()
}

/// No node accepts connections, or the node that received the request closed the connection.
pub(super) fn broken() -> Response<AnswerBody> {
    refuse(StatusCode::BAD_GATEWAY, "502 Bad Gateway: the service gave no answer\n")
}

/// A node received the whole request and did not answer in time.
pub(super) fn too_late() -> Response<AnswerBody> {
    refuse(StatusCode::GATEWAY_TIMEOUT, "504 Gateway Timeout: the service did not answer in time\n")
}

/// The replica that runs the service cannot be reached, or no longer runs it.
pub(super) fn away() -> Response<AnswerBody> {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable: the service cannot be reached now\n")
}

/// The service does not run here. The replica that relayed the request looks for the right one.
pub(super) fn not_here() -> Response<AnswerBody> {
    let mut response =
        refuse(StatusCode::MISDIRECTED_REQUEST, "421 Misdirected Request: the service does not run here\n");
    proof::mark(&mut response);
    response
}

/// The visitor stopped in the middle of its request.
pub(super) fn stalled() -> Response<AnswerBody> {
    hygiene::refusal(StatusCode::REQUEST_TIMEOUT, "the rest of the request did not come in time")
        .into_response()
}

/// The visitor's body is malformed, or broke off.
pub(super) fn bad_body() -> Response<AnswerBody> {
    hygiene::refusal(StatusCode::BAD_REQUEST, "the body of the request is malformed or broke off")
        .into_response()
}

fn refuse(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    Answer::new(status).body("text/plain; charset=utf-8", text).into_response()
}
