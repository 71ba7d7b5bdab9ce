//! A row that is kept after its query has ended.

use crate::metadata::tx::{Cell, Cells, Row};
use crate::{Result, StoreError};

/// The cells of a row.
pub(super) struct Kept(Vec<Owned>);

enum Owned {
    Null,
    Integer(i64),
    Fraction(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Kept {
    pub(super) fn of(row: &Row<'_>) -> Self {
        let cells = (0..).map_while(|at| row.cell(at).ok());
        Self(
            cells
                .map(|cell| match cell {
                    Cell::Null => Owned::Null,
                    Cell::Integer(number) => Owned::Integer(number),
                    Cell::Fraction(number) => Owned::Fraction(number),
                    Cell::Text(text) => Owned::Text(text.to_owned()),
                    Cell::Bytes(bytes) => Owned::Bytes(bytes.to_owned()),
                })
                .collect(),
        )
    }
}

impl Cells for Kept {
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        let cell = self.0.get(index).ok_or_else(|| StoreError::damaged("a column is missing"))?;
        Ok(match cell {
            Owned::Null => Cell::Null,
            Owned::Integer(number) => Cell::Integer(*number),
            Owned::Fraction(number) => Cell::Fraction(*number),
            Owned::Text(text) => Cell::Text(text),
            Owned::Bytes(bytes) => Cell::Bytes(bytes),
        })
    }
}
