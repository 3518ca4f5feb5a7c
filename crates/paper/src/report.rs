//! Reports: blocks one under another, on as many pages as they take.
//!
//! One font serves all; headings differ by size. Tables repeat their header on each page, a row
//! taller than what is left goes to the next, and one taller than a page is divided between lines.

use std::fmt;

use liuhen_picture::Font;
use pdf_writer::{Content, Rect};

use crate::letters::{FONT, Letters};
use crate::ops::{A4, Align, Column, Lang, Line, Measure, Op, shared};
use crate::output::{About, Output, deflated};
use crate::{PaperError, ops};

const MARGIN: f32 = 56.0;
const TOP: f32 = 68.0;
const BOTTOM: f32 = 64.0;
const WIDTH: f32 = A4.0 - 2.0 * MARGIN;
const FLOOR: f32 = A4.1 - BOTTOM;
const BODY: f32 = 10.0;
const SMALL: f32 = 8.5;
/// Distance of lines in ems.
const LEADING: f32 = 1.5;
/// Space within a cell of a table.
const PAD: f32 = 4.0;

/// What a report says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The document's title, shown by viewers.
    pub title: String,
    /// Of the page numbers, and of the document.
    pub lang: Lang,
    /// Top of each page; one line, cut where it does not fit.
    pub header: String,
    /// Bottom of each page, beside the number; one line, cut where it does not fit.
    pub footer: String,
    /// Year, month and day of the document, in the file's own words too; none if not given.
    pub created: Option<(u16, u8, u8)>,
}

/// Horizontal bars, as evidence by channel against a threshold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// From the top.
    pub bars: Vec<Bar>,
    /// A line across all bars at this value, and what it is called.
    pub threshold: Option<(f64, String)>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// At the left.
    pub label: String,
    /// Length; what is below zero or no number has none.
    pub value: f64,
    /// At the right, as the value with its unit.
    pub note: String,
}

/// A report under way. Each call adds a block below the last. Its `Debug` shows no word of it.
#[derive(Clone)]
pub struct Paper<'f> {
    font: &'f Font,
    meta: Meta,
    blocks: Vec<Block>,
}

#[derive(Clone)]
enum Block {
    Heading(u8, String),
    Paragraph(String),
    Hash(String),
    Pairs(Vec<(String, String)>),
    Table(Vec<Column>, Vec<Vec<String>>),
    Bars(Bars),
    Break,
}

impl<'f> Paper<'f> {
    /// An empty report in this font.
    #[must_use]
    pub fn new(font: &'f Font, meta: Meta) -> Paper<'f> {
        Paper {
            font,
            meta,
            blocks: Vec::new(),
        }
    }

    /// A heading; level 1 is the largest, 3 the smallest. It stays with what follows.
    #[must_use]
    pub fn heading(self, level: u8, text: impl Into<String>) -> Self {
        self.with(Block::Heading(level, text.into()))
    }

    /// Running text; line feeds break lines.
    #[must_use]
    pub fn paragraph(self, text: impl Into<String>) -> Self {
        self.with(Block::Paragraph(text.into()))
    }

    /// A hash, key or signature, in letters of fixed pitch; copied without breaks within a line.
    #[must_use]
    pub fn hash(self, text: impl Into<String>) -> Self {
        self.with(Block::Hash(text.into()))
    }

    /// Names at the left, what they stand for at the right.
    #[must_use]
    pub fn pairs<K: Into<String>, V: Into<String>>(
        self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self.with(Block::Pairs(pairs))
    }

    /// A table. Rows with another number of cells than there are columns are an error of
    /// [`Paper::finish`].
    #[must_use]
    pub fn table<S: Into<String>>(
        self,
        columns: Vec<Column>,
        rows: impl IntoIterator<Item = Vec<S>>,
    ) -> Self {
        let row = |row: Vec<S>| row.into_iter().map(Into::into).collect();
        let rows = rows.into_iter().map(row).collect();
        self.with(Block::Table(columns, rows))
    }

    /// Bars one under another.
    #[must_use]
    pub fn bars(self, bars: Bars) -> Self {
        self.with(Block::Bars(bars))
    }

    /// What follows starts on a new page.
    #[must_use]
    pub fn page_break(self) -> Self {
        self.with(Block::Break)
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Lays the report out and writes it.
    ///
    /// # Errors
    ///
    /// [`PaperError::Cells`] or [`PaperError::Layout`] of a table, [`PaperError::Font`] or
    /// [`PaperError::Embed`] of the font.
    pub fn finish(self) -> Result<Vec<u8>, PaperError> {
        let mut letters = Letters::new(self.font)?;
        let mut flow = Flow::new(letters.measure.clone());
        for block in &self.blocks {
            flow.block(block)?;
        }
        let pages = flow.framed(&self.meta);
        let mut output = Output::new(Vec::new())?;
        let (tree, font) = (output.reserve()?, output.reserve()?);
        let mut kids = Vec::new();
        for ops in &pages {
            let (page, content) = (output.reserve()?, output.reserve()?);
            let mut written = Content::new();
            letters.content(&mut written, ops, A4.1, false);
            let packed = deflated(written.finish().as_slice())?;
            output.write(page, |chunk| {
                let mut page = chunk.page(page);
                page.parent(tree)
                    .media_box(Rect::new(0.0, 0.0, A4.0, A4.1))
                    .contents(content);
                page.resources().fonts().pair(FONT, font);
            })?;
            output.content(content, &packed)?;
            kids.push(page);
        }
        letters.embed(&mut output, font)?;
        let Meta {
            title,
            lang,
            created,
            ..
        } = &self.meta;
        output.finish(
            tree,
            &kids,
            &About {
                title,
                lang: *lang,
                created: *created,
            },
        )
    }
}

impl fmt::Debug for Paper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paper({} blocks)", self.blocks.len())
    }
}

/// Pages under way: what stands on them, and how far down the last is filled.
struct Flow<'f> {
    measure: Measure<'f>,
    pages: Vec<Vec<Op>>,
    at: f32,
}

impl<'f> Flow<'f> {
    fn new(measure: Measure<'f>) -> Flow<'f> {
        Flow {
            measure,
            pages: vec![Vec::new()],
            at: TOP,
        }
    }

    fn add(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.push(op);
        }
    }

    fn is_fresh(&self) -> bool {
        self.at <= TOP
    }

    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.at = TOP;
    }

    /// Turns the page if less than `height` is left, unless the page is still empty.
    fn need(&mut self, height: f32) -> bool {
        let turn = self.at + height > FLOOR && !self.is_fresh();
        if turn {
            self.turn();
        }
        turn
    }

    /// Space between blocks, none at the top of a page.
    fn space(&mut self, height: f32) {
        if !self.is_fresh() {
            self.at += height;
        }
    }

    fn block(&mut self, block: &Block) -> Result<(), PaperError> {
        match block {
            Block::Heading(level, text) => self.heading(*level, text),
            Block::Paragraph(text) => {
                self.lines(text, BODY, MARGIN, WIDTH);
                self.space(BODY * 0.6);
            }
            Block::Hash(text) => self.hash(text),
            Block::Pairs(pairs) => self.pairs(pairs),
            Block::Table(columns, rows) => self.table(columns, rows)?,
            Block::Bars(bars) => self.bars(bars),
            Block::Break if self.is_fresh() => {}
            Block::Break => self.turn(),
        }
        Ok(())
    }

    fn heading(&mut self, level: u8, text: &str) {
        let size = match level {
            0 | 1 => 18.0,
            2 => 13.5,
            _ => 11.5,
        };
        self.space(size * 0.7);
        self.need(size * LEADING + 3.0 * BODY * LEADING);
        self.lines(text, size, MARGIN, WIDTH);
        self.space(size * 0.3);
    }

    fn lines(&mut self, text: &str, size: f32, left: f32, width: f32) {
        for line in self.measure.wrap(text, size, width).lines {
            self.need(size * LEADING);
            self.add(
                self.measure
                    .set(&line, Align::Left, (left, self.at), width, size),
            );
            self.at += size * LEADING;
        }
    }

    fn hash(&mut self, text: &str) {
        let glyphs = &self.measure.glyphs;
        let advance = |character| glyphs.advance(glyphs.shown(character).0);
        let pitch = text.chars().map(advance).fold(0.3, f32::max);
        let wrapped = crate::wrap::wrap(text, WIDTH - PAD, |_| pitch * SMALL);
        for line in wrapped.lines {
            self.need(SMALL * LEADING);
            let (baseline, actual) = (self.at + self.measure.ascent * SMALL, None);
            let (left, size, pitch) = (MARGIN + PAD, SMALL, Some(pitch));
            self.add(Op::Text(Line {
                left,
                baseline,
                size,
                text: line,
                actual,
                pitch,
            }));
            self.at += SMALL * LEADING;
        }
        self.space(BODY * 0.6);
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        let widest = pairs
            .iter()
            .map(|(key, _)| self.measure.width(key, BODY))
            .fold(0.0, f32::max);
        let key = widest.min(WIDTH * 0.35) + 12.0;
        for (name, value) in pairs {
            let columns = [(MARGIN, key - 12.0), (MARGIN + key, WIDTH - key)];
            let cells = [
                self.cell(name, BODY, columns[0].1),
                self.cell(value, BODY, columns[1].1),
            ];
            self.row(&cells, &columns, &[Align::Left; 2], BODY, &mut |_| {});
            self.at += 2.0;
        }
        self.space(BODY * 0.6);
    }

    fn cell(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        self.measure.wrap(text, size, width).lines
    }

    /// Sets cells side by side, divided between pages where they must; `turned` is called at the
    /// top of each new page.
    fn row(
        &mut self,
        cells: &[Vec<String>],
        columns: &[(f32, f32)],
        aligns: &[Align],
        size: f32,
        turned: &mut dyn FnMut(&mut Self),
    ) {
        let leading = size * LEADING;
        let tallest = cells.iter().map(Vec::len).max().unwrap_or(0);
        if tallest <= 24 && self.need(count(tallest) * leading + PAD) {
            turned(self);
        }
        for line in 0..tallest {
            if self.need(leading) {
                turned(self);
            }
            for ((cell, (left, width)), align) in cells.iter().zip(columns).zip(aligns) {
                if let Some(text) = cell.get(line).filter(|text| !text.is_empty()) {
                    self.add(
                        self.measure
                            .set(text, *align, (*left, self.at), *width, size),
                    );
                }
            }
            self.at += leading;
        }
    }

    fn table(&mut self, columns: &[Column], rows: &[Vec<String>]) -> Result<(), PaperError> {
        if columns.is_empty() {
            return Err(PaperError::Layout("number of columns"));
        }
        let table = Table::new(self, columns);
        self.need(4.0 * SMALL * LEADING);
        table.header(self);
        for (index, row) in (1..).zip(rows) {
            if row.len() != columns.len() {
                let (expected, found) = (columns.len(), row.len());
                return Err(PaperError::Cells {
                    row: index,
                    expected,
                    found,
                });
            }
            table.row(self, row);
        }
        self.space(BODY);
        Ok(())
    }

    fn bars(&mut self, bars: &Bars) {
        let height = BODY * 1.9;
        let (left, wide) = (MARGIN + WIDTH * 0.28, WIDTH * 0.5);
        let finite = bars
            .bars
            .iter()
            .map(|bar| bar.value)
            .filter(|value| value.is_finite());
        let marked = bars.threshold.iter().map(|(value, _)| *value);
        let most = finite.chain(marked).fold(0.0, f64::max) * 1.05;
        self.need(height * (count(bars.bars.len()).min(20.0) + 2.0));
        self.threshold_name(bars, (left, wide), most);
        let mut top = self.at;
        for bar in &bars.bars {
            if self.need(height) {
                self.threshold_name(bars, (left, wide), most);
                top = self.at;
            }
            let text = self.at + height * 0.2;
            let label = self.cell_cut(&bar.label, SMALL, WIDTH * 0.26);
            self.add(
                self.measure
                    .set(&label, Align::Left, (MARGIN, text), WIDTH, SMALL),
            );
            let long = wide * share(bar.value, most);
            if long > 0.0 {
                self.add(Op::Fill(
                    [left, self.at + height * 0.15, long, height * 0.6],
                    120,
                ));
            }
            let note = self.cell_cut(&bar.note, SMALL, WIDTH * 0.2);
            let beside = (left + wide + 6.0, text);
            self.add(self.measure.set(&note, Align::Left, beside, WIDTH, SMALL));
            self.at += height;
            self.threshold_line(bars, (left, wide), most, (top, self.at));
            top = self.at;
        }
        self.space(BODY);
    }

    fn threshold_name(&mut self, bars: &Bars, (left, wide): (f32, f32), most: f64) {
        let Some((value, name)) = &bars.threshold else {
            return;
        };
        let name = self.cell_cut(name, SMALL, WIDTH * 0.4);
        let half = self.measure.width(&name, SMALL) / 2.0;
        let middle = (left + wide * share(*value, most)).min(MARGIN + WIDTH - half);
        let at = (middle - half, self.at);
        self.add(self.measure.set(&name, Align::Left, at, WIDTH, SMALL));
        self.at += SMALL * LEADING;
    }

    fn threshold_line(
        &mut self,
        bars: &Bars,
        (left, wide): (f32, f32),
        most: f64,
        (top, bottom): (f32, f32),
    ) {
        if let Some((value, _)) = &bars.threshold {
            let along = left + wide * share(*value, most);
            self.add(Op::Fill([along - 0.5, top, 1.0, bottom - top], 0));
        }
    }

    /// One line, cut with an ellipsis where it does not fit.
    fn cell_cut(&self, text: &str, size: f32, width: f32) -> String {
        cut(&self.measure, text, size, width)
    }

    /// The pages with their headers, footers and numbers.
    fn framed(mut self, meta: &Meta) -> Vec<Vec<Op>> {
        let pages = self.pages.len();
        for (number, page) in (1..).zip(&mut self.pages) {
            let measure = &self.measure;
            let line = |text: &str, align, top| {
                let text = cut(measure, text, SMALL, WIDTH * 0.7);
                measure.set(&text, align, (MARGIN, top), WIDTH, SMALL)
            };
            if !meta.header.is_empty() {
                page.insert(0, line(&meta.header, Align::Left, 34.0));
                page.insert(1, Op::Fill([MARGIN, 50.0, WIDTH, 0.5], 150));
            }
            let bottom = A4.1 - 44.0;
            if !meta.footer.is_empty() {
                page.push(line(&meta.footer, Align::Left, bottom));
            }
            page.push(line(
                &meta.lang.page_of(number, pages),
                Align::Right,
                bottom,
            ));
        }
        self.pages
    }
}

/// A table's columns, measured once.
struct Table {
    places: Vec<(f32, f32)>,
    aligns: Vec<Align>,
    titles: Vec<Vec<String>>,
}

impl Table {
    fn new(flow: &Flow<'_>, columns: &[Column]) -> Table {
        let inner = |(left, width): (f32, f32)| (left + PAD, (width - 2.0 * PAD).max(1.0));
        let places: Vec<_> = shared(columns, MARGIN, WIDTH)
            .into_iter()
            .map(inner)
            .collect();
        let title = |(column, place): (&Column, &(f32, f32))| {
            let mut lines = flow.cell(&column.title, SMALL, place.1);
            lines.truncate(6);
            lines
        };
        let titles = columns.iter().zip(&places).map(title).collect();
        Table {
            aligns: columns.iter().map(|column| column.align).collect(),
            places,
            titles,
        }
    }

    fn header(&self, flow: &mut Flow<'_>) {
        let tall = self.titles.iter().map(Vec::len).max().unwrap_or(1);
        let height = count(tall) * SMALL * LEADING + 2.0 * PAD;
        flow.add(Op::Fill([MARGIN, flow.at, WIDTH, height], 232));
        flow.at += PAD;
        flow.row(&self.titles, &self.places, &self.aligns, SMALL, &mut |_| {});
        flow.at += PAD;
    }

    fn row(&self, flow: &mut Flow<'_>, row: &[String]) {
        let cells: Vec<_> = row
            .iter()
            .zip(&self.places)
            .map(|(text, place)| flow.cell(text, SMALL, place.1))
            .collect();
        flow.at += PAD * 0.6;
        let mut again = |flow: &mut Flow<'_>| {
            self.header(flow);
            flow.at += PAD * 0.6;
        };
        flow.row(&cells, &self.places, &self.aligns, SMALL, &mut again);
        flow.at += PAD * 0.4;
        flow.add(Op::Fill([MARGIN, flow.at, WIDTH, 0.4], 190));
    }
}

/// `text` as far as it fits into `width`, with an ellipsis where it does not.
pub(crate) fn cut(measure: &ops::Measure<'_>, text: &str, size: f32, width: f32) -> String {
    let flat: String = text
        .chars()
        .map(|c| if c == '\n' { ' ' } else { c })
        .collect();
    if measure.width(&flat, size) <= width {
        return flat;
    }
    let room = width - measure.width("…", size);
    let mut along = 0.0;
    let mut kept: String = flat
        .chars()
        .take_while(|character| {
            along += measure.width(character.encode_utf8(&mut [0; 4]), size);
            along <= room
        })
        .collect();
    kept.push('…');
    kept
}

/// Which part of the longest bar's room a value takes, 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a page, where a float suffices"
)]
fn share(value: f64, most: f64) -> f32 {
    if value.is_nan() || most <= 0.0 {
        0.0
    } else {
        (value / most).clamp(0.0, 1.0) as f32
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lines and bars are counted in hundreds"
)]
fn count(number: usize) -> f32 {
    number as f32
}
