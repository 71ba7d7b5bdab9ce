//! What STS answers when it does not do what was asked.

use crate::macros::enumeration;
use crate::{ApiError, ErrorCode};

enumeration! {
    /// The name of an error, by which clients tell one from another. Where the query protocol and AWS JSON say the
    /// same, the former says it without "Exception".
    pub enum StsErrorCode {
        /// The caller may not do this: no such role, or one that does not trust the token.
        AccessDenied,
        /// The temporary credentials have ended.
        ExpiredToken,
        /// The identity token has ended.
        ExpiredTokenException,
        /// The keys of the token's issuer cannot be had now. The one refusal after which clients try again.
        IDPCommunicationError,
        /// The signature lacks a part.
        IncompleteSignature,
        /// The fault is the server's.
        InternalFailure,
        /// There is no such operation.
        InvalidAction,
        /// There is no such access key, or it is disabled.
        InvalidClientTokenId,
        /// The identity token is none, or not one of an issuer that is trusted here.
        InvalidIdentityToken,
        /// The policy of a session cannot be read.
        MalformedPolicyDocument,
        /// No operation is named.
        MissingAction,
        /// The request is not signed.
        MissingAuthenticationToken,
        /// The body is larger than is read.
        RequestEntityTooLarge,
        /// The request was signed too long ago, or for too far ahead.
        RequestExpired,
        /// The body stopped coming.
        RequestTimeout,
        /// The server cannot serve now; later it may.
        ServiceUnavailable,
        /// The signature is not the one that the secret key makes.
        SignatureDoesNotMatch,
        /// Too many requests in too short a time.
        Throttling,
        /// A parameter is missing, or not of the form that it has to have.
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

/// An error, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct StsError {
    /// Which error.
    pub code: StsErrorCode,
    /// What was refused and why.
    pub message: String,
}

impl StsError {
    /// A parameter is missing, or not of the form that it has to have.
    pub fn validation(message: impl Into<String>) -> Self {
        Self { code: StsErrorCode::ValidationError, message: message.into() }
    }

    /// A role that is not there, or does not trust whoever asks: the same words for both.
    pub fn not_trusted() -> Self {
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned();
        Self { code: StsErrorCode::AccessDenied, message }
    }

    /// The body.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        crate::protocol::query_error(self.code.status(), self.code.as_str(), &self.message, request_id)
    }
}

/// What refuses a signature or a body, in the query protocol's names.
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
