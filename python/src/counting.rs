//! A count taken apart: rows become keys, keys of a partition sums and lines, sums a report.

use liuhen_document::Header;
use liuhen_forensics::apart::{self, Table};
use liuhen_forensics::{Acts, Batch, Case, Day, HashKey, Plan, Rules, TableHead, Unit};
use liuhen_judge::{Remarks, Validators};
use liuhen_kinds::Kind;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::PyRecordBatch;

use crate::cells;
use crate::finding::{FREE_TEXT, SEARCH};

static JUDGE: Validators = Validators;

/// A key of 16 random bytes.
#[pyfunction]
pub(crate) fn new_key(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)
        .map_err(|_| PyRuntimeError::new_err("the system gives no random numbers"))?;
    Ok(PyBytes::new(py, &key))
}

fn key_of(bytes: &[u8]) -> PyResult<HashKey> {
    let key = bytes.try_into();
    key.map(HashKey)
        .map_err(|_| PyValueError::new_err("a key has 16 bytes"))
}

fn day_of(date: Option<&str>) -> PyResult<Day> {
    let date = date.unwrap_or(&Rules::builtin().date);
    Day::parse(date).ok_or_else(|| PyValueError::new_err("a date is written YYYY-MM-DD"))
}

/// Judges rows of one table.
#[pyclass]
pub(crate) struct Mapper {
    mapper: apart::Mapper<'static>,
    table: Table,
    unit: usize,
    /// Columns of free text, where there are any.
    remarks: Option<Remarks>,
}

#[pymethods]
impl Mapper {
    /// `unit` is the place of the table among all, `kinds` what `columns` answers.
    #[new]
    #[pyo3(signature = (unit, header, kinds, key, date=None))]
    fn new(
        unit: usize,
        header: Vec<String>,
        kinds: Vec<Option<String>>,
        key: &[u8],
        date: Option<&str>,
    ) -> PyResult<Self> {
        let free = |(at, name): (usize, &Option<String>)| {
            (name.as_deref() == Some(FREE_TEXT)).then_some(at)
        };
        let searched: Vec<usize> = kinds.iter().enumerate().filter_map(free).collect();
        let kind = |name: Option<String>| {
            let name = name.filter(|name| name != FREE_TEXT);
            name.map(|name| Kind::parse(&name)).transpose()
        };
        let kinds: Result<Vec<_>, _> = kinds.into_iter().map(kind).collect();
        let mut kinds = kinds.map_err(|_| PyValueError::new_err("one of the kinds is none"))?;
        kinds.resize(kinds.len().max(header.len()), None);
        let remarks = Remarks::searching(kinds.clone(), searched);
        let rules = Rules::builtin();
        let head = TableHead {
            header: Header(header),
            kinds,
            ..TableHead::default()
        };
        Ok(Self {
            mapper: apart::Mapper::new(rules, &JUDGE, key_of(key)?, day_of(date)?),
            table: Table::new(&head, rules),
            unit,
            remarks,
        })
    }

    /// Judges the rows of a batch, the first of which is row `first` of the table.
    fn rows(&mut self, py: Python<'_>, batch: PyRecordBatch, first: u64) -> PyResult<()> {
        let batch = batch.into_inner();
        py.detach(|| {
            let columns = cells::columns(&batch)?;
            let (mut rows, mut texts) = (Batch::default(), vec![String::new(); columns.len()]);
            for (at, number) in (0..batch.num_rows()).zip(first..) {
                for (column, text) in columns.iter().zip(&mut texts) {
                    text.clear();
                    column.write(at, text);
                }
                let cells = texts.iter().map(String::as_str);
                match &mut self.remarks {
                    Some(remarks) => remarks.row(cells, &SEARCH, &mut rows),
                    None => cells.for_each(|cell| rows.cell(cell)),
                }
                rows.row(number);
                if rows.is_full() {
                    self.mapper.rows(self.unit, &self.table, &rows);
                    rows.clear();
                }
            }
            self.mapper.rows(self.unit, &self.table, &rows);
            Ok(())
        })
    }

    /// Notes rows that could not be read.
    fn faults(&mut self, numbers: Vec<u64>) {
        let mut rows = Batch::default();
        numbers.into_iter().for_each(|number| rows.fault(number));
        self.mapper.rows(self.unit, &self.table, &rows);
    }

    /// Keys gathered since the last time: partition, bytes.
    fn keys<'py>(&mut self, py: Python<'py>) -> Vec<(usize, Bound<'py, PyBytes>)> {
        let keys = self.mapper.keys().into_iter();
        keys.map(|keys| (keys.part, PyBytes::new(py, &keys.bytes)))
            .collect()
    }

    /// Rows counted so far, for `total`.
    fn counts(&self) -> PyResult<String> {
        self.mapper.counts().map_err(failed)
    }
}

fn failed(error: liuhen_forensics::CountError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// Lines of the ledger, each with bytes to sort by.
type Lines<'py> = Vec<(Bound<'py, PyBytes>, String)>;

/// Sums of one partition, and its lines of the ledger as JSON, each with bytes to sort by.
#[pyfunction]
pub(crate) fn merge<'py>(
    py: Python<'py>,
    keys: Vec<Bound<'py, PyBytes>>,
    files: Vec<String>,
    ledger: bool,
) -> PyResult<(String, Lines<'py>)> {
    let keys: Vec<Vec<u8>> = keys.iter().map(|keys| keys.as_bytes().to_vec()).collect();
    let part = py
        .detach(|| {
            let keys = keys.iter().map(Vec::as_slice);
            apart::merge(Rules::builtin(), &Acts::default(), ledger, &files, keys)
        })
        .map_err(failed)?;
    let lines = part.lines.into_iter().map(|(order, entry)| {
        let line = serde_json::to_string(&entry);
        let line = line.map_err(|_| PyRuntimeError::new_err("a line of the ledger"))?;
        Ok((PyBytes::new(py, &order), line))
    });
    Ok((part.sums, lines.collect::<PyResult<_>>()?))
}

/// The report, as JSON.
#[pyfunction]
#[pyo3(signature = (files, counts, sums, date=None))]
pub(crate) fn total(
    files: Vec<String>,
    counts: Vec<String>,
    sums: Vec<String>,
    date: Option<&str>,
) -> PyResult<String> {
    let unit = |path: String| Unit {
        path,
        bytes: 0,
        changed_ns: 0,
    };
    let plan = Plan {
        units: files.into_iter().map(unit).collect(),
        rules: Rules::builtin(),
        key: HashKey([0; 16]),
        jobs: 1,
        date: day_of(date)?,
        acts: Acts::default(),
        ledger: false,
        reading: String::new(),
        sight: None,
        work: std::path::PathBuf::new(),
    };
    let counted = apart::total(plan, &counts, &sums).map_err(failed)?;
    serde_json::to_string(&counted.report(&Case::default()))
        .map_err(|_| PyRuntimeError::new_err("the report could not be written"))
}
