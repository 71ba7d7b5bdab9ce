//! Turns errors into the exceptions of the API.

use gangplank_api::{ApiError, ErrorCode};
use gangplank_store::StoreError;

use crate::http::small_body::Unread;

/// The error that answers a failed call.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ApiError,
    /// The option that sets the exceeded quota, if a quota is the reason.
    pub(super) quota: Option<&'static str>,
}

impl Failure {
    /// The refusal of a call that would exceed a quota.
    pub(super) fn over_quota(option: &'static str, error: ApiError) -> Self {
        Self { error, quota: Some(option) }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error, quota: None }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        let (code, message) = match unread {
            Unread::TooLong { limit } => {
                let message = format!("The request's body is too large; at most {limit} bytes are read.");
                (ErrorCode::RequestEntityTooLarge, message)
            }
            Unread::Stalled => {
                (ErrorCode::RequestTimeoutException, "The request's body stopped coming.".to_owned())
            }
            Unread::Broken => {
                (ErrorCode::SerializationException, "The request's body ended early.".to_owned())
            }
            Unread::NoRoom => {
                let message = "The server is reading too many large requests at once; try again.";
                (ErrorCode::ServiceUnavailable, message.to_owned())
            }
        };
        ApiError::new(code, message).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if !matches!(error, StoreError::OverQuota(_) | StoreError::CallerEnded) {
            tracing::error!(%error, "an API call failed in the store");
        }
        let unavailable = |message: &str| ApiError::new(ErrorCode::ServiceUnavailable, message);
        let error = match error {
            StoreError::Full(_) => {
                unavailable("The server's disk is full. Nothing was changed; try again later.")
            }
            StoreError::Unavailable(_)
            | StoreError::Contended(_)
            | StoreError::OutcomeUnknown(_)
            | StoreError::Unusable(_) => {
                unavailable("The server's storage cannot be used now. Nothing was acknowledged; try again.")
            }
            StoreError::CallerEnded => {
                ApiError::unauthenticated("The access key that signed this call was disabled or deleted.")
            }
            StoreError::OverQuota(over) => {
                let error = ApiError::invalid_input(sentence(&over.to_string()));
                return Self::over_quota(over.quota.option(), error);
            }
            StoreError::Damaged(_) => ApiError::service("The server's storage is damaged; see its log."),
        };
        error.into()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let error = match error.downcast::<StoreError>() {
            Ok(error) => return error.into(),
            Err(error) => error,
        };
        tracing::error!(%error, "an API call failed");
        ApiError::service("The server failed; see its log.").into()
    }
}

/// Turns a clause into a sentence: a capital letter and a full stop.
pub(super) fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
