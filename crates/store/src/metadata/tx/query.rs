//! A query with the function that reads its rows.

use super::{Row, Value};
use crate::Result;

/// A text, its parameters, and the function that reads a row of the answer.
pub(crate) struct Query<'a, T> {
    pub(super) text: &'a str,
    pub(super) values: Vec<Value<'a>>,
    pub(super) read: fn(&Row<'_>) -> Result<T>,
}

impl<'a, T> Query<'a, T> {
    pub(crate) fn new(
        text: &'a str,
        values: impl Into<Vec<Value<'a>>>,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Self {
        Self { text, values: values.into(), read }
    }
}

impl<'a, T: super::FromCell> Query<'a, T> {
    /// A query whose rows have one column.
    pub(crate) fn column(text: &'a str, values: impl Into<Vec<Value<'a>>>) -> Self {
        Self::new(text, values, |row| row.get(0))
    }
}
