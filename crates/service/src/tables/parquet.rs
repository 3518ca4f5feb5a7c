//! A table as Parquet: every column text that may be missing, in the order of the table.
//!
//! Rule: <https://parquet.apache.org/docs/file-format/>, written by Apache's own crate. Equal rows give equal bytes.
//! No least and greatest values are written: catalogues copy what stands in a footer, and these would be somebody's.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;

use super::distinct;
use crate::error::{Result, ServiceError};

/// Bytes of cells that a group of rows gathers in memory before it is written.
const GROUP_BYTES: usize = 16 << 20;

/// Cells of one column of a group; the level of a cell is 0 where it is empty and 1 elsewhere.
#[derive(Default)]
struct Column {
    present: Vec<ByteArray>,
    levels: Vec<i16>,
}

/// Writes a table, a group of rows at a time.
pub(super) fn write<W: Write + Send>(
    out: W,
    header: &[String],
    rows: impl Iterator<Item = Result<Vec<String>>>,
) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_created_by("liuhen".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let schema = schema(header).map_err(failed)?;
    let mut file =
        SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    let (mut group, mut bytes) = (columns(header), 0);
    for row in rows {
        for (column, cell) in group.iter_mut().zip(row?) {
            bytes += cell.len() + 1;
            column.levels.push(i16::from(!cell.is_empty()));
            if !cell.is_empty() {
                column.present.push(ByteArray::from(cell.into_bytes()));
            }
        }
        if bytes > GROUP_BYTES {
            flush(&mut file, &group).map_err(failed)?;
            (group, bytes) = (columns(header), 0);
        }
    }
    if bytes > 0 {
        flush(&mut file, &group).map_err(failed)?;
    }
    let mut out = file.into_inner().map_err(failed)?;
    out.flush().map_err(ServiceError::io("write the table"))
}

fn schema(header: &[String]) -> std::result::Result<Type, ParquetError> {
    let text = |name: String| {
        Type::primitive_type_builder(&name, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::String))
            .build()
            .map(Arc::new)
    };
    let fields: std::result::Result<_, _> = distinct(header).into_iter().map(text).collect();
    Type::group_type_builder("table")
        .with_fields(fields?)
        .build()
}

fn columns(header: &[String]) -> Vec<Column> {
    header.iter().map(|_| Column::default()).collect()
}

fn flush<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    columns: &[Column],
) -> std::result::Result<(), ParquetError> {
    let mut group = file.next_row_group()?;
    for column in columns {
        let Some(mut writer) = group.next_column()? else {
            break;
        };
        writer
            .typed::<ByteArrayType>()
            .write_batch(&column.present, Some(&column.levels), None)?;
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

/// The library's own words may hold values.
fn failed(error: ParquetError) -> ServiceError {
    let source = match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(own) => *own,
            Err(_) => std::io::Error::other("the Parquet file could not be made"),
        },
        _ => std::io::Error::other("the Parquet file could not be made"),
    };
    ServiceError::Io {
        what: "write the table",
        source,
    }
}

#[cfg(test)]
mod tests {
    use liuhen_document::TableSource as _;

    use super::*;

    fn rows(count: usize) -> impl Iterator<Item = Result<Vec<String>>> {
        (0..count).map(|at| Ok(vec![format!("{at}"), "路".repeat(at % 3 * 40)]))
    }

    fn written(count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &["号", "地址"].map(str::to_owned), rows(count)).unwrap();
        out
    }

    #[test]
    fn several_groups_are_read_back_in_order() {
        let (count, mut seen) = (250_000, 0);
        let file = written(count);
        assert_eq!(file, written(count));
        let limits = liuhen_reading::Limits::default();
        let source = std::io::Cursor::new(file);
        let mut table = liuhen_reading::open(source, "a.parquet", &limits).unwrap();
        for (row, expected) in std::iter::from_fn(|| table.next_row()).zip(rows(count)) {
            let (row, expected) = (row.unwrap(), expected.unwrap());
            assert_eq!([row.cell(0), row.cell(1)], [&*expected[0], &*expected[1]]);
            seen += 1;
        }
        assert_eq!(seen, count);
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let limits = liuhen_reading::Limits::default();
        let source = std::io::Cursor::new(written(0));
        let mut table = liuhen_reading::open(source, "a.parquet", &limits).unwrap();
        assert!(table.next_row().is_none());
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = write(Full, &["号", "地址"].map(str::to_owned), rows(9)).unwrap_err();
        let ServiceError::Io { source, .. } = error else {
            panic!("not an error of writing");
        };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    }
}
