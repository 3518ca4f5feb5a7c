//! Parquet as rows: columns by name, values as they are written for people.
//!
//! Rule: <https://parquet.apache.org/docs/file-format/>, read by Apache's own crate. What the file
//! says of its own sizes is looked over first (`guard`), and a panic of the library costs the file,
//! not the program. A value that is a list, a map or a structure is shown as JSON. Times are UTC.
//! Built with the feature `parquet`; without it such files are recognised and not read.

mod guard;
mod thrift;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{ChunkReader, FileReader as _, Length, SerializedFileReader};
use ::parquet::record::reader::RowIter;
use ::parquet::record::{Field, Row};
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;
use liuhen_document::{ProblemCode, Text};

use crate::raw::{Fault, RawRow, RawRows};
use crate::source::{Section, Shared, Source};
use crate::{Limits, ReadError};

/// Rows that the library takes out of the columns at once.
const BATCH: usize = 1_024;

/// A panic of the library is a sign of damage; what it says may repeat the file, so it is dropped.
const DAMAGED: ReadError = ReadError::DamagedFile { what: "Parquet" };

/// What the library reads from.
struct Chunks {
    source: Shared,
    length: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = std::io::BufReader<Section>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let left = self.length.saturating_sub(start);
        Ok(std::io::BufReader::new(self.source.section(start, left)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let found = guard::bytes(&self.source, start, length as u64);
        found
            .map(Bytes::from)
            .map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Rows of a Parquet file.
pub(crate) struct ParquetRows {
    /// `None` once they are through.
    rows: Option<RowIter<'static>>,
    header: Option<Vec<Text>>,
    /// Per column, whether its whole numbers are nanoseconds since 1970, which the library leaves as they are.
    nanoseconds: Vec<bool>,
    number: u64,
    count: u64,
    length: u64,
    /// Bytes of cells that may still come.
    budget: u64,
    limits: Limits,
}

impl ParquetRows {
    pub(crate) fn open(
        source: Box<dyn Source>,
        length: u64,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let source = Shared::new(source);
        guard::footer(&source, length)?;
        let chunks = Chunks {
            source: source.clone(),
            length,
        };
        let file = guarded(|| SerializedFileReader::new(chunks))?.map_err(refused)?;
        let metadata = file.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let columns = schema.root_schema().get_fields();
        if schema.num_columns().max(columns.len()) > limits.max_columns {
            return Err(ReadError::TooManyColumns {
                limit: limits.max_columns,
            });
        }
        if columns.is_empty() {
            return Err(ReadError::Empty);
        }
        let names: Vec<Text> = columns.iter().map(|c| Text::from(c.name())).collect();
        let nanoseconds = columns.iter().map(|c| counts_nanoseconds(c)).collect();
        for group in metadata.row_groups() {
            check_group(&source, length, group, schema, limits)?;
        }
        let count = metadata
            .row_groups()
            .iter()
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .fold(0, u64::saturating_add);
        let rows = guarded(|| RowIter::from_file_into(Box::new(file)).with_batch_size(BATCH))?;
        Ok(Self {
            rows: Some(rows),
            header: Some(names),
            nanoseconds,
            number: 1,
            count,
            length,
            budget: limits.max_unpacked_bytes,
            limits: limits.clone(),
        })
    }

    fn row(&mut self, row: Row) -> Result<RawRow, Fault> {
        let mut cells = Vec::with_capacity(row.len());
        for (column, (_, field)) in row.into_columns().into_iter().enumerate() {
            let nanoseconds = self.nanoseconds.get(column) == Some(&true);
            let cell = match field {
                Field::Long(value) if nanoseconds => moment(value),
                field => shown(field),
            };
            let problem = if cell.len() > self.limits.max_cell_bytes {
                Some(ProblemCode::CellTooLong)
            } else {
                cell.contains('\0').then_some(ProblemCode::NulByte)
            };
            self.budget = match self.budget.checked_sub(cell.len() as u64 + 1) {
                Some(left) => left,
                None => return Err(self.end(self.too_large())),
            };
            if let Some(reason) = problem {
                return Err(Fault::row(self.number, Some(column), reason));
            }
            cells.push(Text::from(cell));
        }
        Ok(RawRow {
            number: self.number,
            cells,
        })
    }

    fn too_large(&self) -> ReadError {
        ReadError::TooLarge {
            budget: self.limits.max_unpacked_bytes,
        }
    }

    fn end(&mut self, error: ReadError) -> Fault {
        self.rows = None;
        Fault::end(self.number, error)
    }
}

impl RawRows for ParquetRows {
    fn next_raw(&mut self) -> Option<Result<RawRow, Fault>> {
        if let Some(cells) = self.header.take() {
            return Some(Ok(RawRow { number: 1, cells }));
        }
        let rows = self.rows.as_mut()?;
        self.number += 1;
        match guarded(|| rows.next()) {
            // The library cannot show a date that lies outside its calendar.
            Ok(Some(Ok(row))) => Some(
                guarded(|| self.row(row))
                    .unwrap_or_else(|_| Err(Fault::row(self.number, None, ProblemCode::Malformed))),
            ),
            Ok(Some(Err(error))) => Some(Err(self.end(refused(error)))),
            Ok(None) => {
                self.rows = None;
                None
            }
            Err(error) => Some(Err(self.end(error))),
        }
    }

    /// Columns are not read from front to end, so this is the share of the rows.
    fn progress(&self) -> (u64, u64) {
        let done = match self.rows {
            Some(_) if self.count > 0 => {
                let share = u128::from(self.length) * u128::from(self.number - 1);
                let done = share / u128::from(self.count);
                u64::try_from(done).unwrap_or(self.length).min(self.length)
            }
            _ => self.length,
        };
        (done, self.length)
    }

    fn cells_are_placed(&self) -> bool {
        true
    }

    fn columns_are_stated(&self) -> bool {
        true
    }
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| DAMAGED)
}

/// The library's own words may hold values; only what kind of trouble it was is kept.
fn refused(error: ParquetError) -> ReadError {
    match error {
        ParquetError::NYI(_) => ReadError::UnknownFormat {
            looks_like: Some("Parquet with a feature that is not read"),
        },
        ParquetError::External(inner) => match inner.downcast::<ReadError>() {
            Ok(own) => *own,
            Err(_) => DAMAGED,
        },
        _ => DAMAGED,
    }
}

fn check_group(
    source: &Shared,
    length: u64,
    group: &RowGroupMetaData,
    schema: &SchemaDescriptor,
    limits: &Limits,
) -> Result<(), ReadError> {
    if group.num_columns() != schema.num_columns() || group.num_rows() < 0 {
        return Err(DAMAGED);
    }
    for column in group.columns() {
        // The library's `byte_range` panics on what is below zero.
        let first = column
            .dictionary_page_offset()
            .unwrap_or_else(|| column.data_page_offset());
        let start = u64::try_from(first).map_err(|_| DAMAGED)?;
        let size = u64::try_from(column.compressed_size()).map_err(|_| DAMAGED)?;
        if start.checked_add(size).is_none_or(|end| end > length) {
            return Err(DAMAGED);
        }
        guard::pages(source, start, size, limits)?;
    }
    Ok(())
}

fn counts_nanoseconds(column: &::parquet::schema::types::Type) -> bool {
    let logical = column.get_basic_info().logical_type_ref();
    column.is_primitive()
        && matches!(logical, Some(LogicalType::Timestamp(stamp)) if stamp.unit == TimeUnit::NANOS)
}

/// Nanoseconds since 1970 as a date and a time, with a fraction of as many digits as it needs.
fn moment(nanoseconds: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    let seconds = nanoseconds.div_euclid(SECOND);
    let fraction = nanoseconds.rem_euclid(SECOND);
    let whole = plain(Field::TimestampMillis(seconds * 1_000));
    let mut text = whole.trim_end_matches(".000").to_owned();
    if fraction > 0 {
        // Writing into a string cannot fail.
        let _ = write!(text, ".{fraction:09}");
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// A value as a cell shows it.
fn shown(field: Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text,
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            // Many writers leave out that their bytes are text.
            Ok(text) => text.to_owned(),
            Err(_) => bytes.data().iter().fold("0x".to_owned(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
        },
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => {
            json(&field).to_string()
        }
        // The library writes these with an exponent.
        Field::Float(value) => value.to_string(),
        Field::Double(value) => value.to_string(),
        other => plain(other),
    }
}

/// A value that is neither text nor made of others, as the library writes it.
fn plain(field: Field) -> String {
    let text = field.to_string();
    match field {
        Field::TimestampMillis(_) | Field::TimestampMicros(_) => {
            let text = text.trim_end_matches(" +00:00");
            text.trim_end_matches(".000000")
                .trim_end_matches(".000")
                .to_owned()
        }
        Field::TimeMillis(_) | Field::TimeMicros(_) => text
            .trim_end_matches(".000000")
            .trim_end_matches(".000")
            .to_owned(),
        _ => text,
    }
}

/// A value made of others as JSON, its parts in the order of the file.
fn json(field: &Field) -> String {
    // Strings always serialise.
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let pair = |name: &str, field: &Field| format!("{}:{}", quoted(name), json(field));
    match field {
        Field::Null => "null".to_owned(),
        Field::Bool(_)
        | Field::Byte(_)
        | Field::Short(_)
        | Field::Int(_)
        | Field::Long(_)
        | Field::UByte(_)
        | Field::UShort(_)
        | Field::UInt(_)
        | Field::ULong(_) => field.to_string(),
        Field::Double(value) if value.is_finite() => value.to_string(),
        Field::Group(row) => {
            let pairs: Vec<String> = row.get_column_iter().map(|(n, f)| pair(n, f)).collect();
            format!("{{{}}}", pairs.join(","))
        }
        Field::ListInternal(list) => {
            let items: Vec<String> = list.elements().iter().map(json).collect();
            format!("[{}]", items.join(","))
        }
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            let pairs: Vec<String> = entries.map(|(k, v)| pair(&shown(k.clone()), v)).collect();
            format!("{{{}}}", pairs.join(","))
        }
        other => quoted(&shown(other.clone())),
    }
}
