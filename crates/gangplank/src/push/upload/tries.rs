//! Counts attempts to upload, and decides when to give up.

use std::time::Duration;

use anyhow::{Result, bail};

use super::registry::Passing;
use crate::http::answers::SLOW_TRIES;
use crate::http::retry;

/// The number of attempts without any progress.
const TRIES: u32 = 8;

/// The attempts since the last progress.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failed: u32,
    slow: u32,
}

impl Tries {
    /// Counts an attempt without progress. Returns the pause before the next one.
    ///
    /// # Errors
    /// If it was the last attempt.
    pub(crate) fn failed(&mut self, fault: &Passing) -> Result<Duration> {
        self.failed += 1;
        self.slow += u32::from(fault.is_slow);
        if self.failed >= TRIES || self.slow >= SLOW_TRIES {
            bail!("gave up after {} attempts that got no further: {}", self.failed, fault.why);
        }
        Ok(fault.after.unwrap_or_else(|| retry::pause(self.failed)))
    }

    /// Records that an attempt made progress.
    pub(crate) fn got_further(&mut self) {
        *self = Self::default();
    }
}
