//! Dumps of MySQL, PostgreSQL and SQLite as tables: `INSERT` of any number of rows, and `COPY`.
//!
//! Own reader, statement by statement and row by row, in constant memory: nothing is executed and
//! no other statement is understood. Columns are named by the statement, else by `CREATE TABLE`.
//! Whether a backslash escapes is told by the dump's maker: in MySQL it does, in the others it does
//! not, save in strings marked `E`. Values that are no literals stay as they are written.

mod words;

use std::collections::HashMap;
use std::io::Read;

use liuhen_document::{ProblemCode, Text};

use self::words::{Scan, Value, Words};
use crate::raw::RawRow;
use crate::unpack::{Flow, Step};
use crate::{Limits, ReadError, TextStream};

/// Bytes of a statement other than rows that are looked at.
const STATEMENT: usize = 1 << 20;
/// Tables whose columns and counts are remembered.
const TABLES: usize = 10_000;

/// Whether a text begins as a dump does.
pub(crate) fn is_dump(head: &[u8], name: &str) -> bool {
    let text = String::from_utf8_lossy(head);
    let begins = |word: &str| {
        text.lines().any(|line| {
            line.get(..word.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(word))
        })
    };
    let strong = begins("INSERT INTO ")
        || begins("CREATE TABLE ")
        || begins("COPY ") && text.contains("FROM stdin");
    strong || name.to_ascii_lowercase().ends_with(".sql")
}

/// What the text at hand belongs to.
enum Mode {
    Statements,
    /// Rows of an `INSERT`.
    Tuples,
    /// Lines of a `COPY`.
    Lines,
}

/// A dump being read.
pub(crate) struct Dump<R> {
    stream: TextStream<R>,
    buffer: String,
    at: usize,
    last: bool,
    mode: Mode,
    words: Words,
    known: HashMap<String, Known>,
    /// The table told of last, and its columns.
    table: Option<(String, Vec<String>)>,
    max_row: usize,
    max_cell: usize,
    over: bool,
}

#[derive(Default)]
struct Known {
    columns: Vec<String>,
    rows: u64,
}

impl<R: Read> Dump<R> {
    pub(crate) fn new(source: R, head: &[u8], limits: &Limits) -> Self {
        let head = String::from_utf8_lossy(head);
        let plain = [
            "PostgreSQL database dump",
            "PRAGMA foreign_keys",
            "FROM stdin;",
        ];
        Self {
            stream: TextStream::new(source, None),
            buffer: String::new(),
            at: 0,
            last: false,
            mode: Mode::Statements,
            words: Words {
                backslash: !plain.iter().any(|sign| head.contains(sign)),
            },
            known: HashMap::new(),
            table: None,
            max_row: limits.max_row_bytes,
            max_cell: limits.max_cell_bytes,
            over: false,
        }
    }

    /// Drops what was taken, then reads on; by doubling, so that a long row costs linear work.
    fn refill(&mut self) -> Result<(), ReadError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = (self.buffer.len() * 2).max(1);
        while !self.last && self.buffer.len() < wanted {
            let buffer = &mut self.buffer;
            let more = self.stream.pump(&mut |piece| buffer.push_str(piece));
            self.last = !more.map_err(ReadError::of)?;
        }
        Ok(())
    }

    /// Takes what comes next; nothing when more of the source is needed.
    fn next(&mut self) -> Option<Option<Step>> {
        match self.mode {
            Mode::Statements => self.statement(),
            Mode::Tuples => self.tuple(),
            Mode::Lines => self.line(),
        }
    }

    fn statement(&mut self) -> Option<Option<Step>> {
        let rest = &self.buffer[self.at..];
        let skipped = self.words.blanks(rest);
        if skipped > 0 {
            self.at += skipped;
            return Some(None);
        }
        if let Some(step) = self.insert() {
            return Some(step);
        }
        let rest = &self.buffer[self.at..];
        match self.words.statement(rest) {
            Scan::Whole(length) => {
                let statement = rest[..length].to_owned();
                self.at += length;
                Some(self.other(&statement))
            }
            // What is too long for a statement that matters is passed over in pieces.
            Scan::Open if rest.len() > STATEMENT || self.last && !rest.is_empty() => {
                self.at = self.buffer.len();
                Some(None)
            }
            Scan::Open => None,
        }
    }

    /// The head of an `INSERT`, up to its first row.
    fn insert(&mut self) -> Option<Option<Step>> {
        let rest = &self.buffer[self.at..];
        let head = self.words.insert(rest)?;
        self.at += head.length;
        self.mode = Mode::Tuples;
        Some(self.begin(head.table, head.columns))
    }

    /// A statement other than `INSERT`.
    fn other(&mut self, statement: &str) -> Option<Step> {
        if let Some((table, columns)) = self.words.create(statement) {
            if self.known.len() < TABLES {
                self.known.entry(table).or_default().columns = columns;
            }
            return None;
        }
        let (table, columns) = self.words.copy(statement)?;
        // The rest of the statement's own line is no row.
        let rest = &self.buffer[self.at..];
        let line = rest.find('\n').filter(|end| rest[..*end].trim().is_empty());
        self.at += line.map_or(0, |end| end + 1);
        self.mode = Mode::Lines;
        self.begin(table, columns)
    }

    /// Tells of a table, unless its rows simply go on.
    fn begin(&mut self, table: String, columns: Vec<String>) -> Option<Step> {
        let columns = if columns.is_empty() {
            self.known
                .get(&table)
                .map_or_else(Vec::new, |known| known.columns.clone())
        } else {
            columns
        };
        let now = Some((table, columns));
        if self.table == now {
            return None;
        }
        self.table = now;
        let (table, columns) = self.table.as_ref()?;
        Some(Step::Table {
            name: Some(table.clone()),
            columns: Some(columns.clone()),
            placed: columns.is_empty(),
        })
    }

    fn number(&mut self) -> u64 {
        let Some((table, _)) = &self.table else {
            return 0;
        };
        if self.known.len() >= TABLES && !self.known.contains_key(table) {
            return 2;
        }
        let known = self.known.entry(table.clone()).or_default();
        known.rows += 1;
        // The names of the columns count as row 1.
        known.rows + 1
    }

    fn row(&mut self, values: Vec<Value>) -> Step {
        let number = self.number();
        if values.iter().any(|value| value.text.len() > self.max_cell) {
            return Step::Spoiled(number, ProblemCode::CellTooLong);
        }
        let cells = values
            .into_iter()
            .map(|value| Text::from(value.text))
            .collect();
        Step::Row(RawRow { number, cells })
    }

    fn tuple(&mut self) -> Option<Option<Step>> {
        let rest = &self.buffer[self.at..];
        let skipped = self.words.blanks(rest);
        if skipped > 0 {
            self.at += skipped;
            return Some(None);
        }
        match rest.as_bytes().first()? {
            b',' => {
                self.at += 1;
                Some(None)
            }
            b'(' => match self.words.tuple(rest) {
                Some((values, length)) => {
                    self.at += length;
                    Some(Some(self.row(values)))
                }
                None if rest.len() > self.max_row || self.last => {
                    // It never closes within bounds: what follows cannot be told from its values.
                    self.at = self.buffer.len();
                    self.mode = Mode::Statements;
                    let number = self.number();
                    Some(Some(Step::Spoiled(number, ProblemCode::RowTooLong)))
                }
                None => None,
            },
            // The end, or what is to be done about rows that are there already.
            _ => {
                self.mode = Mode::Statements;
                Some(None)
            }
        }
    }

    fn line(&mut self) -> Option<Option<Step>> {
        let rest = &self.buffer[self.at..];
        let end = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(end) => end,
            None if self.last && !rest.is_empty() => rest.len(),
            None if rest.len() > self.max_row => {
                self.at = self.buffer.len();
                let number = self.number();
                return Some(Some(Step::Spoiled(number, ProblemCode::RowTooLong)));
            }
            None => return None,
        };
        let line = rest[..end].trim_end_matches('\r').to_owned();
        self.at += (end + 1).min(rest.len());
        if line == "\\." {
            self.mode = Mode::Statements;
            return Some(None);
        }
        let values = line.split('\t').map(words::copied).collect();
        Some(Some(self.row(values)))
    }
}

impl<R: Read + Send> Flow for Dump<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if self.over {
                return Ok(None);
            }
            match self.next() {
                Some(Some(step)) => return Ok(Some(step)),
                Some(None) => {}
                None if self.last => self.over = true,
                None => self.refill()?,
            }
        }
    }
}
