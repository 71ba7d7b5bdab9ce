//! Refuses calls of AWS services that are not served here. Such calls arrive, because a profile often has one
//! address for all services. Each refusal uses the protocol that the client expects. The client could not show
//! any other.

use gangplank_api::{Protocol, WireError};
use gangplank_core::EventKind;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::header::HeaderName;

use crate::app::App;
use crate::http::record::{Record, Service};
use crate::http::response::Answer;
use crate::refusals::Refusal;

/// Refuses such a call. Its body is not read.
pub(super) fn refuse(
    app: &App,
    record: &Record,
    headers: &HeaderMap,
    service: &str,
    protocol: Protocol,
    request_id: &str,
) -> Answer {
    let refused = Refusal { kind: EventKind::CallRefused, action: None, reason: "UnservedService" };
    app.count_refusal(refused, app.origin(record.peer, headers, None, None), None);
    record.is_refused(refused.reason, service);
    record.is_for(Service::None, "none");
    answer(&protocol.unserved(service, request_id)).close()
}

/// Turns an error into an answer.
pub(super) fn answer(error: &WireError) -> Answer {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let answer = Answer::new(status).body(error.content_type, error.body.clone());
    match error.header {
        Some((name, value)) => answer.header(HeaderName::from_static(name), value),
        None => answer,
    }
}
