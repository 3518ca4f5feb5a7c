//! Tables whose pages are pictures with the words invisibly over them.
//!
//! For exports: what leaves shows what it shows on any printer and any screen, a mark in its
//! brightness survives both, and the words can still be searched and copied. A page holds a fixed
//! number of rows, whatever stands in them, so that the unmarked picture of page n can be drawn
//! again from its rows alone ([`TableLayout::page_image`]); whoever leads a leaked page back
//! compares it with that. A cell that does not fit its row is set smaller, and at last cut with an
//! ellipsis; the words over it stay whole, and [`Summary::cut_cells`] counts it.

use std::io::Write;

use liuhen_picture::text::Raster;
use liuhen_picture::{Font, encode_grey};
use pdf_writer::{Content, Filter, Name, Rect, Ref};

use crate::letters::{FONT, Letters};
use crate::ops::{A4, Align, Column, Drawer, Lang, Measure, Op, shared};
use crate::output::{About, Output, deflated};
use crate::report::cut;
use crate::{PaperError, wrap};

const MARGIN: f32 = 40.0;
const TOP: f32 = 66.0;
const BOTTOM: f32 = 50.0;
const PAD: f32 = 3.0;
const LEADING: f32 = 1.32;
/// Sizes tried for a cell, in parts of the layout's.
const SHRINK: [f32; 5] = [1.0, 0.9, 0.8, 0.7, 0.6];
const IMAGE: Name<'static> = Name(b"I");

/// How the pictures of pages are kept in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageImage {
    /// JPEG of this quality, 1 to 100.
    Jpeg(u8),
    /// Every pixel as the mark left it, at some times the size.
    Lossless,
}

/// What all pages of a table have in common. Equal layouts and rows give equal pages.
#[derive(Clone, Debug, PartialEq)]
pub struct TableLayout {
    /// Top of each page, and the document's title.
    pub title: String,
    /// Bottom of each page, beside its number; may be empty.
    pub note: String,
    /// Of the page number, and of the document.
    pub lang: Lang,
    /// 1 to 64 columns.
    pub columns: Vec<Column>,
    /// The longer side at the bottom.
    pub landscape: bool,
    /// Lines that a cell may take, 1 to 6; each row is as tall as that.
    pub lines: u8,
    /// Size of letters in points, 5 to 16.
    pub size: f32,
    /// Pixels to the inch, 72 to 600.
    pub dpi: u16,
    /// How the pictures are kept.
    pub image: PageImage,
}

impl TableLayout {
    /// The usual layout: upright A4, 150 pixels to the inch, letters of 8 points, two lines a row,
    /// JPEG of quality 92.
    #[must_use]
    pub fn new(title: impl Into<String>, columns: Vec<Column>) -> TableLayout {
        TableLayout {
            title: title.into(),
            note: String::new(),
            lang: Lang::default(),
            columns,
            landscape: false,
            lines: 2,
            size: 8.0,
            dpi: 150,
            image: PageImage::Jpeg(92),
        }
    }

    /// Rows on each page but the last.
    #[must_use]
    pub fn rows_per_page(&self) -> usize {
        let room = self.page().1 - TOP - BOTTOM;
        let rows = (room / self.row_height()).floor() - 1.0;
        (1..400_u16)
            .rev()
            .find(|&count| f32::from(count) <= rows)
            .unwrap_or(1)
            .into()
    }

    /// Pixels of each page, across and down.
    #[must_use]
    pub fn page_pixels(&self) -> (u32, u32) {
        let scale = f32::from(self.dpi) / 72.0;
        let (width, height) = self.page();
        (pixels(width * scale), pixels(height * scale))
    }

    /// The unmarked picture of page `number` (counted from 1) with these rows, at most
    /// [`TableLayout::rows_per_page`]; to the last pixel what [`TablePdf`] shows its caller.
    ///
    /// # Errors
    ///
    /// [`PaperError::Layout`], [`PaperError::Cells`] (rows counted on the page) or
    /// [`PaperError::Font`].
    pub fn page_image<S: AsRef<str>>(
        &self,
        font: &Font,
        number: u32,
        rows: &[Vec<S>],
    ) -> Result<Raster, PaperError> {
        self.check()?;
        if rows.len() > self.rows_per_page() {
            return Err(PaperError::Layout("number of rows on a page"));
        }
        for (row, cells) in (1..).zip(rows) {
            self.check_row(row, cells.len())?;
        }
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.as_ref().to_owned()).collect())
            .collect();
        let (ops, _) = self.ops(&Measure::new(font)?, number, &rows);
        Drawer::new(font, self.dpi).draw(&ops, self.page())
    }

    fn check(&self) -> Result<(), PaperError> {
        let wrong = if self.columns.is_empty() || self.columns.len() > 64 {
            "number of columns"
        } else if !(1..=6).contains(&self.lines) {
            "number of lines in a row"
        } else if !(5.0..=16.0).contains(&self.size) {
            "size of letters"
        } else if !(72..=600).contains(&self.dpi) {
            "number of pixels to the inch"
        } else {
            return Ok(());
        };
        Err(PaperError::Layout(wrong))
    }

    fn check_row(&self, row: u64, found: usize) -> Result<(), PaperError> {
        let expected = self.columns.len();
        if expected == found {
            Ok(())
        } else {
            Err(PaperError::Cells {
                row,
                expected,
                found,
            })
        }
    }

    fn page(&self) -> (f32, f32) {
        if self.landscape { (A4.1, A4.0) } else { A4 }
    }

    fn row_height(&self) -> f32 {
        f32::from(self.lines) * self.size * LEADING + 2.0 * PAD
    }

    /// What stands on a page, and how many cells had to be cut.
    fn ops(&self, measure: &Measure<'_>, number: u32, rows: &[Vec<String>]) -> (Vec<Op>, u64) {
        let (width, height) = self.page();
        let wide = width - 2.0 * MARGIN;
        let places = shared(&self.columns, MARGIN, wide);
        let small = self.size.min(9.0);
        let mut ops = Vec::new();
        let title = cut(measure, &self.title, self.size * 1.3, wide);
        ops.push(measure.set(&title, Align::Left, (MARGIN, 38.0), wide, self.size * 1.3));

        let mut top = TOP;
        let tall = self.row_height();
        ops.push(Op::Fill([MARGIN, top, wide, tall], 225));
        let mut cut_cells = 0;
        let titles: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.title.clone())
            .collect();
        for row in std::iter::once(&titles).chain(rows) {
            for ((text, place), column) in row.iter().zip(&places).zip(&self.columns) {
                cut_cells +=
                    u64::from(self.cell(measure, text, (*place, top), column.align, &mut ops));
            }
            top += tall;
            ops.push(Op::Fill([MARGIN, top, wide, 0.5], 170));
        }
        let bottom = height - 36.0;
        if !self.note.is_empty() {
            let note = cut(measure, &self.note, small, wide * 0.8);
            ops.push(measure.set(&note, Align::Left, (MARGIN, bottom), wide, small));
        }
        let page = self.lang.page(number);
        ops.push(measure.set(&page, Align::Right, (MARGIN, bottom), wide, small));
        (ops, cut_cells)
    }

    /// Sets one cell; whether it had to be cut.
    fn cell(
        &self,
        measure: &Measure<'_>,
        text: &str,
        ((left, width), top): ((f32, f32), f32),
        align: Align,
        ops: &mut Vec<Op>,
    ) -> bool {
        if text.is_empty() {
            return false;
        }
        let (left, width) = (left + PAD, (width - 2.0 * PAD).max(1.0));
        let room = self.row_height() - 2.0 * PAD;
        let (size, lines, whole) = fitted(measure, text, self.size, width, room);
        let used = size * LEADING * f32::from(u8::try_from(lines.len()).unwrap_or(u8::MAX));
        let mut at = top + PAD + (room - used).max(0.0) / 2.0;
        let first = ops.len();
        for line in lines {
            ops.push(measure.set(&line, align, (left, at), width, size));
            at += size * LEADING;
        }
        if !whole {
            mend(&mut ops[first..], text);
        }
        !whole
    }
}

/// The largest size and lines at which a text fits its cell, and whether all of it does.
fn fitted(
    measure: &Measure<'_>,
    text: &str,
    size: f32,
    width: f32,
    room: f32,
) -> (f32, Vec<String>, bool) {
    let mut last = (size, Vec::new());
    for (step, part) in SHRINK.into_iter().enumerate() {
        let size = size * part;
        let wrap::Wrapped { lines, forced } = measure.wrap(text, size, width);
        let fits = lines_in(room, size) >= lines.len();
        // A number is rather set smaller than divided.
        if fits && (!forced || step + 1 == SHRINK.len()) {
            return (size, lines, true);
        }
        last = (size, lines);
    }
    let (size, mut lines) = last;
    lines.truncate(lines_in(room, size).max(1));
    if let Some(line) = lines.last_mut() {
        line.push('…');
        while measure.width(line, size) > width && line.chars().count() > 2 {
            line.truncate(line.len() - '…'.len_utf8());
            line.pop();
            line.push('…');
        }
    }
    (size, lines, false)
}

fn lines_in(room: f32, size: f32) -> usize {
    let lines = (room / (size * LEADING) + 1e-3).floor();
    (0..=20_u8)
        .rev()
        .find(|&count| f32::from(count) <= lines)
        .unwrap_or(0)
        .into()
}

/// Lays the whole text over the first line of a cut cell, and nothing over the others.
fn mend(ops: &mut [Op], text: &str) {
    let mut whole = Some(text.to_owned());
    for op in ops {
        if let Op::Text(line) = op {
            line.actual = Some(whole.take().unwrap_or_default());
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "sides of a page, some thousand pixels"
)]
#[expect(clippy::cast_sign_loss, reason = "sides of a page are positive")]
fn pixels(side: f32) -> u32 {
    side.round() as u32
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Pages.
    pub pages: u32,
    /// Rows.
    pub rows: u64,
    /// Cells, column titles on each page included, whose picture does not show all of their text.
    pub cut_cells: u64,
}

/// A table under way into a PDF, page by page; memory holds one page and the letters used.
///
/// `mark` is called with each finished page: its number from 1, its width and height in pixels,
/// and its pixels (0 is black, rows from the top), which it may change.
pub struct TablePdf<'f, W, F> {
    layout: TableLayout,
    letters: Letters<'f>,
    drawer: Drawer<'f>,
    output: Output<W>,
    mark: F,
    rows: Vec<Vec<String>>,
    kids: Vec<Ref>,
    tree: Ref,
    text: Ref,
    summary: Summary,
}

impl<'f, W: Write, F: FnMut(u32, u32, u32, &mut [u8])> TablePdf<'f, W, F> {
    /// Begins a document in `to`.
    ///
    /// # Errors
    ///
    /// [`PaperError::Layout`], [`PaperError::Font`] or [`PaperError::Write`].
    pub fn new(font: &'f Font, layout: TableLayout, to: W, mark: F) -> Result<Self, PaperError> {
        layout.check()?;
        let mut output = Output::new(to)?;
        let (tree, text) = (output.reserve()?, output.reserve()?);
        Ok(TablePdf {
            letters: Letters::new(font)?,
            drawer: Drawer::new(font, layout.dpi),
            layout,
            output,
            mark,
            rows: Vec::new(),
            kids: Vec::new(),
            tree,
            text,
            summary: Summary {
                pages: 0,
                rows: 0,
                cut_cells: 0,
            },
        })
    }

    /// Adds a row; when it fills a page, the page is drawn, marked and written.
    ///
    /// # Errors
    ///
    /// [`PaperError::Cells`], [`PaperError::Write`] or of the font.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) -> Result<(), PaperError> {
        self.layout.check_row(self.summary.rows + 1, cells.len())?;
        self.rows
            .push(cells.iter().map(|cell| cell.as_ref().to_owned()).collect());
        self.summary.rows += 1;
        if self.rows.len() >= self.layout.rows_per_page() {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes the last page and the end, and hands the target back. A table without rows has one
    /// page.
    ///
    /// # Errors
    ///
    /// As [`TablePdf::row`], and [`PaperError::Embed`].
    pub fn finish(mut self) -> Result<(W, Summary), PaperError> {
        if !self.rows.is_empty() || self.kids.is_empty() {
            self.flush()?;
        }
        self.letters.embed(&mut self.output, self.text)?;
        let about = About {
            title: &self.layout.title,
            lang: self.layout.lang,
            created: None,
        };
        let to = self.output.finish(self.tree, &self.kids, &about)?;
        Ok((to, self.summary))
    }

    fn flush(&mut self) -> Result<(), PaperError> {
        let rows = std::mem::take(&mut self.rows);
        let number = self.summary.pages + 1;
        let (ops, cut_cells) = self.layout.ops(&self.letters.measure, number, &rows);
        let mut page = self.drawer.draw(&ops, self.layout.page())?;
        let (width, height) = self.layout.page_pixels();
        (self.mark)(number, width, height, page.pixels_mut());
        self.write(&ops, page.pixels(), (width, height))?;
        self.summary.pages = number;
        self.summary.cut_cells += cut_cells;
        Ok(())
    }

    fn write(&mut self, ops: &[Op], grey: &[u8], size: (u32, u32)) -> Result<(), PaperError> {
        let (wide, high) = self.layout.page();
        let output = &mut self.output;
        let [page, content, image] = [output.reserve()?, output.reserve()?, output.reserve()?];
        let mut written = Content::new();
        written
            .save_state()
            .transform([wide, 0.0, 0.0, high, 0.0, 0.0]);
        written.x_object(IMAGE).restore_state();
        self.letters.content(&mut written, ops, high, true);
        let packed = deflated(written.finish().as_slice())?;
        let (tree, text) = (self.tree, self.text);
        output.write(page, |chunk| {
            let mut page = chunk.page(page);
            page.parent(tree)
                .media_box(Rect::new(0.0, 0.0, wide, high))
                .contents(content);
            let mut resources = page.resources();
            resources.fonts().pair(FONT, text);
            resources.x_objects().pair(IMAGE, image);
        })?;
        output.content(content, &packed)?;
        let (data, filter) = match self.layout.image {
            PageImage::Jpeg(quality) => (encode_grey(size, grey, quality)?, Filter::DctDecode),
            PageImage::Lossless => (deflated(grey)?, Filter::FlateDecode),
        };
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        output.write(image, |chunk| {
            let mut picture = chunk.image_xobject(image, &data);
            picture.width(side(size.0)).height(side(size.1));
            picture.color_space().device_gray();
            picture.bits_per_component(8);
            picture.filter(filter);
        })?;
        self.kids.push(page);
        Ok(())
    }
}

impl<W, F> std::fmt::Debug for TablePdf<'_, W, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TablePdf({:?})", self.summary)
    }
}
