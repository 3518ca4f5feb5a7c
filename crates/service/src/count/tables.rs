//! A path becomes tables: the one place where more formats come in.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::PathBuf;

use liuhen_detect::columns::{ColumnGuess, guess};
use liuhen_detect::{Detector, Options};
use liuhen_document::{Header, Row, TableSource as _};
use liuhen_forensics::{Batch, Exhibit, Exhibits, Step, TableHead, Unit, Unread};
use liuhen_kinds::{Kind, Lang, RulePack};
use liuhen_reading::{
    self as reading, Format, HeaderChoice, Limits, Line, Nature, ReadError, SheetChoice, Table,
    TextStream, nature,
};
use sha2::{Digest as _, Sha256};

use crate::scan::{HeaderRow, Reason, header_of, names, names_columns};

/// Bytes that a file's nature is judged by.
const HEAD: u64 = 64 << 10;
/// Rows by which columns are judged.
const SAMPLE: usize = 1000;
/// Bytes of a line of running text after which it is cut into two.
const LONGEST_LINE: usize = 1 << 20;
/// Bytes read at a time for a digest.
const CHUNK: usize = 256 << 10;

/// The files of a count, each where it lies.
#[derive(Debug)]
pub(super) struct Files {
    /// Paths as the system knows them, in the order of the units.
    pub(super) paths: std::collections::HashMap<String, PathBuf>,
    databases: super::databases::Tables,
    detector: Detector,
}

impl Files {
    pub(super) fn new(
        paths: std::collections::HashMap<String, PathBuf>,
        databases: super::databases::Tables,
    ) -> Self {
        let options = Options {
            model: false,
            ..Options::default()
        };
        Self {
            paths,
            databases,
            detector: Detector::new(options),
        }
    }

    fn file(&self, unit: &Unit) -> Result<File, Unread> {
        let path = self.paths.get(&unit.path);
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        path.ok_or_else(missing)
            .and_then(File::open)
            .map_err(|error| unread(&Reason::from(&error)))
    }
}

fn unread(reason: &Reason) -> Unread {
    Unread {
        code: reason.code().to_owned(),
        text: reason.text(Lang::En),
    }
}

fn of_reader(error: &ReadError) -> Unread {
    unread(&Reason::from(error))
}

impl Exhibits for Files {
    fn open(&self, unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
        if let Some(table) = self.databases.open(unit) {
            return Ok(Box::new(Tables::new(table?)));
        }
        open_tables(self.file(unit)?, &unit.path, &self.detector)
    }

    fn digest(&self, unit: &Unit) -> Result<String, Unread> {
        let mut file = self.file(unit)?;
        let mut chunk = vec![0; CHUNK];
        let mut hash = Sha256::new();
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => hash.update(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unread(&Reason::from(&error))),
            }
        }
        Ok(data_encoding::HEXLOWER.encode(&hash.finalize()))
    }
}

/// Whatever tables a file holds, one after another; running text is a table of its lines.
fn open_tables<'d>(
    mut file: File,
    path: &str,
    detector: &'d Detector,
) -> Result<Box<dyn Exhibit + 'd>, Unread> {
    let mut head = Vec::new();
    let read = file
        .by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .and_then(|_| file.rewind());
    read.map_err(|error| unread(&Reason::from(&error)))?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let table =
        |file: File| reading::open(file, "", &Limits::default()).map_err(|error| of_reader(&error));
    match nature(&head, name) {
        Nature::Empty => Ok(Box::new(Nothing)),
        Nature::NotRead(what) => Err(unread(&Reason::Format(what))),
        Nature::Archive => Ok(Box::new(Tables::new(workbook(&file)?))),
        Nature::Table(_) | Nature::Columns | Nature::Pdf => Ok(Box::new(Tables::new(table(file)?))),
        Nature::Regular(delimiter) if names_columns(&head, delimiter) => {
            Ok(Box::new(Tables::new(table(file)?)))
        }
        _ => {
            let again = file
                .try_clone()
                .map_err(|error| unread(&Reason::from(&error)))?;
            match table(again) {
                Ok(table) if matches!(table.format(), Format::JsonLines { .. }) => {
                    Ok(Box::new(Tables::new(table)))
                }
                _ => {
                    file.rewind()
                        .map_err(|error| unread(&Reason::from(&error)))?;
                    Ok(Box::new(Lines::new(file, detector)))
                }
            }
        }
    }
}

/// The first sheet with anything in it; the others are chosen later.
fn workbook(file: &File) -> Result<Table, Unread> {
    let mut first = 0;
    loop {
        let options = reading::Options {
            sheet: SheetChoice::Index(first),
            ..reading::Options::default()
        };
        let source = file
            .try_clone()
            .map_err(|error| unread(&Reason::from(&error)))?;
        match reading::open_with(source, "", &Limits::default(), &options) {
            Err(ReadError::Empty) => first += 1,
            opened => return opened.map_err(|error| of_reader(&error)),
        }
    }
}

/// The kind of a column whose header names an identifier that hardly a value bears out: a list of
/// untrue numbers must fall out as untrue, not as saying nothing.
fn refuted(guess: &ColumnGuess) -> Option<Kind> {
    let reason = guess
        .evidence
        .iter()
        .find(|reason| reason.code == "header_refuted")?;
    let identifies = |kind: &Kind| RulePack::builtin().info(*kind).identifying;
    reason.kind.filter(identifies)
}

/// A file with nothing in it.
struct Nothing;

impl Exhibit for Nothing {
    fn next(&mut self, _batch: &mut Batch) -> Result<Step, Unread> {
        Ok(Step::End)
    }

    fn taken(&self) -> u64 {
        0
    }
}

/// Where a reading of tables stands.
enum Stage {
    /// Before this sheet.
    Before(usize),
    /// Among its rows; those read for the sample wait.
    Within(usize, std::vec::IntoIter<Result<Row, u64>>),
}

/// The table of a text, or the sheets of a workbook.
struct Tables {
    table: Table,
    sheets: Vec<String>,
    stage: Stage,
    line: Line,
}

impl Tables {
    fn new(table: Table) -> Self {
        Self {
            sheets: table
                .sheets()
                .iter()
                .map(|sheet| sheet.name.clone())
                .collect(),
            table,
            stage: Stage::Before(0),
            line: Line::default(),
        }
    }

    /// The header, and the kinds of the columns by the first rows.
    fn head(&mut self, sheet: usize) -> Result<Step, Unread> {
        if let Some(name) = self.sheets.get(sheet) {
            match self.table.choose_sheet(&SheetChoice::Index(sheet)) {
                Ok(()) => {}
                Err(ReadError::Empty) => {
                    self.stage = Stage::Within(sheet, Vec::new().into_iter());
                    // The rows of the sheet before were taken to their end.
                    return Ok(Step::Table(TableHead {
                        sheet: Some(name.clone()),
                        ..TableHead::default()
                    }));
                }
                Err(error) => return Err(of_reader(&error)),
            }
        }
        let ahead = self.table.peek(64);
        let at = header_of(&ahead, HeaderRow::Auto);
        let row = at.and_then(|at| ahead.get(at));
        let choice = row.map_or(HeaderChoice::None, |row| HeaderChoice::Row(row.number));
        self.table
            .choose_header(choice)
            .map_err(|error| of_reader(&error))?;
        let header = row.map_or_else(Header::default, names);
        let mut sample = Vec::new();
        while sample.len() < SAMPLE {
            match self.table.next_row() {
                Some(Ok(row)) => sample.push(Ok(row)),
                Some(Err(problem)) => sample.push(Err(problem.locator.row.unwrap_or(0))),
                None => break,
            }
        }
        let rows: Vec<Row> = sample.iter().flatten().cloned().collect();
        let mut kinds = Vec::new();
        for guess in guess(&header, &rows) {
            kinds.resize(guess.column + 1, None);
            kinds[guess.column] = guess.kind.or_else(|| refuted(&guess));
        }
        self.stage = Stage::Within(sheet, sample.into_iter());
        Ok(Step::Table(TableHead {
            sheet: self.sheets.get(sheet).cloned(),
            header,
            kinds,
        }))
    }

    /// Fills a batch; false when the table has ended.
    fn fill(&mut self, batch: &mut Batch) -> bool {
        while !batch.is_full() {
            let waiting = match &mut self.stage {
                Stage::Within(_, waiting) => waiting.next(),
                Stage::Before(_) => None,
            };
            match waiting {
                Some(Ok(row)) => {
                    row.cells.iter().for_each(|cell| batch.cell(cell.as_str()));
                    batch.row(row.number);
                }
                Some(Err(number)) => batch.fault(number),
                None => match self.table.next_line(&mut self.line) {
                    Some(Ok(number)) => {
                        self.line.cells().for_each(|cell| batch.cell(cell));
                        batch.row(number);
                    }
                    Some(Err(problem)) => batch.fault(problem.locator.row.unwrap_or(0)),
                    None => return false,
                },
            }
        }
        true
    }
}

impl Exhibit for Tables {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let sheet = match self.stage {
            Stage::Before(sheet) if sheet > 0 && sheet >= self.sheets.len() => {
                return Ok(Step::End);
            }
            Stage::Before(sheet) => return self.head(sheet),
            Stage::Within(sheet, _) => sheet,
        };
        if !self.fill(batch) {
            self.stage = Stage::Before(sheet + 1);
            if let Some(failure) = self.table.failure() {
                return Err(of_reader(failure));
            }
        }
        Ok(Step::Rows)
    }

    fn taken(&self) -> u64 {
        self.table.progress().0
    }
}

/// Running text: a line is a row, what is found in it the cells, the first of each kind.
struct Lines<'d> {
    stream: TextStream<File>,
    detector: &'d Detector,
    begun: bool,
    ended: bool,
    rest: String,
    number: u64,
}

impl<'d> Lines<'d> {
    fn new(file: File, detector: &'d Detector) -> Self {
        Self {
            stream: TextStream::new(file, None),
            detector,
            begun: false,
            ended: false,
            rest: String::new(),
            number: 0,
        }
    }

    fn line(&mut self, line: &str, batch: &mut Batch) {
        self.number += 1;
        if line.trim().is_empty() {
            return;
        }
        let mut found: Vec<(Kind, String)> = Vec::new();
        self.detector.hits(line, |hit| {
            if !found.iter().any(|(kind, _)| *kind == hit.hit.kind) {
                found.push((hit.hit.kind, hit.text.to_owned()));
            }
        });
        for kind in Kind::BUILTIN {
            let cell = found.iter().find(|(found, _)| found == kind);
            batch.cell(cell.map_or("", |(_, text)| text));
        }
        // Lines without a finding differ, too.
        batch.cell(line);
        batch.row(self.number);
    }
}

impl Exhibit for Lines<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Step::Table(TableHead {
                kinds: Kind::BUILTIN.iter().copied().map(Some).collect(),
                ..TableHead::default()
            }));
        }
        while !batch.is_full() && !self.ended {
            let mut text = std::mem::take(&mut self.rest);
            let more = self.stream.pump(&mut |piece| text.push_str(piece));
            self.ended = !matches!(more, Ok(true));
            let mut rest = text.as_str();
            while let Some((line, after)) = rest.split_once('\n') {
                self.line(line, batch);
                rest = after;
            }
            if self.ended || rest.len() > LONGEST_LINE {
                if !rest.is_empty() {
                    self.line(rest, batch);
                }
            } else {
                self.rest = rest.to_owned();
            }
            more.map_err(|error| unread(&Reason::from(&error)))?;
        }
        Ok(if batch.is_empty() && self.ended {
            Step::End
        } else {
            Step::Rows
        })
    }

    fn taken(&self) -> u64 {
        self.stream.taken()
    }
}
