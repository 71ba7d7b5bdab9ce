//! The answer of a query or a rule, while its type is hidden from the code that runs it.

use std::sync::{Mutex, PoisonError};

use crate::{Result, StoreError};

/// The answer of the last run.
pub(super) struct Answer<T>(Mutex<Option<T>>);

impl<T> Answer<T> {
    pub(super) fn none() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) fn keep(&self, answer: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// Takes the answer of the run that counts.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the rule has not run.
    pub(super) fn take(&self) -> Result<T> {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer.ok_or_else(|| StoreError::damaged("something counts as done that did not run"))
    }
}
