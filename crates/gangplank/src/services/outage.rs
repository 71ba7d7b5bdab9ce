//! A server that is out of reach for a while, for example for a restart. A command that waits for something
//! reports that, and continues when the server is back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::aws::call_failure::CallFailure;
use crate::http::retry;
use crate::terminal::output;
use crate::values::duration;

/// The longest time for which a server may be out of reach.
const LONGEST: Duration = Duration::from_mins(10);

/// Whether a server is out of reach, and since when.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    began: Option<Instant>,
    failed: u32,
}

impl Outage {
    /// The answer of a call. `None` if the server is out of reach; then a pause has passed.
    ///
    /// # Errors
    /// If the server refused, or is out of reach for too long.
    pub(crate) async fn patiently<T>(&mut self, answer: Result<T>) -> Result<Option<T>> {
        match answer {
            Ok(answer) => {
                if self.began.is_some() {
                    output::done("the server answers again");
                }
                *self = Self::default();
                Ok(Some(answer))
            }
            Err(failure) if failure.downcast_ref().is_some_and(CallFailure::may_pass) => {
                let since = *self.began.get_or_insert_with(|| {
                    output::done(format_args!("{failure}; goes on when the server answers again"));
                    Instant::now()
                });
                self.failed += 1;
                if since.elapsed() > LONGEST {
                    let away = duration::shown(LONGEST.as_secs());
                    return Err(failure).with_context(|| format!("gave up after {away} without an answer"));
                }
                tokio::time::sleep(retry::pause(self.failed)).await;
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}
