//! From what went wrong to what the client is told.

use gangplank_oci::OciError;
use gangplank_store::StoreError;
use hyper::StatusCode;
use hyper::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::http::response::Answer;

/// The one challenge: Basic, as docker, podman and the rest speak it without a token service.
const CHALLENGE: &str = "Basic realm=\"gangplank\"";

/// A refused request: what the client is told, and how to try again.
#[derive(Debug)]
pub(super) struct Refusal {
    error: OciError,
    retry_after: Option<u32>,
}

impl Refusal {
    /// 429, with the seconds after which a try is worth it.
    pub(super) fn too_many(message: &str, retry_after: u32) -> Self {
        Self { error: OciError::too_many_requests(message), retry_after: Some(retry_after) }
    }

    /// 503: worth another try in a moment.
    pub(super) fn busy() -> Self {
        Self { error: OciError::unavailable(), retry_after: Some(1) }
    }

    pub(super) fn into_answer(self) -> Answer {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = Answer::new(status).body("application/json", self.error.body());
        if let Some(allow) = self.error.allow() {
            answer = answer.header(ALLOW, allow);
        }
        if status == StatusCode::UNAUTHORIZED {
            answer = answer.header(WWW_AUTHENTICATE, CHALLENGE);
        }
        match self.retry_after {
            Some(seconds) => answer.header(RETRY_AFTER, seconds.to_string()),
            None => answer,
        }
    }
}

impl From<OciError> for Refusal {
    fn from(error: OciError) -> Self {
        Self { error, retry_after: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request failed in the store");
        match error {
            StoreError::Full(_) => Self { error: OciError::insufficient_storage(), retry_after: Some(30) },
            StoreError::Unavailable(_) => Self { error: OciError::unavailable(), retry_after: Some(5) },
            StoreError::Damaged(_) => Self { error: OciError::unknown(), retry_after: None },
        }
    }
}
