//! Errors of the API.

use serde::Serialize;

use crate::macros::enumeration;

enumeration! {
    /// The name of an error. Clients distinguish errors by it.
    ///
    /// Lightsail's operations declare the first eight. Any AWS JSON service may answer with the others.
    pub enum ErrorCode {
        /// The caller is known, and may not do this.
        AccessDeniedException,
        /// The account is still being set up.
        AccountSetupInProgressException,
        /// A value of the request is not allowed.
        InvalidInputException,
        /// A thing that the request names does not exist.
        NotFoundException,
        /// The operation was begun, and failed.
        OperationFailureException,
        /// The region is still being set up for the account.
        RegionSetupInProgressException,
        /// The server does not know the caller.
        UnauthenticatedException,
        /// The server has an error.
        ServiceException,
        /// The body cannot be read: it is not JSON, or a member has a wrong type.
        SerializationException,
        /// The operation does not exist.
        UnknownOperationException,
        /// The request is not signed.
        MissingAuthenticationTokenException,
        /// The signature lacks a part.
        IncompleteSignatureException,
        /// The signature does not match the secret key.
        InvalidSignatureException,
        /// The access key does not exist.
        UnrecognizedClientException,
        /// The signature is too old, or its date is too far in the future.
        RequestExpired,
        /// Too many requests in too short a time.
        ThrottlingException,
        /// The body is too large.
        RequestEntityTooLarge,
        /// The body did not arrive in time.
        RequestTimeoutException,
        /// The server cannot answer now, and may be able to later.
        ServiceUnavailable,
        /// The temporary credentials have expired.
        ExpiredTokenException,
        /// The identity token is not valid, or its issuer is not known here.
        InvalidIdentityTokenException,
        /// The keys of an identity token's issuer cannot be fetched.
        IDPCommunicationErrorException,
    }
}

impl ErrorCode {
    /// The HTTP status: 400 for everything that the client can correct, as at AWS, with four exceptions.
    pub const fn status(self) -> u16 {
        match self {
            Self::ServiceException => 500,
            Self::ServiceUnavailable => 503,
            Self::RequestTimeoutException => 408,
            Self::RequestEntityTooLarge => 413,
            _ => 400,
        }
    }
}

/// An error with its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The name of the error.
    pub code: ErrorCode,
    /// The refused value, the reason, and the allowed values.
    pub message: String,
    /// A page with more information.
    pub docs: Option<String>,
    /// Advice on what to do next.
    pub tip: Option<String>,
}

impl ApiError {
    /// An error of any kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), docs: None, tip: None }
    }

    /// The caller may not do this.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::AccessDeniedException, message)
    }

    /// A value of the request is not allowed.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInputException, message)
    }

    /// A thing that the request names does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFoundException, message)
    }

    /// The operation was begun, and failed.
    pub fn operation_failure(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::OperationFailureException, message)
    }

    /// The server does not know the caller.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnauthenticatedException, message)
    }

    /// The server has an error.
    pub fn service(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ServiceException, message)
    }

    /// The body cannot be read.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::SerializationException, message)
    }

    /// The operation does not exist.
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnknownOperationException, message)
    }

    /// Adds a page with more information.
    #[must_use]
    pub fn with_docs(self, docs: impl Into<String>) -> Self {
        Self { docs: Some(docs.into()), ..self }
    }

    /// Adds advice on what to do next.
    #[must_use]
    pub fn with_tip(self, tip: impl Into<String>) -> Self {
        Self { tip: Some(tip.into()), ..self }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The body. The body has the name twice, because clients look in different places.
    pub fn body(&self) -> Vec<u8> {
        crate::encode(&Body {
            kind: self.code,
            code: self.code,
            message: &self.message,
            docs: self.docs.as_deref(),
            tip: self.tip.as_deref(),
        })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "__type")]
    kind: ErrorCode,
    code: ErrorCode,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    docs: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<&'a str>,
}
