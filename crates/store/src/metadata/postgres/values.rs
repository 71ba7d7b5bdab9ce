//! Parameters and columns in the types of PostgreSQL.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::metadata::tx::{Cell, Cells, Kind, Value};
use crate::{Result, StoreError};

/// The type of a parameter. It is always sent, so that PostgreSQL never infers it.
pub(super) fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Integer(_) | Value::Null(Kind::Integer) => Type::INT8,
        Value::Fraction(_) | Value::Null(Kind::Fraction) => Type::FLOAT8,
        Value::Text(_) | Value::Null(Kind::Text) => Type::TEXT,
        Value::Bytes(_) | Value::Digest(_) | Value::Null(Kind::Bytes) => Type::BYTEA,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null(_) => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(&Type::INT8, out),
            Self::Fraction(number) => number.to_sql(&Type::FLOAT8, out),
            Self::Text(text) => text.as_ref().to_sql(&Type::TEXT, out),
            Self::Bytes(bytes) => bytes.as_ref().to_sql(&Type::BYTEA, out),
            Self::Digest(digest) => digest.as_bytes().to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Cells for tokio_postgres::Row {
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        let column = self.columns().get(index).ok_or_else(|| StoreError::damaged("a column is missing"))?;
        let cell = match *column.type_() {
            Type::INT8 => self.try_get::<_, Option<i64>>(index).map(|it| it.map(Cell::Integer)),
            Type::FLOAT8 => self.try_get::<_, Option<f64>>(index).map(|it| it.map(Cell::Fraction)),
            Type::INT4 => {
                self.try_get::<_, Option<i32>>(index).map(|it| it.map(|it| Cell::Integer(it.into())))
            }
            Type::BOOL => {
                self.try_get::<_, Option<bool>>(index).map(|it| it.map(|it| Cell::Integer(it.into())))
            }
            Type::TEXT | Type::VARCHAR => self.try_get::<_, Option<&str>>(index).map(|it| it.map(Cell::Text)),
            Type::BYTEA => self.try_get::<_, Option<&[u8]>>(index).map(|it| it.map(Cell::Bytes)),
            ref other => return Err(StoreError::damaged(format!("a column of type {other}"))),
        };
        Ok(cell.map_err(StoreError::damaged)?.unwrap_or(Cell::Null))
    }
}
