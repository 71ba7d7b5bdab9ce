//! Requests that are answered to their end, whoever waits for the answer.
//!
//! hyper drops what it waits for when the client goes away, and a push dropped between its bytes and its
//! row, its session unlocked, is what the next request would stumble over. So what is dropped unfinished
//! goes on in a task of its own. As long as the client is there, its request runs in the connection's own
//! task: the pieces of a body then pass from one to the other without waking anybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The request panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// What is done with the answer of a request when it is there, also if nobody waits for it any more.
pub(super) trait Conclude: Send + Unpin + 'static {
    /// The answer.
    type Answer: Send + 'static;
    /// What becomes of it.
    type Concluded;

    /// Does it.
    fn conclude(self, answered: Result<Self::Answer, Panicked>) -> Self::Concluded;
}

/// Runs a request to its end, dropped or not.
pub(super) struct ToTheEnd<C: Conclude> {
    /// `None` when it is over.
    request: Option<Request<C>>,
}

struct Request<C: Conclude> {
    answering: Pin<Box<dyn Future<Output = C::Answer> + Send>>,
    conclusion: C,
    counted: TaskTrackerToken,
}

impl<C: Conclude> ToTheEnd<C> {
    /// A request that `requests` counts until it is over.
    pub(super) fn new(
        requests: &TaskTracker,
        answering: impl Future<Output = C::Answer> + Send + 'static,
        conclusion: C,
    ) -> Self {
        let request = Request { answering: Box::pin(answering), conclusion, counted: requests.token() };
        Self { request: Some(request) }
    }
}

impl<C: Conclude> Request<C> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<C::Answer, Panicked>> {
        // A panic must end this request and nothing else of its connection.
        match catch_unwind(AssertUnwindSafe(|| self.answering.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

impl<C: Conclude> Future for ToTheEnd<C> {
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

impl<C: Conclude> Drop for ToTheEnd<C> {
    fn drop(&mut self) {
        // Without a runtime the program is at its own end.
        if let Some(mut request) = self.request.take()
            && let Ok(runtime) = Handle::try_current()
        {
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

    /// Hands over what the request came to.
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
        let mut request = ToTheEnd::new(&requests, answering, Tell(sender));
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
    async fn an_answer_is_handed_over_and_a_panic_is_told() {
        let requests = TaskTracker::new();
        let (sender, told) = oneshot::channel();
        ToTheEnd::new(&requests, async { 7 }, Tell(sender)).await;
        assert_eq!(told.await, Ok(Ok(7)));
        let (sender, told) = oneshot::channel();
        ToTheEnd::new(&requests, async { panic!("of the test") }, Tell(sender)).await;
        assert_eq!(told.await, Ok(Err(Panicked)));
        assert!(requests.is_empty());
    }
}
