//! The body of a visitor's request, on its way to a node.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use super::Visit;

/// The body of a request to a node.
pub(crate) enum Sent {
    /// No body.
    Nothing,
    /// The visitor's body, and the number of the try to send it.
    Body(Arc<Upload>, u32),
}

/// A visitor's body. The body can be sent to another node as long as no node has received any of it.
pub(crate) struct Upload {
    state: Mutex<State>,
    visit: Arc<Visit>,
}

struct State {
    body: Incoming,
    /// Whether the visitor may send the body. Reading from it tells the visitor to send.
    is_open: bool,
    /// Whether a node has received any of it.
    has_begun: bool,
    /// The number of the try that may read it. A connection of an earlier one may still be closing.
    attempt: u32,
    end: Option<End>,
    /// Whether the node waits for the visitor, and not the visitor for the node.
    awaits_client: bool,
    /// When the body last made progress.
    moved: Instant,
    /// The task of the node's connection, while the visitor may not send yet.
    reader: Option<Waker>,
    /// The task that waits for the end.
    waiter: Option<Waker>,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it was passed on.
    Whole,
    /// The visitor disconnected, or the body is malformed.
    Broken,
}

impl Upload {
    /// A body that is read at once if `is_open`, or else after [`Self::open`].
    pub(super) fn new(body: Incoming, is_open: bool, visit: Arc<Visit>) -> Self {
        let state = State {
            body,
            is_open,
            has_begun: false,
            attempt: 0,
            end: None,
            awaits_client: false,
            moved: Instant::now(),
            reader: None,
            waiter: None,
        };
        Self { state: Mutex::new(state), visit }
    }

    /// Lets the visitor send, because the node wants the body.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        state.is_open = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Whether another node could still receive all of it.
    pub(super) fn is_untouched(&self) -> bool {
        let state = self.lock();
        !state.has_begun && state.end.is_none()
    }

    /// Takes the body back for another try, if no node has received any of it. Returns whether no node has
    /// received any.
    pub(super) fn take_back(&self) -> bool {
        let mut state = self.lock();
        state.attempt += 1;
        !state.has_begun && state.end.is_none()
    }

    /// The body for the next try to send it. Earlier ones can no longer read it.
    pub(super) fn sent(self: &Arc<Self>) -> Sent {
        let mut state = self.lock();
        state.attempt += 1;
        Sent::Body(Arc::clone(self), state.attempt)
    }

    /// Whether all of it was passed on.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().end == Some(End::Whole)
    }

    /// When the body last made progress, and whether it waits for the visitor.
    pub(super) fn standing(&self) -> (Instant, bool) {
        let state = self.lock();
        (state.moved, state.awaits_client && state.end.is_none())
    }

    /// Waits for the end of the body.
    pub(super) async fn ended(&self) -> End {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            match state.end {
                Some(end) => Poll::Ready(end),
                None => {
                    state.waiter = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn poll(
        &self,
        attempt: u32,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.lock();
        if state.attempt != attempt {
            // If the stream ended here, this would look like the end of the body.
            return Poll::Pending;
        }
        if !state.is_open {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let polled = Pin::new(&mut state.body).poll_frame(context);
        state.awaits_client = polled.is_pending();
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(_))) => {
                (state.has_begun, state.moved) = (true, Instant::now());
                if state.body.is_end_stream() {
                    self.end(&mut state, End::Whole);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(&mut state, End::Broken),
            Poll::Ready(None) => self.end(&mut state, End::Whole),
        }
        polled
    }

    fn end(&self, state: &mut State, end: End) {
        if state.end.is_some() {
            return;
        }
        (state.end, state.moved) = (Some(end), Instant::now());
        self.visit.turn.watch();
        if let Some(waiter) = state.waiter.take() {
            waiter.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Nothing => Poll::Ready(None),
            Self::Body(upload, attempt) => upload.poll(*attempt, context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Body(upload, _) => upload.lock().body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Body(upload, _) => upload.lock().body.size_hint(),
        }
    }
}
