//! PDF: its pages painted, what is to be hidden painted over, and nothing else taken along.
//!
//! The letters of a page are joined to lines as they stand, found in as text, and painted over
//! where they are; with eyes, what the painted page shows is looked for as in any picture, so that
//! what only its pictures say is hidden too. Text under a black box, earlier revisions,
//! attachments, forms, scripts and properties stay behind with the file.

use std::io::Cursor;

use liuhen_paper::PicturePages;
use liuhen_reading::{Limits, Pdf, ReadError};
use liuhen_redact::{Dropped, Format, Job, Refusal};
use liuhen_render::{Letter, Pages, RenderError};

use super::eyes::{Eyes, refusal};

/// Pixels to the inch: small print is read again at 200 (ISO/IEC 19794-5 and fax alike print so).
const DPI: f32 = 200.0;
/// Of the JPEG of a page: letters stay clean.
const QUALITY: u8 = 90;

/// PDF, with or without eyes. Without them a page that shows pictures is refused.
#[derive(Debug)]
pub struct Paged<'a>(pub Option<&'a Eyes<'a>>);

impl Format for Paged<'_> {
    fn takes(&self, head: &[u8], _: &str) -> bool {
        // ISO 32000-1, annex H: readers accept the header anywhere in the first 1,024 bytes.
        head.iter()
            .take(1024)
            .collect::<Vec<_>>()
            .windows(5)
            .any(|at| at.iter().copied().eq(b"%PDF-"))
    }

    fn redact(&self, bytes: &[u8], _: &str, job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
        within_bounds(bytes)?;
        let pages = Pages::open(bytes.to_vec()).map_err(|error| match error {
            RenderError::Encrypted => Refusal::Encrypted,
            _ => Refusal::Damaged("the PDF"),
        })?;
        if pages.is_empty() {
            return Err(Refusal::Damaged("the PDF, which has no page"));
        }
        let failed = |_| Refusal::Damaged("the copy of a page");
        let mut copy = PicturePages::new(Vec::new(), QUALITY).map_err(failed)?;
        for number in 0..pages.len() {
            let mut page = pages
                .page(number, DPI)
                .map_err(|_| Refusal::Damaged("a page of the PDF"))?;
            if self.0.is_none() && (page.pictures > 0 || page.unknown > 0) {
                return Err(Refusal::Port(
                    "a page shows pictures or letters that only eyes can read: `liuhen models install`",
                ));
            }
            let sheet = Sheet::new(&page.letters);
            for hidden in job.find(&sheet.text) {
                for corners in sheet.places(hidden.start, hidden.end) {
                    page.picture.fill(&corners, [0, 0, 0]);
                }
            }
            let picture = match self.0 {
                Some(eyes) => {
                    let painted = eyes
                        .looker
                        .hide_pixels(page.picture, eyes.detector, &eyes.hide)
                        .map_err(|error| refusal(&error))?;
                    job.hid(painted.found.iter().map(|(&kind, &count)| (kind, count)));
                    painted.picture
                }
                None => page.picture,
            };
            copy.page(&picture, page.dpi).map_err(failed)?;
        }
        job.drop(Dropped::Metadata, 1);
        copy.finish().map_err(failed)
    }
}

/// Whether the file unpacks to no more than it may: painting it knows no bound.
fn within_bounds(bytes: &[u8]) -> Result<(), Refusal> {
    let refused = |error| match error {
        ReadError::TooLarge { budget } => Refusal::TooLarge(budget),
        ReadError::EncryptedPdf => Refusal::Encrypted,
        _ => Refusal::Damaged("the PDF"),
    };
    let mut pdf = Pdf::open(Cursor::new(bytes), &Limits::default()).map_err(refused)?;
    for page in 0..pdf.pages() {
        pdf.text(page).map_err(refused)?;
    }
    Ok(())
}

/// The letters of a page as one text, and where each stands.
struct Sheet<'a> {
    text: String,
    /// Where each letter begins in the text.
    letters: Vec<(usize, &'a Letter)>,
}

impl<'a> Sheet<'a> {
    /// Letters in the order in which they are drawn; a gap is a space, a new line a new line.
    fn new(letters: &'a [Letter]) -> Sheet<'a> {
        let mut sheet = Sheet {
            text: String::new(),
            letters: Vec::with_capacity(letters.len()),
        };
        let mut before: Option<&Letter> = None;
        for letter in letters {
            if let Some(before) = before {
                match step(before, letter) {
                    Step::On => {}
                    Step::Gap => sheet.text.push(' '),
                    Step::Line => sheet.text.push('\n'),
                }
            }
            sheet.letters.push((sheet.text.len(), letter));
            sheet.text.push_str(&letter.text);
            before = Some(letter);
        }
        sheet
    }

    /// Where a stretch of the text stands: on each line from its first letter to its last, a margin
    /// around it, since letters may be wider than their file says.
    fn places(&self, from: usize, to: usize) -> Vec<[(f32, f32); 4]> {
        let mut out: Vec<(&Letter, &Letter)> = Vec::new();
        for (start, letter) in &self.letters {
            if *start >= to || start + letter.text.len() <= from {
                continue;
            }
            match out.last_mut() {
                Some((_, last)) if !matches!(step(last, letter), Step::Line) => *last = letter,
                _ => out.push((letter, letter)),
            }
        }
        out.into_iter()
            .map(|(first, last)| {
                let [low_begin, _, _, high_begin] = first.corners;
                let [_, low_end, high_end, _] = last.corners;
                widened([low_begin, low_end, high_end, high_begin])
            })
            .collect()
    }
}

/// Corners moved along their line by a share of the letters' height.
fn widened([a, b, c, d]: [(f32, f32); 4]) -> [(f32, f32); 4] {
    const BEFORE: f32 = 0.1;
    const BEHIND: f32 = 0.3;
    let high = (d.0 - a.0).hypot(d.1 - a.1);
    let length = (b.0 - a.0).hypot(b.1 - a.1).max(1e-3);
    let along = ((b.0 - a.0) / length * high, (b.1 - a.1) / length * high);
    let moved = |point: (f32, f32), by: f32| (point.0 + along.0 * by, point.1 + along.1 * by);
    [
        moved(a, -BEFORE),
        moved(b, BEHIND),
        moved(c, BEHIND),
        moved(d, -BEFORE),
    ]
}

enum Step {
    On,
    Gap,
    Line,
}

/// How one letter follows another, by their corners: along the line of the first, and across it.
fn step(before: &Letter, letter: &Letter) -> Step {
    let [begin, end, top, _] = before.corners;
    let (along, high) = (
        (end.0 - begin.0, end.1 - begin.1),
        (top.0 - end.0, top.1 - end.1),
    );
    let size = high.0.hypot(high.1).max(1e-3);
    let wide = along.0.hypot(along.1).max(1e-3);
    let next = letter.corners[0];
    let (dx, dy) = (next.0 - end.0, next.1 - end.1);
    let on = (dx * along.0 + dy * along.1) / wide;
    let off = (dx * high.0 + dy * high.1) / size;
    // The box of a letter is 1.25 of its size high.
    if off.abs() > 0.4 * size || on < -2.0 * size || on > 8.0 * size {
        Step::Line
    } else if on > 0.2 * size {
        Step::Gap
    } else {
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str, left: f32, base: f32) -> Letter {
        Letter {
            text: text.into(),
            corners: [
                (left, base),
                (left + 10.0, base),
                (left + 10.0, base - 20.0),
                (left, base - 20.0),
            ],
        }
    }

    #[test]
    fn letters_become_lines_and_stretches_places() {
        let letters = [
            letter("电", 0.0, 100.0),
            letter("话", 10.0, 100.0),
            letter("1", 40.0, 100.0),
            letter("5", 50.0, 100.0),
            letter("住", 0.0, 140.0),
        ];
        let sheet = Sheet::new(&letters);
        assert_eq!(sheet.text, "电话 15\n住");
        let places = sheet.places(7, 9);
        assert_eq!(places.len(), 1);
        let [begin, end, ..] = places[0];
        assert!(
            (begin.0 - 38.0).abs() < 1e-3 && (end.0 - 66.0).abs() < 1e-3,
            "{places:?}"
        );
        assert_eq!(sheet.places(0, sheet.text.len()).len(), 2);
    }
}
