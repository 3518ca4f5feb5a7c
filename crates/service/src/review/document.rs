//! A PDF under review: heard whole, then looked at and painted page by page.
//!
//! Hearing, painting and the written copy are `redact`'s, so that a person is shown what the verb
//! would hide; what is held between two pages are places and kinds, never a value.

use std::io::{self, Cursor, Write};
use std::sync::Arc;

use liuhen_paper::PicturePages;
use liuhen_picture::Format;
use liuhen_reading::{Limits, Nature, Pdf, PdfPicture, ReadError, nature};
use liuhen_redact::{Policy, Refusal};
use liuhen_vision::Point;
use zeroize::Zeroizing;

use super::bench::{Bytes, Looked};
use super::rules::{Rules, rules};
use super::{ReviewProblem, hide_problem};
use crate::redact::{Eyes, pdf};
use crate::sight::{self, Decided, Faces, Hide, Looker, Mark, Quad, Sort};

/// Bytes that a file is judged by.
const HEAD: usize = 4 << 10;

/// Whether a file says that it is a PDF.
pub(super) fn is_one(file: &[u8]) -> bool {
    nature(file.get(..HEAD).unwrap_or(file), "") == Nature::Pdf
}

/// What the letters of each page say, as marks, what is found on one page looked for on all.
///
/// The file's bounds are asked here, before anything is painted.
pub(super) fn heard(file: &Bytes) -> Result<Vec<Vec<Mark>>, ReviewProblem> {
    let rules = rules().map_err(|_| ReviewProblem::Networks)?;
    // Before any page is heard: a reader that bounds what it unpacks counts them.
    fits(counted(file)?, rules)?;
    let document = pdf::Document::open(Arc::clone(file), rules.pdf.unpacked);
    let document = document.map_err(|error| refused(&error))?;
    let pages = document.len();
    fits(pages, rules)?;
    let (mut pixels, mut letters) = (0, 0);
    for page in 0..pages {
        pixels += document.pixels(page).map_err(|error| refused(&error))?;
        let heard = document.heard(page).map_err(|error| refused(&error))?;
        letters += heard.letters.len();
        if heard.largest > rules.picture.pixels || letters > rules.pdf.letters {
            return Err(ReviewProblem::TooLarge);
        }
    }
    if pixels > rules.pdf.pixels || document.largest() > rules.picture.pixels {
        return Err(ReviewProblem::TooLarge);
    }
    let values = document.values(true, &mut pdf::by_default);
    let values = values.map_err(|error| refused(&error))?;
    let (mut said, mut marks) = (Vec::with_capacity(pages), 0);
    for page in 0..pages {
        let heard = document.heard(page).map_err(|error| refused(&error))?;
        let found = pdf::found(&heard.letters, &values, &mut pdf::by_default);
        marks += found.len();
        if marks > rules.pdf.marks {
            return Err(ReviewProblem::TooLarge);
        }
        said.push(found.iter().map(mark).collect());
    }
    Ok(said)
}

/// How many pages there are.
fn counted(file: &Bytes) -> Result<usize, ReviewProblem> {
    let unread = |error| match error {
        ReadError::TooLarge { .. } => ReviewProblem::TooLarge,
        ReadError::EncryptedPdf => ReviewProblem::Encrypted,
        _ => ReviewProblem::Damaged,
    };
    let source = Cursor::new(file.as_slice());
    let document = Pdf::open(source, &Limits::default()).map_err(unread)?;
    Ok(document.pages())
}

fn fits(pages: usize, rules: &Rules) -> Result<(), ReviewProblem> {
    match pages <= rules.pdf.pages {
        true => Ok(()),
        false => Err(ReviewProblem::TooManyPages(rules.pdf.pages)),
    }
}

fn refused(refusal: &Refusal) -> ReviewProblem {
    match refusal {
        Refusal::Encrypted => ReviewProblem::Encrypted,
        Refusal::TooLarge(_) | Refusal::TooManyPixels(_) => ReviewProblem::TooLarge,
        _ => ReviewProblem::Damaged,
    }
}

fn mark(stretch: &pdf::Stretch) -> Mark {
    let quad = |corners: &[(f32, f32); 4]| Quad(corners.map(|(x, y)| Point::new(x, y)));
    Mark {
        sort: Sort::Words,
        kinds: vec![stretch.kind],
        confidence: Some(stretch.confidence),
        places: stretch.places.iter().map(quad).collect(),
    }
}

/// What is hidden on pages: what `redact` hides when no policy says otherwise.
fn hide(looker: &Looker, faces: Faces) -> Hide {
    let hide = Hide {
        faces,
        ..Hide::default()
    };
    Eyes::new(looker, sight::detector(), &Policy::default(), hide).hide
}

/// A page that is looked at, with what its letters say.
pub(super) fn looked(
    looker: &Looker,
    file: &Bytes,
    page: usize,
    said: Vec<Mark>,
) -> Result<Looked, ReviewProblem> {
    let painted = pdf::painted(Arc::clone(file), page).map_err(|error| refused(&error))?;
    let seen = super::seen(looker, painted.picture)?;
    let marks = together(said, seen.marks(&hide(looker, Faces::Fill)));
    super::shown(&seen, marks, Vec::new())
}

/// What letters say and what eyes see as one list from the top of the page: what both tell of is one
/// mark, with the places of both.
fn together(said: Vec<Mark>, seen: Vec<Mark>) -> Vec<Mark> {
    let mut marks = said;
    for mark in seen {
        let same = |other: &&mut Mark| {
            let knows = mark.kinds.iter().any(|kind| other.kinds.contains(kind));
            match mark.sort {
                Sort::Face | Sort::Code => false,
                Sort::Words => knows && (mark.is_part_of(other) || other.is_part_of(&mark)),
                Sort::Number | Sort::Unread => mark.is_part_of(other),
            }
        };
        let Some(other) = marks.iter_mut().find(same) else {
            marks.push(mark);
            continue;
        };
        other.kinds.extend(mark.kinds);
        other.kinds.sort_unstable();
        other.kinds.dedup();
        other.confidence = match (other.confidence, mark.confidence) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
        other.places.extend(mark.places);
    }
    let place = |mark: &Mark| mark.area().map_or((0.0, 0.0), |area| (area.top, area.left));
    marks.sort_by(|one, two| {
        let (one, two) = (place(one), place(two));
        one.0.total_cmp(&two.0).then(one.1.total_cmp(&two.1))
    });
    marks
}

/// The copy of a PDF, page by page.
#[derive(Default)]
pub(super) struct Begun {
    /// Pages that were painted.
    pub(super) pages: usize,
    /// What is written so far; none before the first page, and none any more once something is
    /// seen that nobody released.
    pub(super) copy: Option<PicturePages<Secret>>,
    /// What only a later look found, each with its page, from 1.
    pub(super) late: Vec<(u32, Mark)>,
    /// How many places are seen still.
    pub(super) left: usize,
    /// Times that the page was looked at which was looked at most.
    pub(super) looks: u32,
}

impl Begun {
    pub(super) fn bytes(&self) -> u64 {
        self.copy.as_ref().map_or(0, PicturePages::bytes)
    }

    /// Paints the next page as it was decided, looks at it again, and writes it.
    pub(super) fn page(
        mut self,
        looker: &Looker,
        file: &Bytes,
        decided: &Decided,
        coarsen: bool,
    ) -> Result<Self, ReviewProblem> {
        let hide = hide(looker, super::faces(coarsen));
        let page = pdf::painted(Arc::clone(file), self.pages).map_err(|error| refused(&error))?;
        let dpi = page.dpi;
        let settled = looker
            .hide_decided(page.picture, sight::detector(), &hide, decided)
            .map_err(|error| hide_problem(&error))?;
        let first = self.pages == 0;
        self.pages += 1;
        let number = u32::try_from(self.pages).unwrap_or(u32::MAX);
        self.late
            .extend(settled.late.into_iter().map(|mark| (number, mark)));
        self.left += settled.left;
        let copy = match self.copy.take() {
            None if first => {
                let begun = pdf::copy_to(Secret::default());
                Some(begun.map_err(|_| ReviewProblem::NotWritten)?)
            }
            copy => copy,
        };
        // Without this page there is no copy; the others are gone through all the same, so that
        // everything is told at once.
        if let (Some(mut copy), Some(painted)) = (copy, settled.painted) {
            self.looks = self.looks.max(painted.looks);
            copy.page(&painted.picture, dpi)
                .map_err(|_| ReviewProblem::NotWritten)?;
            self.copy = Some(copy);
        }
        Ok(self)
    }

    /// The copy, where nothing is seen that was not released: read again, it has as many pages and
    /// no letter.
    pub(super) fn finished(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, ReviewProblem> {
        let Some(copy) = self.copy.take() else {
            return Ok(None);
        };
        let Secret(bytes) = copy.finish().map_err(|_| ReviewProblem::NotWritten)?;
        let unsound = |_| ReviewProblem::NotWritten;
        let source = Cursor::new(bytes.as_slice());
        let mut again = Pdf::open(source, &Limits::default()).map_err(unsound)?;
        let mut sound = again.pages() == self.pages;
        for page in 0..again.pages() {
            sound &= again.text(page).map_err(unsound)?.trim().is_empty();
        }
        match sound {
            true => Ok(Some(bytes)),
            false => Err(ReviewProblem::NotWritten),
        }
    }
}

/// The picture that a page of a copy is, as it lies in it.
pub(super) fn page_of_copy(copy: &[u8], page: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut copy = Pdf::open(Cursor::new(copy), &Limits::default()).ok()?;
    let pictures = copy.pictures(page).ok()?.into_iter();
    let mut jpeg = pictures.filter_map(|picture| match picture {
        PdfPicture::Jpeg(bytes) => Some(Zeroizing::new(bytes)),
        _ => None,
    });
    jpeg.next()
        .filter(|bytes| Format::guess(bytes) == Some(Format::Jpeg))
}

/// Media type of a page of a copy.
pub(super) const PAGE_TYPE: &str = "image/jpeg";

/// Bytes that are overwritten when they go, also when they grow.
#[derive(Default)]
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Write for Secret {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(length.max(2 * self.0.len())));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use liuhen_kinds::Kind;

    use super::*;

    fn at(sort: Sort, kind: Option<Kind>, left: f32, top: f32, width: f32) -> Mark {
        Mark {
            sort,
            kinds: kind.into_iter().collect(),
            confidence: kind.map(|_| 0.6),
            places: vec![Quad::upright(left, top, width, 20.0)],
        }
    }

    #[test]
    fn what_letters_say_and_eyes_see_is_told_once() {
        let mobile = Some(Kind::MOBILE);
        let said = vec![
            at(Sort::Words, mobile, 100.0, 200.0, 110.0),
            at(Sort::Words, Some(Kind::PERSON_NAME), 100.0, 100.0, 60.0),
        ];
        let seen = vec![
            at(Sort::Words, mobile, 103.0, 201.0, 104.0),
            at(Sort::Number, None, 101.0, 202.0, 100.0),
            // Another finding at the same place is told beside.
            at(Sort::Words, Some(Kind::ADDRESS), 90.0, 99.0, 400.0),
            at(Sort::Face, Some(Kind::FACE_IMAGE), 100.0, 101.0, 50.0),
            at(Sort::Unread, None, 500.0, 10.0, 50.0),
        ];
        let marks = together(said, seen);
        let told: Vec<_> = marks
            .iter()
            .map(|mark| (mark.sort, mark.places.len()))
            .collect();
        assert_eq!(
            told,
            [
                (Sort::Unread, 1),
                (Sort::Words, 1),
                (Sort::Words, 1),
                (Sort::Face, 1),
                (Sort::Words, 3),
            ]
        );
        assert_eq!(marks[4].kinds, [Kind::MOBILE]);
    }

    #[test]
    fn what_is_written_is_held_once_however_it_grows() {
        let mut held = Secret::default();
        for at in 0..2_000_u32 {
            held.write_all(&at.to_le_bytes()).unwrap();
        }
        assert_eq!(held.0.len(), 8_000);
        assert_eq!(held.0[7_996..], 1_999_u32.to_le_bytes());
    }
}
