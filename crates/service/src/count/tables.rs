//! A path becomes tables: the one place where more formats come in.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use liuhen_detect::{Detector, Options};
use liuhen_document::{Header, Row, TableSource as _, Text};
use liuhen_forensics::case::open_quietly;
use liuhen_forensics::{Batch, Exhibit, Exhibits, Step, TableHead, Unit, Unread};
use liuhen_judge::{Remarks, SAMPLE, column_kinds, first_of_each};
use liuhen_kinds::{Kind, Lang};
use liuhen_reading::{
    self as reading, HeaderChoice, Limits, Line, Nature, ReadError, SheetChoice, Table, TextStream,
    Wishes, nature,
};
use sha2::{Digest as _, Sha256};

use super::inside::Inside;
use super::pictures::{Eyes, Gaze};
use crate::scan::{HeaderRow, Reason, header_of, journal_of, names, names_columns};

/// Bytes that a file's nature is judged by.
const HEAD: u64 = 64 << 10;
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
    detector: Arc<Detector>,
    wishes: Arc<Wishes>,
    gaze: Arc<Gaze>,
}

impl Files {
    pub(super) fn new(
        paths: std::collections::HashMap<String, PathBuf>,
        databases: super::databases::Tables,
        wishes: Wishes,
        eyes: Eyes,
    ) -> Self {
        let gaze = Gaze::new(eyes);
        let options = Options {
            model: false,
            ..Options::default()
        };
        let wishes = Wishes {
            records: true,
            page_pictures: gaze.is_wanted(),
            ..wishes
        };
        Self {
            paths,
            databases,
            detector: Arc::new(Detector::new(options)),
            wishes: Arc::new(wishes),
            gaze: Arc::new(gaze),
        }
    }

    fn file(&self, unit: &Unit) -> Result<File, Unread> {
        let path = self.paths.get(&unit.path);
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        path.ok_or_else(missing)
            .and_then(|path| open_quietly(path))
            .map_err(|error| unread(&Reason::from(&error)))
    }
}

pub(super) fn unread(reason: &Reason) -> Unread {
    Unread {
        code: reason.code().to_owned(),
        text: reason.text(Lang::En),
    }
}

pub(super) fn of_reader(error: &ReadError) -> Unread {
    unread(&Reason::from(error))
}

impl Exhibits for Files {
    fn open(&self, unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
        if let Some(table) = self.databases.open(unit) {
            return Ok(Box::new(Tables::new(table?, &self.detector)));
        }
        let file = self.file(unit)?;
        let again = file
            .try_clone()
            .map_err(|error| unread(&Reason::from(&error)))?;
        let exhibit = self.tables(again, &unit.path)?;
        let unit = unit.clone();
        Ok(Box::new(Watched {
            exhibit,
            file,
            unit,
        }))
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

    fn form(&self, unit: &Unit) -> Option<String> {
        super::form::form(self.file(unit).ok()?, &unit.path)
    }
}

impl Files {
    /// Whatever tables a file holds, one after another; running text is a table of its lines.
    fn tables(&self, mut file: File, path: &str) -> Result<Box<dyn Exhibit + '_>, Unread> {
        let mut head = Vec::new();
        let read = file
            .by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .and_then(|_| file.rewind());
        read.map_err(|error| unread(&Reason::from(&error)))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let limits = &self.wishes.limits;
        let table = |file| reading::open(file, "", limits).map_err(|error| of_reader(&error));
        match nature(&head, name) {
            // What its pages show comes after what they say.
            Nature::Pdf if self.wishes.page_pictures => self.inside(file, None, name),
            Nature::Empty => Ok(Box::new(Nothing)),
            Nature::Archive => match workbook(&file, limits) {
                Ok(table) => Ok(Box::new(Tables::new(table, &self.detector))),
                // No workbook, or one that is cut short: what lies in it is still to be had.
                Err(_) => self.inside(file, None, name),
            },
            Nature::Table(_) | Nature::Columns | Nature::Pdf => {
                Ok(Box::new(Tables::new(table(file)?, &self.detector)))
            }
            Nature::Regular(delimiter) if names_columns(&head, delimiter) => {
                Ok(Box::new(Tables::new(table(file)?, &self.detector)))
            }
            Nature::Regular(_) | Nature::Text if !reading::comes_apart(&head, name, true) => {
                let stream = TextStream::new(file, None);
                Ok(Box::new(Lines::new(stream, 0, &self.detector)))
            }
            // Archives, documents, databases, mail, records, and what is told as not read.
            _ => {
                let journal = self.paths.get(path).and_then(|path| journal_of(path));
                self.inside(file, journal, name)
            }
        }
    }

    fn inside(
        &self,
        file: File,
        journal: Option<File>,
        name: &str,
    ) -> Result<Box<dyn Exhibit + '_>, Unread> {
        let inside = Inside::open(
            file,
            journal,
            name,
            &self.wishes,
            &self.detector,
            &self.gaze,
        );
        Ok(Box::new(
            inside.map_err(|error| unread(&Reason::from(&error)))?,
        ))
    }
}

/// A file that is told when it is no longer the one that was to be counted.
struct Watched<'d> {
    exhibit: Box<dyn Exhibit + 'd>,
    file: File,
    unit: Unit,
}

impl Exhibit for Watched<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let step = self.exhibit.next(batch)?;
        if matches!(step, Step::End) {
            let meta = self.file.metadata();
            let meta = meta.map_err(|error| unread(&Reason::from(&error)))?;
            if (meta.len(), changed_ns(&meta)) != (self.unit.bytes, self.unit.changed_ns) {
                return Err(unread(&Reason::Changed));
            }
        }
        Ok(step)
    }

    fn taken(&self) -> u64 {
        self.exhibit.taken()
    }
}

/// When a file was changed, in nanoseconds since 1970.
pub(super) fn changed_ns(meta: &Metadata) -> i128 {
    i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
}

/// The first sheet with anything in it; the others are chosen later.
fn workbook(file: &File, limits: &Limits) -> Result<Table, ReadError> {
    let mut first = 0;
    loop {
        let options = reading::Options {
            sheet: SheetChoice::Index(first),
            ..reading::Options::default()
        };
        match reading::open_with(file.try_clone()?, "", limits, &options) {
            Err(ReadError::Empty) => first += 1,
            opened => return opened,
        }
    }
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

/// The rows of a table, from the first of its sample on.
pub(super) struct Rows {
    /// Those read for the sample, which wait.
    waiting: std::vec::IntoIter<Result<Row, u64>>,
    line: Line,
    /// Columns of free text, where there are any.
    remarks: Option<Remarks>,
}

impl Rows {
    /// The names above the columns and their kinds by the first rows, of a table that no row was
    /// taken from.
    pub(super) fn begin(
        table: &mut Table,
        detector: &Detector,
    ) -> Result<(TableHead, Self), Unread> {
        let header = if table.header_is_stated() {
            stated(table)
        } else {
            chosen(table)?
        };
        let mut sample = Vec::new();
        while sample.len() < SAMPLE {
            match table.next_row() {
                Some(Ok(row)) => sample.push(Ok(row)),
                Some(Err(problem)) => sample.push(Err(problem.locator.row.unwrap_or(0))),
                None => break,
            }
        }
        let rows: Vec<Row> = sample.iter().flatten().cloned().collect();
        let kinds = column_kinds(&header, &rows);
        let remarks = Remarks::of(&header, &kinds, &rows, detector);
        let head = TableHead {
            kinds,
            header,
            ..TableHead::default()
        };
        let rows = Self {
            waiting: sample.into_iter(),
            line: Line::default(),
            remarks,
        };
        Ok((head, rows))
    }

    /// Fills a batch; false when the table has ended.
    pub(super) fn fill(
        &mut self,
        table: &mut Table,
        detector: &Detector,
        batch: &mut Batch,
    ) -> bool {
        while !batch.is_full() {
            match self.waiting.next() {
                Some(Ok(row)) => {
                    let cells = row.cells.iter().map(Text::as_str);
                    match &mut self.remarks {
                        Some(remarks) => remarks.row(cells, detector, batch),
                        None => cells.for_each(|cell| batch.cell(cell)),
                    }
                    batch.row(row.number);
                }
                Some(Err(number)) => batch.fault(number),
                None => match table.next_line(&mut self.line) {
                    Some(Ok(number)) => {
                        let cells = self.line.cells();
                        match &mut self.remarks {
                            Some(remarks) => remarks.row(cells, detector, batch),
                            None => cells.for_each(|cell| batch.cell(cell)),
                        }
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

/// The names that the format itself gives the columns.
fn stated(table: &Table) -> Header {
    match table.header_row() {
        0 => Header::default(),
        _ => table.header().clone(),
    }
}

/// The names above the columns, where a row looks like them.
fn chosen(table: &mut Table) -> Result<Header, Unread> {
    let ahead = table.peek(64);
    let at = header_of(&ahead, HeaderRow::Auto);
    let row = at.and_then(|at| ahead.get(at));
    let choice = row.map_or(HeaderChoice::None, |row| HeaderChoice::Row(row.number));
    table
        .choose_header(choice)
        .map_err(|error| of_reader(&error))?;
    Ok(row.map_or_else(Header::default, names))
}

/// Where a reading of tables stands.
enum Stage {
    /// Before this sheet.
    Before(usize),
    /// Among its rows.
    Within(usize, Option<Rows>),
}

/// The table of a text, or the sheets of a workbook.
struct Tables<'d> {
    table: Table,
    detector: &'d Detector,
    sheets: Vec<String>,
    stage: Stage,
}

impl<'d> Tables<'d> {
    fn new(table: Table, detector: &'d Detector) -> Self {
        Self {
            detector,
            sheets: table
                .sheets()
                .iter()
                .map(|sheet| sheet.name.clone())
                .collect(),
            table,
            stage: Stage::Before(0),
        }
    }

    /// The header, and the kinds of the columns by the first rows.
    fn head(&mut self, sheet: usize) -> Result<Step, Unread> {
        let name = self.sheets.get(sheet).cloned();
        if name.is_some() {
            match self.table.choose_sheet(&SheetChoice::Index(sheet)) {
                Ok(()) => {}
                Err(ReadError::Empty) => {
                    // The rows of the sheet before were taken to their end.
                    self.stage = Stage::Within(sheet, None);
                    return Ok(Step::Table(TableHead {
                        sheet: name,
                        ..TableHead::default()
                    }));
                }
                Err(error) => return Err(of_reader(&error)),
            }
        }
        let (head, rows) = Rows::begin(&mut self.table, self.detector)?;
        self.stage = Stage::Within(sheet, Some(rows));
        Ok(Step::Table(TableHead {
            sheet: name,
            ..head
        }))
    }
}

impl Exhibit for Tables<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let (sheet, rows) = match &mut self.stage {
            Stage::Before(sheet) if *sheet > 0 && *sheet >= self.sheets.len() => {
                return Ok(Step::End);
            }
            Stage::Before(sheet) => {
                let sheet = *sheet;
                return self.head(sheet);
            }
            Stage::Within(sheet, rows) => (*sheet, rows),
        };
        let more = rows
            .as_mut()
            .is_some_and(|rows| rows.fill(&mut self.table, self.detector, batch));
        if !more {
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
pub(super) struct Lines<'d, R> {
    stream: TextStream<R>,
    detector: &'d Detector,
    begun: bool,
    ended: bool,
    rest: String,
    number: u64,
}

impl<'d, R: Read> Lines<'d, R> {
    /// `before` lines of the same text were read already.
    pub(super) fn new(stream: TextStream<R>, before: u64, detector: &'d Detector) -> Self {
        Self {
            stream,
            detector,
            begun: false,
            ended: false,
            rest: String::new(),
            number: before,
        }
    }

    /// The number of the line read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    fn line(&mut self, line: &str, batch: &mut Batch) {
        self.number += 1;
        if line.trim().is_empty() {
            return;
        }
        let mut found: Vec<(Kind, String)> = Vec::new();
        first_of_each(self.detector, line, &mut found);
        for kind in Kind::BUILTIN {
            let cell = found.iter().find(|(found, _)| found == kind);
            batch.cell(cell.map_or("", |(_, text)| text));
        }
        // Lines without a finding differ, too.
        batch.cell(line);
        batch.row(self.number);
    }
}

impl<R: Read> Exhibit for Lines<'_, R> {
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
