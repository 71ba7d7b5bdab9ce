//! The time until which certainly nobody else does the work, for callers who only need to know this time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time in which nobody else can have some work. Reading it takes no lock.
#[derive(Clone, Debug)]
pub(crate) struct Tenure(Arc<End>);

#[derive(Debug)]
struct End {
    begun: Instant,
    /// In nanoseconds after the beginning.
    after: AtomicU64,
}

impl Tenure {
    /// A time that ends at this moment, unless it is set to another moment.
    pub(crate) fn until(end: Instant) -> Self {
        let tenure = Self(Arc::new(End { begun: Instant::now(), after: AtomicU64::default() }));
        tenure.set(end);
        tenure
    }

    /// Lets it end at this moment.
    pub(crate) fn set(&self, end: Instant) {
        let after = end.saturating_duration_since(self.0.begun).as_nanos();
        self.0.after.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// The moment at which it ends.
    pub(crate) fn end(&self) -> Instant {
        self.0.begun + Duration::from_nanos(self.0.after.load(Ordering::Acquire))
    }

    /// Whether its end has come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over_for(Duration::ZERO)
    }

    /// Whether its end came at least this long ago.
    pub(crate) fn is_over_for(&self, long: Duration) -> bool {
        self.end() + long <= Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_and_can_be_set_again() {
        let second = Duration::from_secs(1);
        let tenure = Tenure::until(Instant::now() + second);
        let seen = tenure.clone();
        assert!(!seen.is_over());
        tokio::time::advance(second).await;
        assert!(seen.is_over() && !seen.is_over_for(second));
        tokio::time::advance(second).await;
        assert!(seen.is_over_for(second));
        tenure.set(Instant::now() + second);
        assert!(!seen.is_over());
        assert_eq!(seen.end(), Instant::now() + second);
        tenure.set(Instant::now() - 10 * second);
        assert!(seen.is_over(), "a moment before the beginning");
    }
}
