//! The types of Arrow as types of the database.

use std::sync::Arc;

use cliptune_store::sql_name;
use duckdb::arrow::array::{Array, ArrayRef};
use duckdb::arrow::compute::{CastOptions, cast_with_options};
use duckdb::arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use duckdb::arrow::error::ArrowError;

/// A type of which the database can take columns.
pub(super) struct Plain {
    arrow: DataType,
    /// The type in SQL.
    pub(super) sql: String,
}

impl Plain {
    /// Returns the type that a column is read as: dictionaries and runs as their values, all else as it is.
    pub(super) fn of(name: &str, written: &DataType) -> Result<Self, String> {
        let arrow = plain(written);
        let sql = sql(&arrow)
            .ok_or_else(|| format!("the column {name} has the type {written}, which is not read"))?;
        Ok(Self { arrow, sql })
    }

    /// Returns a column in this type. A value that does not fit is an error.
    pub(super) fn made_of(&self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match *column.data_type() == self.arrow {
            true => Ok(Arc::clone(column)),
            false => {
                cast_with_options(column, &self.arrow, &CastOptions { safe: false, ..CastOptions::default() })
            }
        }
    }
}

fn plain(written: &DataType) -> DataType {
    match written {
        DataType::Dictionary(_, of) => plain(of),
        DataType::RunEndEncoded(_, of) => plain(of.data_type()),
        DataType::Null | DataType::LargeUtf8 | DataType::Utf8View | DataType::Decimal256(..) => {
            DataType::Utf8
        }
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Float16 => DataType::Float32,
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Duration(_) | DataType::Interval(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::List(of)
        | DataType::LargeList(of)
        | DataType::ListView(of)
        | DataType::LargeListView(of)
        | DataType::FixedSizeList(of, _) => DataType::List(field(of)),
        DataType::Struct(of) => DataType::Struct(of.iter().map(field).collect::<Fields>()),
        DataType::Map(of, is_sorted) => DataType::Map(field(of), *is_sorted),
        other => other.clone(),
    }
}

fn field(written: &FieldRef) -> FieldRef {
    Arc::new(Field::new(written.name(), plain(written.data_type()), written.is_nullable()))
}

fn sql(plain: &DataType) -> Option<String> {
    let sql = match plain {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 => "VARCHAR",
        DataType::Binary => "BLOB",
        DataType::Timestamp(TimeUnit::Second, None) => "TIMESTAMP_S",
        DataType::Timestamp(TimeUnit::Millisecond, None) => "TIMESTAMP_MS",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP",
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "TIMESTAMP_NS",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Date32 => "DATE",
        DataType::Time64(_) => "TIME",
        DataType::Interval(_) => "INTERVAL",
        DataType::Decimal32(width, scale)
        | DataType::Decimal64(width, scale)
        | DataType::Decimal128(width, scale) => {
            return (*scale >= 0 && scale.cast_unsigned() <= *width)
                .then(|| format!("DECIMAL({width},{scale})"));
        }
        DataType::List(of) => return Some(format!("{}[]", sql(of.data_type())?)),
        DataType::Struct(fields) => return structure(fields),
        DataType::Map(entries, _) => return map(entries.data_type()),
        _ => return None,
    };
    Some(sql.to_owned())
}

fn structure(fields: &Fields) -> Option<String> {
    let one = |field: &FieldRef| Some(format!("{} {}", sql_name(field.name()), sql(field.data_type())?));
    let fields = fields.iter().map(one).collect::<Option<Vec<String>>>()?;
    (!fields.is_empty()).then(|| format!("STRUCT({})", fields.join(", ")))
}

fn map(entries: &DataType) -> Option<String> {
    match entries {
        DataType::Struct(fields) if fields.len() == 2 => {
            Some(format!("MAP({}, {})", sql(fields[0].data_type())?, sql(fields[1].data_type())?))
        }
        _ => None,
    }
}
