//! Rows of an answer, independent of the database.

use gangplank_core::{LoginId, ServiceId, Time};
use gangplank_oci::Digest;

use crate::{Result, StoreError};

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    /// A number, or a truth value as `0` or `1`.
    Integer(i64),
    Fraction(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// The columns of a row, implemented by an engine.
pub(crate) trait Cells {
    /// The column at `index`, from 0.
    fn cell(&self, index: usize) -> Result<Cell<'_>>;
}

/// A row of an answer.
pub(crate) struct Row<'a>(&'a dyn Cells);

impl<'a> Row<'a> {
    pub(crate) fn new(cells: &'a dyn Cells) -> Self {
        Self(cells)
    }

    /// The column at `index`, from 0, as it is.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there is none.
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'_>> {
        self.0.cell(index)
    }

    /// Reads the column at `index`, from 0.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the value is no `T`.
    pub(crate) fn get<T: FromCell>(&self, index: usize) -> Result<T> {
        T::from_cell(self.0.cell(index)?)
    }

    /// Borrows the text of the column at `index`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is no text.
    pub(crate) fn text(&self, index: usize) -> Result<&str> {
        match self.0.cell(index)? {
            Cell::Text(text) => Ok(text),
            other => Err(damaged("text", other)),
        }
    }
}

/// Types that can be read from a column.
pub(crate) trait FromCell: Sized {
    fn from_cell(cell: Cell<'_>) -> Result<Self>;
}

fn damaged(wanted: &str, found: Cell<'_>) -> StoreError {
    let found = match found {
        Cell::Null => "nothing".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Fraction(number) => number.to_string(),
        Cell::Text(text) => format!("{text:?}"),
        Cell::Bytes(bytes) => format!("{} bytes", bytes.len()),
    };
    StoreError::damaged(format!("{wanted} was expected where {found} stands"))
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        if cell == Cell::Null { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Integer(number) => Ok(number),
            other => Err(damaged("a number", other)),
        }
    }
}

/// Converts between the database's numbers, which have 64 bits and a sign, and other types.
macro_rules! from_integer {
    ($($kind:ty),*) => { $(
        impl FromCell for $kind {
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                i64::from_cell(cell)?.try_into().map_err(|_| damaged("another number", cell))
            }
        }
    )* };
}

from_integer!(i32, u32, u64, usize);

impl FromCell for f64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Fraction(number) => Ok(number),
            other => Err(damaged("a fraction", other)),
        }
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        Ok(i64::from_cell(cell)? != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text(text) => Ok(text.to_owned()),
            other => Err(damaged("text", other)),
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes.to_owned()),
            other => Err(damaged("bytes", other)),
        }
    }
}

impl<const N: usize> FromCell for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().map_err(|_| damaged("other bytes", cell)),
            other => Err(damaged("bytes", other)),
        }
    }
}

impl FromCell for Time {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(Self)
    }
}

impl FromCell for LoginId {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(Self)
    }
}

impl FromCell for ServiceId {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(Self)
    }
}

/// SQLite stores the printed form, PostgreSQL the bytes.
impl FromCell for Digest {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        let digest = match cell {
            Cell::Text(text) => text.parse().ok(),
            Cell::Bytes(bytes) => Self::from_bytes(bytes),
            _ => None,
        };
        digest.ok_or_else(|| damaged("a digest", cell))
    }
}

/// The printed form of a digest, for lists that need nothing else.
pub(crate) struct DigestText(pub(crate) String);

impl FromCell for DigestText {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text(text) => Ok(Self(text.to_owned())),
            cell => Digest::from_cell(cell).map(|digest| Self(digest.to_string())),
        }
    }
}
