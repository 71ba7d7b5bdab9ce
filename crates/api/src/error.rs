//! What the API answers when it does not do what was asked.

use serde::Serialize;

use crate::macros::enumeration;

enumeration! {
    /// The name of an error, by which clients tell one from another.
    ///
    /// The first eight are Lightsail's own, declared by its operations; the others any AWS JSON service
    /// answers with.
    pub enum ErrorCode {
        /// The caller is known and may not do this.
        AccessDeniedException,
        /// The account is still being set up.
        AccountSetupInProgressException,
        /// The request can be read and asks for something that is not allowed.
        InvalidInputException,
        /// What the request names is not there.
        NotFoundException,
        /// The operation was begun and failed.
        OperationFailureException,
        /// The region is still being set up for the account.
        RegionSetupInProgressException,
        /// The caller is not known.
        UnauthenticatedException,
        /// The fault is the server's.
        ServiceException,
        /// The body cannot be read: not JSON, or a member of a wrong type.
        SerializationException,
        /// There is no such operation.
        UnknownOperationException,
        /// The request is not signed.
        MissingAuthenticationTokenException,
        /// The signature lacks a part.
        IncompleteSignatureException,
        /// The signature is not the one that the secret key makes.
        InvalidSignatureException,
        /// There is no such access key.
        UnrecognizedClientException,
        /// The request was signed too long ago, or for too far ahead.
        RequestExpired,
        /// Too many requests in too short a time.
        ThrottlingException,
        /// The body is larger than is read.
        RequestEntityTooLarge,
        /// The body stopped coming.
        RequestTimeoutException,
        /// The server cannot serve now; later it may.
        ServiceUnavailable,
        /// The temporary credentials have ended.
        ExpiredTokenException,
        /// The identity token is not one of an issuer that is known here.
        InvalidIdentityTokenException,
        /// The keys of the issuer of an identity token cannot be had.
        IDPCommunicationErrorException,
    }
}

impl ErrorCode {
    /// The HTTP status: 400 for whatever the client can mend, as at AWS, with four exceptions.
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

/// An error, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Which error.
    pub code: ErrorCode,
    /// What was refused, why, and what would be allowed.
    pub message: String,
    /// Where to read more.
    pub docs: Option<String>,
    /// What to do next.
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

    /// The request asks for something that is not allowed.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInputException, message)
    }

    /// What the request names is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFoundException, message)
    }

    /// The operation was begun and failed.
    pub fn operation_failure(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::OperationFailureException, message)
    }

    /// The caller is not known.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnauthenticatedException, message)
    }

    /// The fault is the server's.
    pub fn service(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ServiceException, message)
    }

    /// The body cannot be read.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::SerializationException, message)
    }

    /// There is no such operation.
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnknownOperationException, message)
    }

    /// The same error, with a place to read more.
    #[must_use]
    pub fn with_docs(self, docs: impl Into<String>) -> Self {
        Self { docs: Some(docs.into()), ..self }
    }

    /// The same error, with a hint at what to do next.
    #[must_use]
    pub fn with_tip(self, tip: impl Into<String>) -> Self {
        Self { tip: Some(tip.into()), ..self }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The body. The name stands in it twice because clients differ in where they look.
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
