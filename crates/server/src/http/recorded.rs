//! Links a request to its record: the request is over when the last byte of its answer has been handed over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Response, StatusCode};

use super::body::AnswerBody;
use super::course::{Conclude, Panicked};
use super::hygiene;
use super::record::Record;
use super::sending::Piece;
use crate::app::App;

/// A request without an answer. If it is dropped, its client has left.
pub(super) struct Underway(Ending);

/// The body of an answer.
pub(crate) struct Recorded {
    body: AnswerBody,
    ending: Ending,
}

/// Writes the record when it is dropped.
struct Ending {
    record: Arc<Record>,
    app: Arc<App>,
    status: Option<StatusCode>,
    sent: u64,
}

impl Underway {
    /// Begins a request with this record.
    pub(super) fn new(record: &Arc<Record>, app: &Arc<App>) -> Self {
        Self(Ending { record: Arc::clone(record), app: Arc::clone(app), status: None, sent: 0 })
    }

    /// Attaches the answer.
    pub(super) fn answered(self, answer: Response<AnswerBody>) -> Response<Recorded> {
        let Self(mut ending) = self;
        ending.status = Some(answer.status());
        answer.map(|body| Recorded { body, ending })
    }
}

impl Conclude for Underway {
    type Answer = Response<AnswerBody>;
    type Concluded = Response<Recorded>;

    fn conclude(self, answered: Result<Response<AnswerBody>, Panicked>) -> Response<Recorded> {
        self.answered(answered.unwrap_or_else(|Panicked| {
            tracing::error!("a request panicked");
            hygiene::refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
        }))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.record.end(&self.app.metrics, self.status, self.sent);
    }
}

impl Body for Recorded {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(piece) = frame.data_ref()
        {
            self.ending.sent += piece.remaining() as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
