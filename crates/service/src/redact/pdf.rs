//! PDF: its pages painted, what is to be hidden painted over, and nothing else taken along.
//!
//! The letters of a page are joined to lines as they stand, found in as text, and painted over
//! where they are; with eyes, what the painted page shows is looked for as in any picture, so that
//! what only its pictures say is hidden too. Text under a black box, earlier revisions,
//! attachments, forms, scripts and properties stay behind with the file.
//!
//! [`Document`] hears and paints pages for whoever makes copies of them, with a person's look
//! (`review`) or without.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::{Arc, LazyLock};

use liuhen_detect::{Detector, Options};
use liuhen_kinds::Kind;
use liuhen_paper::{PaperError, PicturePages};
use liuhen_reading::{Limits, Nature, Pdf, ReadError, nature};
use liuhen_redact::{Dropped, Format, Hidden, Job, Policy, Refusal};
use liuhen_render::{Heard, Letter, Page, Pages, RenderError};

use super::eyes::{Eyes, refusal};
use super::sheet::{Corners, Sheet, boxes};

/// Pixels to the inch: small print is read again at 200 (ISO/IEC 19794-5 and fax alike print so).
const DPI: f32 = 200.0;
/// Of the JPEG of a page: letters stay clean.
const QUALITY: u8 = 90;

/// PDF, with or without eyes. Without them a page that shows pictures is refused.
#[derive(Debug)]
pub struct Paged<'a>(pub Option<&'a Eyes<'a>>);

impl Format for Paged<'_> {
    fn takes(&self, head: &[u8], name: &str) -> bool {
        nature(head, name) == Nature::Pdf
    }

    fn redact(&self, bytes: &[u8], _: &str, job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
        // However long the file is: each of its streams is bounded, and nobody else waits.
        let document = Document::open(Arc::new(bytes.to_vec()), u64::MAX)?;
        let eyes = self.0.is_some();
        let values = document.values(eyes, &mut |text| told(&job.find(text)))?;
        let failed = |_| Refusal::Damaged("the copy of a page");
        let mut copy = copy_to(Vec::new()).map_err(failed)?;
        for number in 0..document.len() {
            let mut page = document.page(number)?;
            let letters = &page.heard.letters;
            let found = found(letters, &values, &mut |text| told(&job.find(text)));
            for stretch in found {
                for corners in &stretch.places {
                    page.picture.fill(corners, [0, 0, 0]);
                }
                job.hid([(stretch.kind, 1)]);
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

/// Something found in a text of a page.
pub(crate) struct Told {
    kind: Kind,
    /// How sure, 0 to 1; 1 from whoever does not say.
    confidence: f32,
    /// Its first byte, and the byte behind its last.
    start: usize,
    end: usize,
}

fn told(found: &[Hidden]) -> Vec<Told> {
    let told = found.iter().map(|hidden| Told {
        kind: hidden.kind,
        confidence: 1.0,
        start: hidden.start,
        end: hidden.end,
    });
    told.collect()
}

/// Finds in a text what is to be hidden.
pub(crate) type Find<'f> = dyn FnMut(&str) -> Vec<Told> + 'f;

/// What `redact` hides in texts when no policy says otherwise, as [`Find`].
pub(crate) fn by_default(text: &str) -> Vec<Told> {
    static ENGINE: LazyLock<(Policy, Detector)> = LazyLock::new(|| {
        let policy = Policy::default();
        let least = policy.least();
        let options = Options {
            model: true,
            least,
            ..Options::default()
        };
        (policy, Detector::with(&[], options))
    });
    let (policy, detector) = &*ENGINE;
    let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    detector.hits(text, |found| {
        if policy.hides(found.hit.kind) {
            let (start, end) = found.hit.span.bytes;
            out.push(Told {
                kind: found.hit.kind,
                confidence: found.hit.confidence,
                start: byte(start),
                end: byte(end),
            });
        }
    });
    out
}

/// Values that are hidden wherever they stand, without what lies between their letters.
pub(crate) type Values = BTreeMap<String, (Kind, f32)>;

/// A PDF that can be heard and painted.
pub(crate) struct Document {
    pages: Pages,
    /// The text of every page as another reader reads it.
    texts: Vec<String>,
}

impl Document {
    /// Opens a file whose streams unpack to at most `all` bytes together.
    ///
    /// # Errors
    ///
    /// [`Refusal::Encrypted`], [`Refusal::Damaged`], also without a page, [`Refusal::TooLarge`].
    pub(crate) fn open<T>(bytes: Arc<T>, all: u64) -> Result<Self, Refusal>
    where
        T: AsRef<[u8]> + Send + Sync + 'static,
    {
        let texts = texts((*bytes).as_ref(), all)?;
        let pages = painter(bytes)?;
        if pages.is_empty() {
            return Err(Refusal::Damaged("the PDF, which has no page"));
        }
        announced(pages.largest())?;
        Ok(Self { pages, texts })
    }

    /// How many pages there are.
    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    /// Pixels that a page is painted with.
    pub(crate) fn pixels(&self, number: usize) -> Result<u64, Refusal> {
        self.pages.pixels(number, DPI).map_err(broken)
    }

    /// Pixels that the largest picture among the file's objects announces.
    pub(crate) fn largest(&self) -> u64 {
        self.pages.largest()
    }

    /// What a page says.
    pub(crate) fn heard(&self, number: usize) -> Result<Heard, Refusal> {
        self.pages.hear(number, DPI).map_err(broken)
    }

    /// A page, painted, with what it says.
    fn page(&self, number: usize) -> Result<Page, Refusal> {
        self.pages.page(number, DPI).map_err(broken)
    }

    /// Every value that is to be hidden, from all pages: what is told on one is hidden on all.
    ///
    /// # Errors
    ///
    /// [`Refusal`] of what cannot be hidden surely; without `eyes` that is any page that only they
    /// can read.
    pub(crate) fn values(&self, eyes: bool, find: &mut Find<'_>) -> Result<Values, Refusal> {
        let mut values = Values::new();
        let mut note = |text: &str| -> Vec<String> {
            let found = find(text);
            let told = found.iter().filter_map(|told| {
                let value = squeezed(text.get(told.start..told.end)?);
                is_distinctive(&value).then_some((value, (told.kind, told.confidence)))
            });
            let told: Vec<_> = told.collect();
            values.extend(told.iter().cloned());
            told.into_iter().map(|(value, _)| value).collect()
        };
        for number in 0..self.len() {
            let heard = self.heard(number)?;
            if heard.cut {
                return Err(Refusal::TooLarge(heard.letters.len() as u64));
            }
            announced(heard.largest)?;
            if !eyes && (heard.pictures > 0 || heard.unknown > 0) {
                return Err(Refusal::Port(
                    "a page shows pictures, or letters of which the file does not say what they are; eyes can read them: `liuhen models install`",
                ));
            }
            let sheets = [Sheet::drawn(&heard.letters), Sheet::placed(&heard.letters)];
            for sheet in &sheets {
                note(&sheet.text);
            }
            // Another reader of the same page: what it finds must be among the letters.
            let text = self.texts.get(number).map_or("", String::as_str);
            for value in note(text) {
                let placed = sheets.iter().any(|sheet| !sheet.all(&value).is_empty());
                if !placed && !eyes {
                    return Err(Refusal::Left);
                }
            }
        }
        Ok(values)
    }
}

/// One page of a file that was opened as a [`Document`] before, painted.
///
/// # Errors
///
/// [`Refusal::Damaged`], also when there is no such page.
pub(crate) fn painted<T>(bytes: Arc<T>, number: usize) -> Result<Page, Refusal>
where
    T: AsRef<[u8]> + Send + Sync + 'static,
{
    painter(bytes)?.page(number, DPI).map_err(broken)
}

/// A copy whose pages are pictures, under way.
///
/// # Errors
///
/// [`PaperError`], as writing gives it.
pub(crate) fn copy_to<W: Write>(to: W) -> Result<PicturePages<W>, PaperError> {
    PicturePages::new(to, QUALITY)
}

fn painter<T>(bytes: Arc<T>) -> Result<Pages, Refusal>
where
    T: AsRef<[u8]> + Send + Sync + 'static,
{
    Pages::shared(bytes).map_err(|error| match error {
        RenderError::Encrypted => Refusal::Encrypted,
        _ => Refusal::Damaged("the PDF"),
    })
}

/// Room for a picture is made by what it announces: one of more pixels than any picture may have is
/// refused before it is painted.
fn announced(pixels: u64) -> Result<(), Refusal> {
    let limit = liuhen_picture::Limits::default().pixels;
    match pixels <= limit {
        true => Ok(()),
        false => Err(Refusal::TooManyPixels(limit)),
    }
}

fn broken(_: RenderError) -> Refusal {
    Refusal::Damaged("a page of the PDF")
}

/// The text of every page by `reading`, which bounds what the file's streams unpack to, each and all
/// together: painting knows no bound.
fn texts(bytes: &[u8], all: u64) -> Result<Vec<String>, Refusal> {
    let refused = |error| match error {
        ReadError::TooLarge { budget } => Refusal::TooLarge(budget),
        ReadError::EncryptedPdf => Refusal::Encrypted,
        _ => Refusal::Damaged("the PDF"),
    };
    let mut pdf = Pdf::open(Cursor::new(bytes), &Limits::default()).map_err(refused)?;
    pdf.weigh(all).map_err(refused)?;
    (0..pdf.pages())
        .map(|page| pdf.text(page).map_err(refused))
        .collect()
}

/// A text without what lies between its letters.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

/// Whether a value says enough by itself to be looked for everywhere: a name of two Chinese
/// letters, or six characters of anything else.
fn is_distinctive(value: &str) -> bool {
    let count = value.chars().count();
    count >= 6 || count >= 2 && value.chars().all(|letter| !letter.is_ascii())
}

/// Something that letters say and that is to be hidden.
pub(crate) struct Stretch {
    /// What it is.
    pub(crate) kind: Kind,
    /// How sure, 0 to 1.
    pub(crate) confidence: f32,
    /// What is painted over: a box for each line.
    pub(crate) places: Vec<Corners>,
}

/// What is to be hidden on a page, no letters twice.
pub(crate) fn found(letters: &[Letter], values: &Values, find: &mut Find<'_>) -> Vec<Stretch> {
    let sheets = [Sheet::drawn(letters), Sheet::placed(letters)];
    let mut out = Vec::new();
    let mut covered = vec![false; letters.len()];
    let mut keep = |kind: Kind, confidence: f32, stretch: &[usize]| {
        if stretch.iter().any(|&letter| !covered[letter]) {
            for &letter in stretch {
                covered[letter] = true;
            }
            out.push(Stretch {
                kind,
                confidence,
                places: boxes(letters, stretch),
            });
        }
    };
    for sheet in &sheets {
        for told in find(&sheet.text) {
            let stretch = sheet.within(told.start, told.end);
            keep(told.kind, told.confidence, &stretch);
        }
        for (value, &(kind, confidence)) in values {
            for stretch in sheet.all(value) {
                keep(kind, confidence, &stretch);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use liuhen_testkit::pdf::{Leaf, document};

    use super::*;

    fn passports(text: &str) -> Vec<Told> {
        let found = text.match_indices("Passport: ");
        let told = found.map(|(at, word)| Told {
            kind: Kind::PASSPORT,
            confidence: 0.7,
            start: at + word.len(),
            end: at + word.len() + 9,
        });
        told.collect()
    }

    #[test]
    fn what_is_found_on_one_page_is_hidden_on_all() {
        let file = document(&[
            Leaf::Text(&["Passport: E 1234 5678", "Passport: none here"]),
            Leaf::Text(&["Nothing to find"]),
            Leaf::Text(&["again E12345678 and E12345678"]),
        ]);
        let document = Document::open(Arc::new(file), 1 << 20).unwrap();
        let values = document.values(false, &mut passports).unwrap();
        assert_eq!(values.len(), 2);
        let hidden = |page: usize| {
            let letters = document.heard(page).unwrap().letters;
            let found = found(&letters, &values, &mut passports);
            found.iter().map(|it| it.places.len()).collect::<Vec<_>>()
        };
        assert_eq!(hidden(0).len(), 2);
        assert!(hidden(1).is_empty());
        assert_eq!(hidden(2), [1, 1]);
    }

    #[test]
    fn values_that_say_too_little_are_not_looked_for_everywhere() {
        assert!(is_distinctive("周燕") && is_distinctive("123456"));
        assert!(!is_distinctive("女") && !is_distinctive("A1"));
    }
}
