//! A value on its way from one database to the other.

use gangplank_oci::Digest;

use crate::metadata::tx::{Cell, FromCell as _, Kind, Value};
use crate::{Result, StoreError};

/// The kind of value that a column contains in both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Integer,
    Fraction,
    Text,
    Bytes,
    /// SQLite stores the printed form, PostgreSQL the bytes.
    Digest,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Null(Kind),
    Integer(i64),
    Fraction(f64),
    Text(String),
    Bytes(Vec<u8>),
    Digest(Digest),
}

impl Content {
    /// The kind of value in a column that has these types in SQLite and PostgreSQL.
    pub(super) fn of(sqlite: &str, postgres: &str) -> Option<Self> {
        Some(match (sqlite, postgres) {
            ("INTEGER", "bigint") => Self::Integer,
            ("REAL", "double precision") => Self::Fraction,
            ("TEXT", "text") => Self::Text,
            ("BLOB", "bytea") => Self::Bytes,
            ("TEXT", "bytea") => Self::Digest,
            _ => return None,
        })
    }

    /// The kind of a parameter that has such a value.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Integer => Kind::Integer,
            Self::Fraction => Kind::Fraction,
            Self::Text => Kind::Text,
            Self::Bytes | Self::Digest => Kind::Bytes,
        }
    }
}

impl Field {
    pub(super) fn read(content: Content, cell: Cell<'_>) -> Result<Self> {
        Ok(match (content, cell) {
            (content, Cell::Null) => Self::Null(content.kind()),
            (Content::Integer, Cell::Integer(number)) => Self::Integer(number),
            (Content::Fraction, Cell::Fraction(number)) => Self::Fraction(number),
            (Content::Text, Cell::Text(text)) => Self::Text(text.to_owned()),
            (Content::Bytes, Cell::Bytes(bytes)) => Self::Bytes(bytes.to_owned()),
            (Content::Digest, cell) => Self::Digest(Digest::from_cell(cell)?),
            (content, _) => {
                return Err(StoreError::damaged(format!("a column of {content:?} has another value")));
            }
        })
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Null(kind) => Value::Null(*kind),
            Self::Integer(number) => Value::Integer(*number),
            Self::Fraction(number) => Value::Fraction(*number),
            Self::Text(text) => Value::from(text),
            Self::Bytes(bytes) => Value::from(bytes),
            Self::Digest(digest) => Value::Digest(*digest),
        }
    }
}
