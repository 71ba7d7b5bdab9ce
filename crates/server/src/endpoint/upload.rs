//! The body of a request on its way to a node.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use super::Visit;

/// What a node is sent after the head.
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// What the client sends.
    Body(Arc<Upload>),
}

/// A body that a client sends, which can be handed to another node as long as none has got anything of it.
pub(super) struct Upload {
    state: Mutex<State>,
    visit: Arc<Visit>,
}

struct State {
    body: Incoming,
    /// Whether the client is to send it. To read from it tells the client to.
    is_open: bool,
    /// Something of it was handed on.
    has_begun: bool,
    end: Option<End>,
    /// The client keeps the node waiting, and not the other way round.
    awaits_client: bool,
    /// When it got on last.
    moved: Instant,
    /// The node's connection, as long as the client is not to send.
    reader: Option<Waker>,
    /// Who waits for the end.
    waiter: Option<Waker>,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it was handed on.
    Whole,
    /// The client went away, or sent what is no body.
    Broken,
}

impl Upload {
    /// A body that is read at once, or when it is told to be.
    pub(super) fn new(body: Incoming, is_open: bool, visit: Arc<Visit>) -> Self {
        let state = State {
            body,
            is_open,
            has_begun: false,
            end: None,
            awaits_client: false,
            moved: Instant::now(),
            reader: None,
            waiter: None,
        };
        Self { state: Mutex::new(state), visit }
    }

    /// The node wants it: the client is to send.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        state.is_open = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Whether another node could still get all of it.
    pub(super) fn is_untouched(&self) -> bool {
        let state = self.lock();
        !state.has_begun && state.end.is_none()
    }

    /// Whether all of it was handed on.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().end == Some(End::Whole)
    }

    /// When it got on last, and whether the client is who does not go on.
    pub(super) fn standing(&self) -> (Instant, bool) {
        let state = self.lock();
        (state.moved, state.awaits_client && state.end.is_none())
    }

    /// Waits for its end.
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

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.lock();
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
            Self::Body(upload) => upload.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Body(upload) => upload.lock().body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Body(upload) => upload.lock().body.size_hint(),
        }
    }
}
