//! Building answers.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::{AnswerBody, FileBody};

/// An answer on its way out.
pub(crate) struct Answer(Response<AnswerBody>);

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Either::Left(Full::default()));
        *response.status_mut() = status;
        Self(response)
    }

    /// Adds a header. A value that is no header value (which nothing here builds) is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().append(name, value);
        } else {
            tracing::error!(%name, "left out a header whose value cannot be sent");
        }
        self
    }

    /// Gives it a body.
    pub(crate) fn body(mut self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        *self.0.body_mut() = Either::Left(Full::new(bytes.into()));
        self.header(CONTENT_TYPE, content_type)
    }

    /// Gives it part of a file as its body.
    pub(crate) fn file(mut self, file: FileBody) -> Self {
        *self.0.body_mut() = Either::Right(file);
        self
    }

    /// Says how long the body of a HEAD would be.
    pub(crate) fn content_length(self, length: u64) -> Self {
        self.header(CONTENT_LENGTH, length.to_string())
    }

    /// Ends the connection after this answer.
    pub(crate) fn close(self) -> Self {
        self.header(CONNECTION, "close")
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        self.0
    }
}
