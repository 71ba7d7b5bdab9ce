//! Turns an error into the client's answer.

use gangplank_oci::OciError;
use gangplank_store::StoreError;
use hyper::StatusCode;
use hyper::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};

use super::uploads::Standing;
use crate::http::record::Record;
use crate::http::response::Answer;

/// The only challenge is Basic. Docker, Podman and other clients use it without a token service.
const CHALLENGE: &str = "Basic realm=\"gangplank\"";

/// A refused request: the error, and hints for the next try.
#[derive(Debug)]
pub(super) struct Refusal {
    error: OciError,
    retry_after: Option<u32>,
    standing: Option<Box<Standing>>,
    /// The option that sets the exceeded quota, if a quota is the reason.
    quota: Option<&'static str>,
}

impl Refusal {
    /// A 429. `retry_after` is the number of seconds after which a retry makes sense.
    pub(super) fn too_many(message: &str, retry_after: u32) -> Self {
        Self {
            error: OciError::too_many_requests(message),
            retry_after: Some(retry_after),
            standing: None,
            quota: None,
        }
    }

    /// A 503. A retry makes sense after a second.
    pub(super) fn busy() -> Self {
        Self { error: OciError::unavailable(), retry_after: Some(1), standing: None, quota: None }
    }

    /// Adds that a quota is the reason: `option` sets it.
    pub(super) fn over_quota(self, option: &'static str) -> Self {
        Self { quota: Some(option), ..self }
    }

    /// Whether the same request may succeed later, without any other change.
    pub(super) fn is_temporary(&self) -> bool {
        self.error.status == 503
    }

    /// Whether the refusal says that the requested thing does not exist.
    pub(super) fn is_of_nothing(&self) -> bool {
        self.error.status == 404
    }

    /// Adds the progress of the upload, so that the client can resume it.
    pub(super) fn at(self, standing: Standing) -> Self {
        Self { standing: Some(Box::new(standing)), ..self }
    }

    /// Records the refusal in the log record of the request.
    pub(super) fn noted(self, record: &Record) -> Self {
        record.is_over_quota(self.quota);
        record.is_refused(self.error.code.as_str(), &self.error.message);
        self
    }

    pub(super) fn into_answer(self) -> Answer {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer =
            Answer::new(status).body("application/json", self.error.body()).because(&self.error.message);
        if let Some(allow) = self.error.allow() {
            answer = answer.header(ALLOW, allow);
        }
        if status == StatusCode::UNAUTHORIZED {
            answer = answer.header(WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(seconds) = self.retry_after {
            answer = answer.header(RETRY_AFTER, seconds.to_string());
        }
        match self.standing {
            Some(standing) => standing.add_to(answer),
            None => answer,
        }
    }
}

impl From<OciError> for Refusal {
    fn from(error: OciError) -> Self {
        Self { error, retry_after: None, standing: None, quota: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if !matches!(error, StoreError::OverQuota(_)) {
            tracing::error!(%error, "a request failed in the store");
        }
        let quota = match &error {
            StoreError::OverQuota(over) => Some(over.quota.option()),
            _ => None,
        };
        let (error, retry_after) = match error {
            StoreError::OverQuota(over) => (OciError::denied(over.to_string()), None),
            StoreError::Full(_) => (OciError::insufficient_storage(), Some(30)),
            StoreError::Unavailable(_)
            | StoreError::Contended(_)
            | StoreError::OutcomeUnknown(_)
            | StoreError::Unusable(_) => (OciError::unavailable(), Some(5)),
            // No request to the registry gives rights, so `CallerEnded` does not happen.
            StoreError::CallerEnded | StoreError::Damaged(_) => (OciError::unknown(), None),
        };
        Self { error, retry_after, standing: None, quota }
    }
}
