//! The parameters of statements.

use std::borrow::Cow;

use gangplank_core::{LoginId, ServiceId, Time};
use gangplank_oci::Digest;

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Null, with the kind that the parameter would have.
    Null(Kind),
    /// Numbers, times in milliseconds since 1970, and `0` or `1` for no and yes.
    Integer(i64),
    /// A floating-point number.
    Fraction(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// SQLite stores its printed form, PostgreSQL its bytes.
    Digest(Digest),
}

impl Value<'_> {
    /// A copy that borrows nothing.
    pub(crate) fn to_owned(&self) -> Value<'static> {
        match self {
            Self::Null(kind) => Value::Null(*kind),
            Self::Integer(number) => Value::Integer(*number),
            Self::Fraction(number) => Value::Fraction(*number),
            Self::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.clone().into_owned())),
            Self::Digest(digest) => Value::Digest(*digest),
        }
    }
}

/// The kind of a parameter. A null parameter has one, too, because PostgreSQL does not infer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Fraction,
    Text,
    Bytes,
}

/// Types with a fixed kind.
pub(crate) trait OfKind {
    const KIND: Kind;
}

/// Declares the kinds of some types.
macro_rules! of_kind {
    ($($kind:ident: $($type:ty),*;)*) => { $($(
        impl OfKind for $type {
            const KIND: Kind = Kind::$kind;
        }
    )*)* };
}

of_kind! {
    Integer: i64, i32, u32, bool, Time, LoginId, ServiceId;
    Fraction: f64;
    Text: &str, String, &String;
    Bytes: &[u8], &Vec<u8>, Digest;
}

/// The parameters of a statement: `values![tenant, name, now]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::metadata::tx::Value::from($value)),*] };
}

pub(crate) use values;

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Fraction(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<Time> for Value<'_> {
    fn from(value: Time) -> Self {
        Self::Integer(value.0)
    }
}

impl From<LoginId> for Value<'_> {
    fn from(value: LoginId) -> Self {
        Self::Integer(value.0)
    }
}

impl From<ServiceId> for Value<'_> {
    fn from(value: ServiceId) -> Self {
        Self::Integer(value.0)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl From<Digest> for Value<'_> {
    fn from(value: Digest) -> Self {
        Self::Digest(value)
    }
}

impl<'a, T: Into<Value<'a>> + OfKind> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null(T::KIND), Into::into)
    }
}

impl<'a, 'b: 'a> From<&'b Option<String>> for Value<'a> {
    fn from(value: &'b Option<String>) -> Self {
        value.as_ref().into()
    }
}

impl<'a> From<&Value<'a>> for Value<'a> {
    fn from(value: &Value<'a>) -> Self {
        value.clone()
    }
}
