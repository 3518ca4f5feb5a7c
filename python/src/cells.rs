//! Columns of Arrow as cells of text.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use liuhen_document::{Header, Row, Text};
use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, PyResult};

/// One column, whatever it holds.
pub(crate) enum Column<'a> {
    /// Strings, read where they lie.
    Text(&'a dyn Array),
    /// Numbers that a library widened to floats because some are missing; telephones among them.
    Float(&'a dyn Array),
    /// Anything else, written out.
    Other(ArrayFormatter<'a>, &'a dyn Array),
}

impl<'a> Column<'a> {
    fn of(array: &'a dyn Array, name: &str) -> PyResult<Self> {
        match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Self::Text(array)),
            DataType::Float32 | DataType::Float64 => Ok(Self::Float(array)),
            _ => {
                const OPTIONS: FormatOptions<'static> = FormatOptions::new();
                let shown = ArrayFormatter::try_new(array, &OPTIONS);
                let shown = shown.map_err(|_| unreadable(name))?;
                Ok(Self::Other(shown, array))
            }
        }
    }

    /// Writes a cell; a missing one is empty.
    pub(crate) fn write(&self, row: usize, out: &mut String) {
        use std::fmt::Write as _;
        match self {
            Self::Text(array) => out.push_str(text(*array, row)),
            Self::Float(array) if array.is_null(row) => {}
            Self::Float(array) => {
                let value = match array.data_type() {
                    DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)),
                    _ => array.as_primitive::<Float64Type>().value(row),
                };
                // pandas says "missing" so.
                if !value.is_nan() {
                    // Writing into a string cannot fail; whole numbers are written without a point.
                    let _ = write!(out, "{value}");
                }
            }
            Self::Other(_, array) if array.is_null(row) => {}
            Self::Other(shown, _) => {
                let _ = write!(out, "{}", shown.value(row));
            }
        }
    }
}

fn text(array: &dyn Array, row: usize) -> &str {
    if array.is_null(row) {
        return "";
    }
    match array.data_type() {
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        DataType::Utf8View => array.as_string_view().value(row),
        _ => array.as_string::<i32>().value(row),
    }
}

fn unreadable(name: &str) -> PyErr {
    PyValueError::new_err(format!("column {name:?}: its type cannot be shown as text"))
}

/// The columns of a batch.
pub(crate) fn columns(batch: &RecordBatch) -> PyResult<Vec<Column<'_>>> {
    let schema = batch.schema_ref().fields().iter();
    schema
        .zip(batch.columns())
        .map(|(field, array)| Column::of(array.as_ref(), field.name()))
        .collect()
}

/// The names above the columns.
pub(crate) fn header(batch: &RecordBatch) -> Header {
    let fields = batch.schema_ref().fields().iter();
    Header(fields.map(|field| field.name().clone()).collect())
}

/// A row of a batch with the number it is known by.
pub(crate) fn row(columns: &[Column<'_>], at: usize, number: u64) -> Row {
    let cells = columns.iter().map(|column| {
        let mut cell = String::new();
        column.write(at, &mut cell);
        Text::from(cell)
    });
    Row {
        number,
        cells: cells.collect(),
    }
}
