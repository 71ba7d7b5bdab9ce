//! Errors of STS.

use crate::macros::enumeration;
use crate::{ApiError, ErrorCode};

enumeration! {
    /// The name of an error. Clients distinguish errors by it. Most names are those of AWS JSON without
    /// "Exception".
    pub enum StsErrorCode {
        /// The caller may not do this: the role does not exist, or does not trust the token.
        AccessDenied,
        /// The temporary credentials have expired.
        ExpiredToken,
        /// The identity token has expired.
        ExpiredTokenException,
        /// The keys of the token's issuer cannot be fetched now. It is the only refusal after which clients try
        /// again.
        IDPCommunicationError,
        /// The signature lacks a part.
        IncompleteSignature,
        /// The server has an error.
        InternalFailure,
        /// The operation does not exist.
        InvalidAction,
        /// The access key does not exist, or is disabled.
        InvalidClientTokenId,
        /// The identity token is not valid, or its issuer is not trusted here.
        InvalidIdentityToken,
        /// The policy of a session cannot be read.
        MalformedPolicyDocument,
        /// No operation was named.
        MissingAction,
        /// The request is not signed.
        MissingAuthenticationToken,
        /// The body is too large.
        RequestEntityTooLarge,
        /// The signature is too old, or its date is too far in the future.
        RequestExpired,
        /// The body did not arrive in time.
        RequestTimeout,
        /// The server cannot answer now, and may be able to later.
        ServiceUnavailable,
        /// The signature does not match the secret key.
        SignatureDoesNotMatch,
        /// Too many requests in too short a time.
        Throttling,
        /// A parameter is missing, or has a wrong form.
        ValidationError,
    }
}

impl StsErrorCode {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::AccessDenied
            | Self::ExpiredToken
            | Self::InvalidClientTokenId
            | Self::MissingAuthenticationToken
            | Self::SignatureDoesNotMatch => 403,
            Self::RequestTimeout => 408,
            Self::RequestEntityTooLarge => 413,
            Self::InternalFailure => 500,
            Self::ServiceUnavailable => 503,
            _ => 400,
        }
    }
}

/// An error with its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct StsError {
    /// The code of the error.
    pub code: StsErrorCode,
    /// The refused value and the reason.
    pub message: String,
}

impl StsError {
    /// A parameter is missing, or has a wrong form.
    pub fn validation(message: impl Into<String>) -> Self {
        Self { code: StsErrorCode::ValidationError, message: message.into() }
    }

    /// The role does not exist, or does not trust the caller. Both have the same message.
    pub fn not_trusted() -> Self {
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned();
        Self { code: StsErrorCode::AccessDenied, message }
    }

    /// The body.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        crate::protocol::query_error(self.code.status(), self.code.as_str(), &self.message, request_id)
    }
}

/// Converts refusals of a signature or a body to the query protocol's names.
impl From<ApiError> for StsError {
    fn from(error: ApiError) -> Self {
        let code = match error.code {
            ErrorCode::AccessDeniedException
            | ErrorCode::AccountSetupInProgressException
            | ErrorCode::RegionSetupInProgressException => StsErrorCode::AccessDenied,
            ErrorCode::InvalidInputException
            | ErrorCode::NotFoundException
            | ErrorCode::SerializationException => StsErrorCode::ValidationError,
            ErrorCode::OperationFailureException | ErrorCode::ServiceException => {
                StsErrorCode::InternalFailure
            }
            ErrorCode::UnauthenticatedException | ErrorCode::UnrecognizedClientException => {
                StsErrorCode::InvalidClientTokenId
            }
            ErrorCode::UnknownOperationException => StsErrorCode::InvalidAction,
            ErrorCode::MissingAuthenticationTokenException => StsErrorCode::MissingAuthenticationToken,
            ErrorCode::IncompleteSignatureException => StsErrorCode::IncompleteSignature,
            ErrorCode::InvalidSignatureException => StsErrorCode::SignatureDoesNotMatch,
            ErrorCode::RequestExpired => StsErrorCode::RequestExpired,
            ErrorCode::ThrottlingException => StsErrorCode::Throttling,
            ErrorCode::RequestEntityTooLarge => StsErrorCode::RequestEntityTooLarge,
            ErrorCode::RequestTimeoutException => StsErrorCode::RequestTimeout,
            ErrorCode::ServiceUnavailable => StsErrorCode::ServiceUnavailable,
            ErrorCode::ExpiredTokenException => StsErrorCode::ExpiredToken,
            ErrorCode::InvalidIdentityTokenException => StsErrorCode::InvalidIdentityToken,
            ErrorCode::IDPCommunicationErrorException => StsErrorCode::IDPCommunicationError,
        };
        let message = match error.tip {
            Some(tip) => format!("{} {tip}", error.message),
            None => error.message,
        };
        Self { code, message }
    }
}
