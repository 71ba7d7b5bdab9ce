//! How often something is tried: no side of a connection decides alone when the other gives up.

use std::time::Duration;

use anyhow::{Result, bail};

use super::registry::Passing;
use crate::http::answers::SLOW_TRIES;
use crate::http::retry;

/// How often something is tried without getting any further.
const TRIES: u32 = 8;

/// The tries since something last got further.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failed: u32,
    slow: u32,
}

impl Tries {
    /// Notes a try that got no further; how long to wait until the next.
    ///
    /// # Errors
    /// If it was the last.
    pub(crate) fn failed(&mut self, fault: &Passing) -> Result<Duration> {
        self.failed += 1;
        self.slow += u32::from(fault.is_slow);
        if self.failed >= TRIES || self.slow >= SLOW_TRIES {
            bail!("gave up after {} attempts that got no further: {}", self.failed, fault.why);
        }
        Ok(fault.after.unwrap_or_else(|| retry::pause(self.failed)))
    }

    /// It got further.
    pub(crate) fn got_further(&mut self) {
        *self = Self::default();
    }
}
