//! Values that go into statements and rows that come out, alike for both databases.

use anyhow::{Context, Result};
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::borrow::Cow;

/// A value bound to a statement. Columns are text, bigint or bytea.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Blob(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    /// PostgreSQL keeps no NUL in a text. Nothing that is stored has one, so what is looked for with one is not
    /// found, on either database.
    fn from(value: &'a str) -> Self {
        Value::Text(match value.contains('\0') {
            true => Cow::Owned(value.replace('\0', "\u{FFFD}")),
            false => Cow::Borrowed(value),
        })
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::from(value.as_str())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Value::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Value::Blob(value)
    }
}

impl From<crate::Timestamp> for Value<'_> {
    fn from(value: crate::Timestamp) -> Self {
        Value::Int(value.ms())
    }
}

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Value::from)
    }
}

/// Lists the values of a statement's `$1, $2, …`: `values![pool_id, now, None::<i64>]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::Value::from($value)),*] };
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(ty, out),
            Value::Text(value) => value.as_ref().to_sql(ty, out),
            Value::Blob(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INT8 || *ty == Type::BYTEA || <&str as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

/// A row that a query gave; columns count from 0.
pub enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, column: usize) -> Result<$type> {
            self.$optional(column)?.with_context(|| format!("column {column} is null"))
        }

        pub fn $optional(&self, column: usize) -> Result<Option<$type>> {
            Ok(match self {
                Row::Sqlite(row) => row.get(column)?,
                Row::Postgres(row) => row.try_get(column)?,
            })
        }
    };
}

impl Row<'_> {
    column!(text, opt_text, String);
    column!(int, opt_int, i64);
    column!(blob, opt_blob, Vec<u8>);

    pub fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub fn time(&self, column: usize) -> Result<crate::Timestamp> {
        self.int(column).map(crate::Timestamp::from_ms)
    }

    pub fn opt_time(&self, column: usize) -> Result<Option<crate::Timestamp>> {
        Ok(self.opt_int(column)?.map(crate::Timestamp::from_ms))
    }
}
