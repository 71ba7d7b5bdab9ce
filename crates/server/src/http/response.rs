//! Building answers.

use bytes::Bytes;
use gangplank_store::blobs::Read;
use http_body_util::Full;
use hyper::ext::ReasonPhrase;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::AnswerBody;
use super::own_thread::OwnThread;

/// The most characters of a reason in the status line.
const MAX_REASON: usize = 200;

/// An answer that is being built.
pub(crate) struct Answer(Response<AnswerBody>);

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(AnswerBody::Small(Full::default()));
        *response.status_mut() = status;
        Self(response)
    }

    /// Adds a header. A value with characters that no header can have is left out. Nothing here builds such a
    /// value.
    pub(crate) fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers_mut().append(name, value);
        } else {
            tracing::error!(%name, "left out a header whose value cannot be sent");
        }
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        *self.0.body_mut() = AnswerBody::Small(Full::new(bytes.into()));
        self.header(CONTENT_TYPE, content_type)
    }

    /// Sets the body to `length` bytes of content. The connection may move to `thread`.
    pub(crate) fn content(mut self, bytes: Read, length: u64, thread: &OwnThread) -> Self {
        *self.0.body_mut() = AnswerBody::of(bytes, length, thread);
        self
    }

    /// States the length of the body that a GET would return. Answers to HEAD need it.
    pub(crate) fn content_length(self, length: u64) -> Self {
        self.header(CONTENT_LENGTH, length.to_string())
    }

    /// Adds the reason of a refusal to the status line, because some clients show nothing else of an answer to
    /// HEAD. Characters that are not allowed there are left out.
    pub(crate) fn because(mut self, why: &str) -> Self {
        let status = self.0.status();
        if !status.is_client_error() {
            return self;
        }
        let plain = why.chars().filter(|it| (' '..='~').contains(it)).take(MAX_REASON);
        let phrase: String = status.canonical_reason().into_iter().flat_map(|it| [it, ": "]).collect();
        if let Ok(phrase) = ReasonPhrase::try_from(phrase + &plain.collect::<String>()) {
            self.0.extensions_mut().insert(phrase);
        }
        self
    }

    /// Closes the connection after this answer.
    pub(crate) fn close(self) -> Self {
        self.header(CONNECTION, "close")
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_ends_no_line() {
        let phrase = |why: &str| {
            let response = Answer::new(StatusCode::FORBIDDEN).because(why).into_response();
            let phrase = response.extensions().get::<ReasonPhrase>().unwrap();
            String::from_utf8(phrase.as_bytes().to_vec()).unwrap()
        };
        assert_eq!(phrase("no"), "Forbidden: no");
        let failed = Answer::new(StatusCode::INTERNAL_SERVER_ERROR).because("no").into_response();
        assert!(failed.extensions().get::<ReasonPhrase>().is_none());
        assert_eq!(phrase("a\r\nSet-Cookie: b\u{9b}\u{e9}\0"), "Forbidden: aSet-Cookie: b");
        assert_eq!(phrase(&"x".repeat(9_000)).len(), "Forbidden: ".len() + MAX_REASON);
    }
}
