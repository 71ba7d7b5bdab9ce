//! From what went wrong to the API's own exceptions.

use gangplank_api::{ApiError, ErrorCode};
use gangplank_store::StoreError;

/// A failed call, as it is answered.
#[derive(Debug)]
pub(super) struct Failure(pub(super) ApiError);

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "an API call failed in the store");
        let unavailable = |message: &str| ApiError::new(ErrorCode::ServiceUnavailable, message);
        Self(match error {
            StoreError::Full(_) => {
                unavailable("The server's disk is full. Nothing was changed; try again later.")
            }
            StoreError::Unavailable(_) | StoreError::Unusable(_) => {
                unavailable("The server's storage cannot be used now. Nothing was acknowledged; try again.")
            }
            StoreError::Damaged(_) => ApiError::service("The server's storage is damaged; see its log."),
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(%error, "an API call failed");
        Self(ApiError::service("The server failed; see its log."))
    }
}
