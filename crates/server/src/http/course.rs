//! Decides what happens to an unanswered request when its client disconnects or the server is told to stop.
//!
//! hyper drops the future of a request when the client disconnects. If a push were dropped between its bytes
//! and its row, its session would stay claimed. The next request of the session would then fail. So a dropped
//! request continues in a separate task. While the client is connected, the request runs in the connection's
//! task: the pieces of a body then pass between them without a wake-up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How a request ends if its client disconnects. Its route decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// The request runs to its end without its client. A stop waits for it, and is not clean if the request
    /// takes too long.
    ToItsEnd,
    /// The request ends when its client disconnects. A stop lets it finish, and drops it if that takes too
    /// long. Nothing is left behind then. The same holds for a tunnel that the request opens.
    WithItsClient,
}

/// The request panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Handles the answer of a request, even if nobody waits for it any more.
pub(super) trait Conclude: Send + Unpin + 'static {
    /// The answer.
    type Answer: Send + 'static;
    /// The result of handling the answer.
    type Concluded;

    /// Handles the answer, or the panic.
    fn conclude(self, answered: Result<Self::Answer, Panicked>) -> Self::Concluded;
}

/// The future that answers a request.
pub(super) trait Answers<C: Conclude>: Future<Output = C::Answer> + Send + Unpin + 'static {}

impl<C: Conclude, F: Future<Output = C::Answer> + Send + Unpin + 'static> Answers<C> for F {}

/// The future of a request, which ends as its [`Course`] says.
pub(super) struct Running<F: Answers<C>, C: Conclude> {
    /// `None` once the request is answered.
    request: Option<Request<F, C>>,
}

struct Request<F, C> {
    answering: F,
    conclusion: C,
    /// Set if the request runs to its end.
    counted: Option<TaskTrackerToken>,
}

impl Course {
    /// Starts a request on this course. If it runs to its end, `requests` counts it until then.
    pub(super) fn run<F: Answers<C>, C: Conclude>(
        self,
        requests: &TaskTracker,
        answering: F,
        conclusion: C,
    ) -> Running<F, C> {
        let counted = match self {
            Self::ToItsEnd => Some(requests.token()),
            Self::WithItsClient => None,
        };
        Running { request: Some(Request { answering, conclusion, counted }) }
    }
}

impl<F: Answers<C>, C: Conclude> Request<F, C> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<C::Answer, Panicked>> {
        // A panic ends this request, and leaves the other requests of the connection alone.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.answering).poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

impl<F: Answers<C>, C: Conclude> Future for Running<F, C> {
    type Output = C::Concluded;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Concluded> {
        let Some(request) = &mut self.request else { return Poll::Pending };
        let answered = ready!(request.poll(context));
        match self.request.take() {
            Some(request) => Poll::Ready(request.conclusion.conclude(answered)),
            None => Poll::Pending,
        }
    }
}

impl<F: Answers<C>, C: Conclude> Drop for Running<F, C> {
    fn drop(&mut self) {
        let Some(mut request) = self.request.take().filter(|request| request.counted.is_some()) else {
            return;
        };
        // Without a runtime the program itself is ending.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let answered = std::future::poll_fn(|context| request.poll(context)).await;
                let Request { conclusion, counted, .. } = request;
                conclusion.conclude(answered);
                drop(counted);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    /// Sends on the result of the request.
    struct Tell(oneshot::Sender<Result<u32, Panicked>>);

    impl Conclude for Tell {
        type Answer = u32;
        type Concluded = ();

        fn conclude(self, answered: Result<u32, Panicked>) {
            let _ = self.0.send(answered);
        }
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_goes_on_and_is_concluded() {
        let (requests, (sender, told)) = (TaskTracker::new(), oneshot::channel());
        let (go_on, waiting) = oneshot::channel::<()>();
        let answering = async move {
            let _ = waiting.await;
            7
        };
        let mut request = Course::ToItsEnd.run(&requests, Box::pin(answering), Tell(sender));
        let begun = tokio::time::timeout(Duration::from_millis(10), &mut request).await;
        assert!(begun.is_err());
        drop(request);
        requests.close();
        assert_eq!(requests.len(), 1);
        go_on.send(()).unwrap();
        assert_eq!(told.await, Ok(Ok(7)));
        requests.wait().await;
    }

    #[tokio::test]
    async fn a_request_that_ends_with_its_client_does_so_and_no_stop_waits() {
        let (requests, (sender, told)) = (TaskTracker::new(), oneshot::channel());
        let (held, dropped) = oneshot::channel::<()>();
        let answering = async move {
            let _held = held;
            std::future::pending().await
        };
        let mut request = Course::WithItsClient.run(&requests, Box::pin(answering), Tell(sender));
        let begun = tokio::time::timeout(Duration::from_millis(10), &mut request).await;
        assert!(begun.is_err());
        assert!(requests.is_empty());
        drop(request);
        assert!(dropped.await.is_err() && told.await.is_err());
    }

    #[tokio::test]
    async fn an_answer_is_handed_over_and_a_panic_is_told() {
        let requests = TaskTracker::new();
        for course in [Course::ToItsEnd, Course::WithItsClient] {
            let (sender, told) = oneshot::channel();
            course.run(&requests, Box::pin(async { 7 }), Tell(sender)).await;
            assert_eq!(told.await, Ok(Ok(7)));
            let (sender, told) = oneshot::channel();
            course.run(&requests, Box::pin(async { panic!("of the test") }), Tell(sender)).await;
            assert_eq!(told.await, Ok(Err(Panicked)));
        }
        assert!(requests.is_empty());
    }
}
