//! Pages of PDF exports: each is a picture that carries its copy's mark, and can be drawn again unmarked.
//!
//! The mark of page n is [`liuhen_fingerprint::picture`]'s under the export's own key, its signs drawn for `export/n`; it is read against the unmarked page, so that page must come back. Nothing of a person is kept for it: beside the sealed file lies, sealed too, what each page is found by ([`Print`]), a hash of its unmarked pixels, the layout, and the rows of the invented persons. The rows of real persons are opened from the vault and marked again when a leak is examined. Of somebody erased since, nothing comes back: his row is drawn empty, the hash tells so, and the rest of the page is compared all the same.
//!
//! Which page a leaked picture shows, and whose copy that is, is settled by `pictures::examine`.

use std::io::{Read as _, Write};

use liuhen_fingerprint::canary;
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::picture::{self as hidden, Print, Reference};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::table::mark_row;
use liuhen_kinds::Kind;
use liuhen_paper::{Column, PaperError, TableLayout, TablePdf};
use liuhen_picture::Font;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::day;
use crate::error::{Result, ServiceError};
use crate::exports::{ExportRequest, ExportView, StoredExport, cells};
use crate::{Service, ids};

/// Rows of a PDF: a page takes part of a second to draw and mark.
pub(crate) const ROWS_AT_MOST: u64 = 20_000;

/// Columns of a PDF that can still be read.
const COLUMNS_AT_MOST: usize = 24;

/// More columns than this lie across.
const UPRIGHT_COLUMNS: usize = 5;

/// Characters that the font of pages must have; a rarer one is drawn as a box and copied whole.
const SAMPLE: &str = "姓名住址省市区路号第页";

/// Pages are drawn alike as long as this stays.
const VERSION: u32 = 1;

/// What leading a page back takes, beside the rows that the vault holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptPages {
    version: u32,
    title: String,
    note: String,
    landscape: bool,
    /// Titles and parts of the width.
    columns: Vec<(String, f32)>,
    /// Rows of the invented persons as they left, in the order of the file.
    canaries: Vec<Vec<String>>,
    pub(crate) pages: Vec<KeptPage>,
}

/// A page as it left.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptPage {
    pub(crate) print: Print,
    /// SHA-256 of the unmarked pixels, hexadecimal.
    pub(crate) sha256: String,
}

/// An unmarked page, drawn again.
pub(crate) struct Again {
    pub(crate) plane: Plane,
    /// Whether it is, to the last pixel, what it was when it was marked.
    pub(crate) same: bool,
}

impl KeptPages {
    fn layout(&self) -> TableLayout {
        let columns = self.columns.iter();
        let columns = columns.map(|(title, parts)| Column::new(title).parts(*parts));
        TableLayout {
            note: self.note.clone(),
            landscape: self.landscape,
            ..TableLayout::new(self.title.clone(), columns.collect())
        }
    }
}

/// What the signs of a page's mark are drawn for.
pub(crate) fn page_id(export: &str, number: u32) -> String {
    format!("{export}/{number}")
}

/// The font that pages are drawn with.
pub(crate) fn font() -> Result<Font> {
    Font::find(None, SAMPLE).map_err(|error| ServiceError::Setup(error.to_string()))
}

/// How many pages so many rows of this request take.
pub(crate) fn pages_of(request: &ExportRequest, rows: u64) -> u64 {
    let columns = vec![Column::new(""); request.fields.len().max(1)];
    let layout = TableLayout {
        landscape: is_wide(request),
        ..TableLayout::new("", columns)
    };
    rows.div_ceil(layout.rows_per_page() as u64).max(1)
}

fn is_wide(request: &ExportRequest) -> bool {
    request.fields.len() > UPRIGHT_COLUMNS
}

/// Why a request cannot become a PDF, if it cannot.
pub(crate) fn check(request: &ExportRequest, rows: u64) -> Result<()> {
    if rows > ROWS_AT_MOST {
        return Err(ServiceError::Invalid(format!(
            "a PDF holds at most {ROWS_AT_MOST} rows here; ask for csv"
        )));
    }
    if request.fields.len() > COLUMNS_AT_MOST {
        return Err(ServiceError::Invalid(format!(
            "a PDF holds at most {COLUMNS_AT_MOST} columns; ask for csv"
        )));
    }
    font().map(drop).map_err(|_| {
        ServiceError::Invalid(
            "this machine has no font to draw pages with; install one such as fonts-noto-cjk"
                .to_owned(),
        )
    })
}

/// How much of the width a column takes.
fn parts(kind: Option<Kind>) -> f32 {
    match kind {
        Some(Kind::ADDRESS) => 3.2,
        Some(Kind::RESIDENT_ID | Kind::BANK_CARD | Kind::EMAIL) => 1.7,
        Some(Kind::PERSON_NAME | Kind::GENDER) => 0.9,
        _ => 1.3,
    }
}

impl Service {
    /// Writes the marked rows as pages into `out`, each page's picture marked too; `kept` learns the pages.
    pub(crate) fn write_pages<W: Write>(
        &self,
        out: W,
        view: &ExportView,
        key: &ExportKey,
        names: Vec<String>,
        rows: impl Iterator<Item = Result<Vec<String>>>,
    ) -> Result<KeptPages> {
        let request = &view.request;
        let columns = names.into_iter().zip(&request.fields);
        let columns = columns.map(|(name, field)| {
            let kind = self.field_kind(&request.collection, field);
            (name, parts(kind))
        });
        let mut kept = KeptPages {
            version: VERSION,
            title: request.collection.clone(),
            // Seen by whoever holds the page: whose copy it is, and until when.
            note: format!(
                "{} · {} · {}",
                request.recipient,
                view.id,
                day(request.expires)
            ),
            landscape: is_wide(request),
            columns: columns.collect(),
            canaries: Vec::new(),
            pages: Vec::new(),
        };
        let (layout, font) = (kept.layout(), font()?);
        let (pages, mut failed) = (&mut kept.pages, None);
        let mark = |number: u32, width: u32, height: u32, pixels: &mut [u8]| match marked(
            key,
            &page_id(&view.id, number),
            (width, height),
            pixels,
        ) {
            Ok(page) => pages.push(page),
            Err(error) => failed = Some(error),
        };
        let mut pdf = TablePdf::new(&font, layout, out, mark).map_err(told)?;
        for row in rows {
            pdf.row(&row?).map_err(told)?;
        }
        pdf.finish().map_err(told)?;
        match failed {
            // A page without its mark never leaves.
            Some(error) => Err(error),
            None => Ok(kept),
        }
    }

    /// Keeps, sealed beside the export, what its pages are led back by.
    pub(crate) fn keep_pages(
        &self,
        id: &str,
        mut kept: KeptPages,
        canaries: Vec<Vec<String>>,
    ) -> Result<()> {
        kept.canaries = canaries;
        let bytes = serde_json::to_vec(&kept).map_err(|_| ServiceError::Damaged("pages"))?;
        let name = format!("{id}.pages");
        let mut sealed = self.create_sealed(&self.export_path(&name), &name)?;
        sealed
            .write_all(&bytes)
            .map_err(ServiceError::io("write the pages of an export"))?;
        Self::finish_sealed(sealed)
    }

    /// What the pages of an export are led back by; nothing when it has none.
    pub(crate) fn kept_pages(&self, id: &str) -> Result<Option<KeptPages>> {
        let name = format!("{id}.pages");
        let path = self.export_path(&name);
        if !path.exists() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.open_sealed(&path, &name)?
            .read_to_end(&mut bytes)
            .map_err(ServiceError::io("read the pages of an export"))?;
        let kept: KeptPages =
            serde_json::from_slice(&bytes).map_err(|_| ServiceError::Damaged("pages"))?;
        Ok(Some(kept).filter(|kept| kept.version == VERSION))
    }

    /// Draws a page again, unmarked: with the rows of those who are still in the vault.
    pub(crate) fn page_again(
        &self,
        (export, key): (&StoredExport, &ExportKey),
        kept: &KeptPages,
        number: u32,
        font: &Font,
    ) -> Result<Again> {
        let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let page = kept.pages.get(at).ok_or(ServiceError::NotFound("page"))?;
        let layout = kept.layout();
        let rows = self.rows_again(export, key, kept, (at, layout.rows_per_page()))?;
        let raster = layout.page_image(font, number, &rows).map_err(told)?;
        Ok(Again {
            same: hash(raster.pixels()) == page.sha256,
            plane: plane(layout.page_pixels(), raster.pixels())?,
        })
    }

    /// The marked rows of page `at`, counted from zero.
    fn rows_again(
        &self,
        export: &StoredExport,
        key: &ExportKey,
        kept: &KeptPages,
        (at, per_page): (usize, usize),
    ) -> Result<Vec<Vec<String>>> {
        let subjects = self.kept_subjects(&export.view.id)?;
        let places = canary::positions(key, subjects.len() as u64, kept.canaries.len());
        let (request, code) = (&export.view.request, self.code_key());
        let total = subjects.len() + kept.canaries.len();
        let first = at.saturating_mul(per_page).min(total);
        let row = |place: usize| {
            let before = places.partition_point(|canary| *canary < place as u64);
            if places.get(before) == Some(&(place as u64)) {
                return Ok(kept.canaries.get(before).cloned().unwrap_or_default());
            }
            let subject = subjects
                .get(place - before)
                .ok_or(ServiceError::Damaged("row count"))?;
            let values = self.open_row(subject, request)?;
            let marked = mark_row(&code, key, subject.as_bytes(), &cells(request, &values));
            let written = marked.values.iter();
            Ok(written.map(|value| value.as_str().to_owned()).collect())
        };
        (first..total.min(first + per_page)).map(row).collect()
    }
}

/// Marks a page and answers what it is led back by.
fn marked(key: &ExportKey, page: &str, size: (u32, u32), pixels: &mut [u8]) -> Result<KeptPage> {
    let limits = hidden::Limits::default();
    let failed =
        |error: liuhen_fingerprint::FingerprintError| ServiceError::Invalid(error.to_string());
    let unmarked = plane(size, pixels)?;
    let print = Reference::new(&unmarked, limits).map_err(failed)?.print();
    let sha256 = hash(pixels);
    let mark = hidden::mark(&unmarked, key, page.as_bytes(), limits).map_err(failed)?;
    for (pixel, change) in pixels.iter_mut().zip(mark.change()) {
        *pixel = pixel.saturating_add_signed(*change);
    }
    Ok(KeptPage { print, sha256 })
}

fn hash(pixels: &[u8]) -> String {
    ids::hex(&Sha256::digest(pixels))
}

fn plane((width, height): (u32, u32), pixels: &[u8]) -> Result<Plane> {
    let side = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let values = pixels.iter().map(|pixel| f32::from(*pixel)).collect();
    Plane::new(side(width), side(height), values)
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "for map_err, which hands the error over"
)]
fn told(error: PaperError) -> ServiceError {
    ServiceError::Setup(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: usize) -> ExportRequest {
        ExportRequest {
            recipient: "somebody".to_owned(),
            purpose: "care".to_owned(),
            collection: "people".to_owned(),
            fields: (0..fields).map(|at| at.to_string()).collect(),
            limit: None,
            format: "pdf".to_owned(),
            encoding: String::new(),
            exact: false,
            extra_canaries: None,
            expires: 0,
            note: String::new(),
        }
    }

    #[test]
    fn refuses_more_than_a_pdf_holds() {
        let why = |fields, rows| check(&request(fields), rows).unwrap_err().to_string();
        assert_eq!(
            why(3, 20_001),
            "a PDF holds at most 20000 rows here; ask for csv"
        );
        assert_eq!(why(25, 1), "a PDF holds at most 24 columns; ask for csv");
    }

    #[test]
    fn pages_are_counted_as_they_are_drawn() {
        let upright = pages_of(&request(4), 1_000);
        let across = pages_of(&request(9), 1_000);
        assert!(upright > 20 && across > upright, "{upright} {across}");
        assert_eq!((pages_of(&request(4), 0), pages_of(&request(4), 1)), (1, 1));
    }

    #[test]
    fn a_page_is_marked_within_its_brightness() {
        let key = ExportKey::from_secret([5; 32]);
        let mut pixels: Vec<u8> = (0..256_u32 * 256)
            .map(|at| {
                if (at / 9 + at / 2_000) % 5 == 0 {
                    20
                } else {
                    255
                }
            })
            .collect();
        let unmarked = pixels.clone();
        let kept = marked(&key, "x/1", (256, 256), &mut pixels).unwrap();
        assert_eq!(kept.sha256, hash(&unmarked));
        let most = pixels
            .iter()
            .zip(&unmarked)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(matches!(most, Some(1..60)), "{most:?}");
    }
}
