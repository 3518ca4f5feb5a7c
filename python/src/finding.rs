//! Findings in tables, and tables without them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use arrow_array::builder::{Float32Builder, StringBuilder, UInt32Builder, UInt64Builder};
use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Field, Schema};
use liuhen_detect::{Detector, Options, RowScanner, mask};
use liuhen_document::{Header, Row, Text};
use liuhen_judge::{Remarks, SAMPLE, column_kinds};
use liuhen_kinds::Kind;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;
use pyo3_arrow::input::AnyRecordBatch;

use crate::cells;

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Keep,
    Mask,
    Label,
    Remove,
}

impl Way {
    fn parse(word: &str) -> PyResult<Self> {
        match word {
            "keep" => Ok(Self::Keep),
            "mask" => Ok(Self::Mask),
            "label" => Ok(Self::Label),
            "remove" => Ok(Self::Remove),
            _ => Err(PyValueError::new_err(
                "a finding is kept, masked, labelled or removed: \"keep\", \"mask\", \"label\", \"remove\"",
            )),
        }
    }
}

/// The ways of all kinds; `*` names those not named.
fn ways(asked: BTreeMap<String, String>) -> PyResult<(BTreeMap<Kind, Way>, Way)> {
    let mut rest = Way::Mask;
    let mut ways = BTreeMap::new();
    for (kind, word) in asked {
        let way = Way::parse(&word)?;
        if kind == "*" {
            rest = way;
            continue;
        }
        let kind = Kind::parse(&kind).map_err(|_| {
            PyValueError::new_err(format!("{kind:?} is no kind; see docs/detection.md"))
        })?;
        ways.insert(kind, way);
    }
    Ok((ways, rest))
}

/// Batches with their schema; all of them, since columns are judged by the first rows.
fn batches(data: AnyRecordBatch) -> PyResult<(Arc<Schema>, Vec<RecordBatch>)> {
    let reader: Box<dyn RecordBatchReader + Send> = data.into_reader()?;
    let schema = reader.schema();
    let all: Result<Vec<RecordBatch>, _> = reader.collect();
    let all = all.map_err(|_| PyValueError::new_err("the table ended with an error"))?;
    Ok((schema, all))
}

/// The first rows of a table.
fn sample(batches: &[RecordBatch]) -> PyResult<Vec<Row>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = cells::columns(batch)?;
        for at in 0..batch.num_rows().min(SAMPLE - rows.len()) {
            rows.push(cells::row(&columns, at, rows.len() as u64));
        }
    }
    Ok(rows)
}

/// What a column without a kind is called whose cells are searched when rows are counted.
pub(crate) const FREE_TEXT: &str = "free_text";

/// What searches cells, as the program's own count does: without the model.
pub(crate) static SEARCH: LazyLock<Detector> = LazyLock::new(|| {
    Detector::new(Options {
        model: false,
        ..Options::default()
    })
});

/// The kind of each column, where it has one, by its name and the first values; `free_text` for
/// one whose cells are searched.
#[pyfunction]
pub(crate) fn columns(
    header: Vec<String>,
    sample: Vec<Vec<Option<String>>>,
) -> Vec<Option<String>> {
    let header = Header(header);
    let cells = |row: Vec<Option<String>>| {
        row.into_iter()
            .map(|cell| Text::from(cell.unwrap_or_default()))
            .collect()
    };
    let rows: Vec<Row> = (0..)
        .zip(sample)
        .map(|(number, row)| Row {
            number,
            cells: cells(row),
        })
        .collect();
    let kinds = column_kinds(&header, &rows);
    let remarks = Remarks::of(&header, &kinds, &rows, &SEARCH);
    let mut names: Vec<Option<String>> = kinds
        .into_iter()
        .map(|kind| kind.map(|kind| kind.name().to_owned()))
        .collect();
    names.resize(names.len().max(header.len()), None);
    for at in remarks.iter().flat_map(Remarks::searched) {
        if let Some(name) = names.get_mut(*at) {
            *name = Some(FREE_TEXT.to_owned());
        }
    }
    names
}

/// Finds personal information in a table; answers row (from 0), column, kind, start and end in
/// characters, confidence.
#[pyfunction]
pub(crate) fn scan<'py>(py: Python<'py>, data: AnyRecordBatch) -> PyResult<Bound<'py, PyAny>> {
    let (_, all) = batches(data)?;
    let found = py.detach(|| findings(&all))?;
    PyTable::try_new(vec![found.clone()], found.schema())?.into_pyarrow(py)
}

fn findings(all: &[RecordBatch]) -> PyResult<RecordBatch> {
    let (mut row, mut column, mut kind) = (
        UInt64Builder::new(),
        StringBuilder::new(),
        StringBuilder::new(),
    );
    let (mut start, mut end, mut sure) = (
        UInt32Builder::new(),
        UInt32Builder::new(),
        Float32Builder::new(),
    );
    if let Some(first) = all.first() {
        let header = cells::header(first);
        let mut scanner = RowScanner::new(Detector::builtin(), &header, &sample(all)?);
        let short = |at: u64| u32::try_from(at).unwrap_or(u32::MAX);
        let mut number = 0;
        for batch in all {
            let columns = cells::columns(batch)?;
            for at in 0..batch.num_rows() {
                scanner.scan(&cells::row(&columns, at, number), &mut |place, found| {
                    row.append_value(number);
                    column.append_value(header.0.get(place).map_or("", String::as_str));
                    kind.append_value(found.hit.kind.name());
                    start.append_value(short(found.hit.span.chars.0));
                    end.append_value(short(found.hit.span.chars.1));
                    sure.append_value(found.hit.confidence);
                });
                number += 1;
            }
        }
    }
    let columns: [(&str, ArrayRef); 6] = [
        ("row", Arc::new(row.finish())),
        ("column", Arc::new(column.finish())),
        ("kind", Arc::new(kind.finish())),
        ("start", Arc::new(start.finish())),
        ("end", Arc::new(end.finish())),
        ("confidence", Arc::new(sure.finish())),
    ];
    RecordBatch::try_from_iter(columns)
        .map_err(|_| PyValueError::new_err("the findings could not be put together"))
}

/// The table with its findings masked, labelled or removed, by kind; columns in which something
/// was found come back as text.
#[pyfunction]
pub(crate) fn redact<'py>(
    py: Python<'py>,
    data: AnyRecordBatch,
    how: BTreeMap<String, String>,
) -> PyResult<Bound<'py, PyAny>> {
    let (ways, rest) = ways(how)?;
    let (schema, all) = batches(data)?;
    let (schema, safe) = py.detach(|| redacted(&schema, &all, &ways, rest))?;
    PyTable::try_new(safe, schema)?.into_pyarrow(py)
}

/// Cells that change, by column and row of their batch.
type Changed = BTreeMap<usize, BTreeMap<usize, String>>;

fn redacted(
    schema: &Schema,
    all: &[RecordBatch],
    ways: &BTreeMap<Kind, Way>,
    rest: Way,
) -> PyResult<(Arc<Schema>, Vec<RecordBatch>)> {
    let Some(first) = all.first() else {
        return Ok((Arc::new(schema.clone()), Vec::new()));
    };
    let header = cells::header(first);
    let mut scanner = RowScanner::new(Detector::builtin(), &header, &sample(all)?);
    let mut changed: Vec<Changed> = Vec::new();
    for batch in all {
        let columns = cells::columns(batch)?;
        let mut of_batch = Changed::new();
        for at in 0..batch.num_rows() {
            let row = cells::row(&columns, at, at as u64);
            let mut spans: BTreeMap<usize, Vec<(usize, usize, Kind)>> = BTreeMap::new();
            scanner.scan(&row, &mut |column, found| {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let (start, end) = found.hit.span.bytes;
                let span = (place(start), place(end), found.hit.kind);
                spans.entry(column).or_default().push(span);
            });
            for (column, spans) in spans {
                let cell = row.cells.get(column).map_or("", Text::as_str);
                if let Some(safe) = without(cell, spans, ways, rest) {
                    of_batch.entry(column).or_default().insert(at, safe);
                }
            }
        }
        changed.push(of_batch);
    }
    // A column is text in every batch or in none.
    let touched = |column: usize| changed.iter().any(|batch| batch.contains_key(&column));
    let fields = schema.fields().iter().enumerate();
    let fields: Vec<Arc<Field>> = fields
        .map(|(at, field)| match touched(at) {
            true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
            false => Arc::clone(field),
        })
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let mut safe = Vec::new();
    for (batch, changed) in all.iter().zip(&changed) {
        let columns = cells::columns(batch)?;
        let arrays = (0..columns.len()).map(|at| match touched(at) {
            false => Arc::clone(batch.column(at)),
            true => rewritten(&columns[at], batch, at, changed.get(&at)),
        });
        let made = RecordBatch::try_new(Arc::clone(&schema), arrays.collect());
        safe.push(made.map_err(|_| PyValueError::new_err("the table could not be put together"))?);
    }
    Ok((schema, safe))
}

fn rewritten(
    column: &cells::Column<'_>,
    batch: &RecordBatch,
    at: usize,
    changed: Option<&BTreeMap<usize, String>>,
) -> ArrayRef {
    let mut out = StringBuilder::new();
    let mut cell = String::new();
    for row in 0..batch.num_rows() {
        match changed.and_then(|changed| changed.get(&row)) {
            Some(safe) => out.append_value(safe),
            None if batch.column(at).is_null(row) => out.append_null(),
            None => {
                cell.clear();
                column.write(row, &mut cell);
                out.append_value(&cell);
            }
        }
    }
    Arc::new(out.finish())
}

/// A cell without its findings; `None` when all of them are kept.
fn without(
    cell: &str,
    mut spans: Vec<(usize, usize, Kind)>,
    ways: &BTreeMap<Kind, Way>,
    rest: Way,
) -> Option<String> {
    let way = |kind: Kind| ways.get(&kind).copied().unwrap_or(rest);
    spans.retain(|(_, _, kind)| way(*kind) != Way::Keep);
    spans.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    if spans.is_empty() {
        return None;
    }
    let (mut out, mut done) = (String::new(), 0);
    for (start, end, kind) in spans {
        // Of findings that overlap the first is shown as what it is, and nothing of the others.
        if start >= done {
            out.push_str(cell.get(done..start).unwrap_or(""));
            match way(kind) {
                Way::Mask => out.push_str(&mask(kind, cell.get(start..end).unwrap_or(""))),
                Way::Label => {
                    out.push('[');
                    out.push_str(kind.name());
                    out.push(']');
                }
                Way::Remove | Way::Keep => {}
            }
        }
        done = done.max(end);
    }
    out.push_str(cell.get(done..).unwrap_or(""));
    Some(out)
}
