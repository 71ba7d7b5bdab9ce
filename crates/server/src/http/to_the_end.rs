//! Requests that are answered to their end, whoever waits for the answer.
//!
//! hyper drops what it waits for when the client goes away, and a push dropped between its bytes and its
//! row, its session unlocked, is what the next request would stumble over. So what is dropped unfinished
//! goes on in a task of its own. As long as the client is there, its request runs in the connection's own
//! task: the pieces of a body then pass from one to the other without waking anybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The request panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Runs a request to its end, dropped or not.
pub(super) struct ToTheEnd<T: Send + 'static> {
    /// `None` when it is over.
    request: Option<Request<T>>,
}

type Request<T> = (Pin<Box<dyn Future<Output = T> + Send>>, TaskTrackerToken);

impl<T: Send + 'static> ToTheEnd<T> {
    /// A request that `requests` counts until it is over.
    pub(super) fn new(requests: &TaskTracker, request: impl Future<Output = T> + Send + 'static) -> Self {
        Self { request: Some((Box::pin(request), requests.token())) }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((request, _)) = &mut self.request else { return Poll::Ready(Err(Panicked)) };
        // A panic must end this request and nothing else of its connection.
        let polled = catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(answer)) => Ok(answer),
            Err(_) => Err(Panicked),
        };
        self.request = None;
        Poll::Ready(ended)
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        // Without a runtime the program is at its own end.
        if let Some((request, counted)) = self.request.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                drop(request.await);
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

    #[tokio::test]
    async fn a_request_that_is_dropped_goes_on() {
        let (requests, (sender, ended)) = (TaskTracker::new(), oneshot::channel());
        let (go_on, waiting) = oneshot::channel::<()>();
        let mut request = ToTheEnd::new(&requests, async move {
            let _ = waiting.await;
            let _ = sender.send(());
        });
        let begun = tokio::time::timeout(Duration::from_millis(10), &mut request).await;
        assert!(begun.is_err());
        drop(request);
        requests.close();
        assert_eq!(requests.len(), 1);
        go_on.send(()).unwrap();
        ended.await.unwrap();
        requests.wait().await;
    }

    #[tokio::test]
    async fn an_answer_is_handed_over_and_a_panic_is_told() {
        let requests = TaskTracker::new();
        assert_eq!(ToTheEnd::new(&requests, async { 7 }).await, Ok(7));
        let request = ToTheEnd::<()>::new(&requests, async { panic!("of the test") });
        assert_eq!(request.await, Err(Panicked));
        assert!(requests.is_empty());
    }
}
