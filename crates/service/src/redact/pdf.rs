//! PDF: its pages painted, what is to be hidden painted over, and nothing else taken along.
//!
//! The letters of a page are joined to lines as they stand, found in as text, and painted over
//! where they are; with eyes, what the painted page shows is looked for as in any picture, so that
//! what only its pictures say is hidden too. Text under a black box, earlier revisions,
//! attachments, forms, scripts and properties stay behind with the file.

use std::collections::BTreeMap;
use std::io::Cursor;

use liuhen_kinds::Kind;
use liuhen_paper::PicturePages;
use liuhen_picture::Picture;
use liuhen_reading::{Limits, Nature, Pdf, ReadError, nature};
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
    fn takes(&self, head: &[u8], name: &str) -> bool {
        nature(head, name) == Nature::Pdf
    }

    fn redact(&self, bytes: &[u8], _: &str, job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
        let texts = texts(bytes)?;
        let pages = Pages::open(bytes.to_vec()).map_err(|error| match error {
            RenderError::Encrypted => Refusal::Encrypted,
            _ => Refusal::Damaged("the PDF"),
        })?;
        if pages.is_empty() {
            return Err(Refusal::Damaged("the PDF, which has no page"));
        }
        let values = self.values(&pages, &texts, job)?;
        let failed = |_| Refusal::Damaged("the copy of a page");
        let mut copy = PicturePages::new(Vec::new(), QUALITY).map_err(failed)?;
        for number in 0..pages.len() {
            let mut page = pages.page(number, DPI).map_err(broken)?;
            for (kind, letters) in found(&page.heard.letters, &values, job) {
                paint(&mut page.picture, &page.heard.letters, &letters);
                job.hid([(kind, 1)]);
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

impl Paged<'_> {
    /// Every value that is to be hidden, from all pages: what is told on one is hidden on all.
    /// Refuses what cannot be hidden surely.
    fn values(
        &self,
        pages: &Pages,
        texts: &[String],
        job: &mut Job<'_, '_>,
    ) -> Result<BTreeMap<String, Kind>, Refusal> {
        let mut values = BTreeMap::new();
        let mut note = |text: &str, job: &mut Job<'_, '_>| -> Vec<String> {
            let found = job.find(text);
            let told = found.iter().filter_map(|hidden| {
                let value = squeezed(text.get(hidden.start..hidden.end)?);
                is_distinctive(&value).then_some((value, hidden.kind))
            });
            let told: Vec<_> = told.collect();
            values.extend(told.iter().cloned());
            told.into_iter().map(|(value, _)| value).collect()
        };
        for number in 0..pages.len() {
            let heard = pages.hear(number, DPI).map_err(broken)?;
            if heard.cut {
                return Err(Refusal::TooLarge(heard.letters.len() as u64));
            }
            if self.0.is_none() && (heard.pictures > 0 || heard.unknown > 0) {
                return Err(Refusal::Port(
                    "a page shows pictures, or letters of which the file does not say what they are; eyes can read them: `liuhen models install`",
                ));
            }
            let sheets = [Sheet::drawn(&heard.letters), Sheet::placed(&heard.letters)];
            for sheet in &sheets {
                note(&sheet.text, job);
            }
            // Another reader of the same page: what it finds must be among the letters.
            let text = texts.get(number).map_or("", String::as_str);
            for value in note(text, job) {
                let placed = sheets.iter().any(|sheet| !sheet.all(&value).is_empty());
                if !placed && self.0.is_none() {
                    return Err(Refusal::Left);
                }
            }
        }
        Ok(values)
    }
}

fn broken(_: RenderError) -> Refusal {
    Refusal::Damaged("a page of the PDF")
}

/// The text of every page by `reading`, which bounds what the file unpacks to: painting knows no
/// bound.
fn texts(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    let refused = |error| match error {
        ReadError::TooLarge { budget } => Refusal::TooLarge(budget),
        ReadError::EncryptedPdf => Refusal::Encrypted,
        _ => Refusal::Damaged("the PDF"),
    };
    let mut pdf = Pdf::open(Cursor::new(bytes), &Limits::default()).map_err(refused)?;
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

/// What is to be hidden on a page, each as the letters it is made of, no letters twice.
fn found(
    letters: &[Letter],
    values: &BTreeMap<String, Kind>,
    job: &mut Job<'_, '_>,
) -> Vec<(Kind, Vec<usize>)> {
    let sheets = [Sheet::drawn(letters), Sheet::placed(letters)];
    let mut out: Vec<(Kind, Vec<usize>)> = Vec::new();
    let mut covered = vec![false; letters.len()];
    let mut keep = |kind: Kind, stretch: Vec<usize>| {
        if stretch.iter().any(|&letter| !covered[letter]) {
            for &letter in &stretch {
                covered[letter] = true;
            }
            out.push((kind, stretch));
        }
    };
    for sheet in &sheets {
        for hidden in job.find(&sheet.text) {
            keep(hidden.kind, sheet.within(hidden.start, hidden.end));
        }
        for (value, &kind) in values {
            for stretch in sheet.all(value) {
                keep(kind, stretch);
            }
        }
    }
    out
}

/// Paints letters over: each where it stands, what lies between two of a line, and letters that
/// were drawn again upon one of them.
fn paint(picture: &mut Picture, letters: &[Letter], stretch: &[usize]) {
    let mut fill = |corners: [(f32, f32); 4]| picture.fill(&corners, [0, 0, 0]);
    let mut before: Option<&Letter> = None;
    for letter in stretch.iter().filter_map(|&at| letters.get(at)) {
        fill(widened(letter.corners));
        if let Some(before) = before
            && !matches!(step(before, letter), Step::Line)
        {
            let [_, low, high, _] = before.corners;
            let [next_low, _, _, next_high] = letter.corners;
            fill([low, next_low, next_high, high]);
        }
        before = Some(letter);
        let [(x, y), .., (top_x, top_y)] = letter.corners;
        let size = (top_x - x).hypot(top_y - y);
        let upon = letters.iter().filter(|other| {
            let (other_x, other_y) = other.corners[0];
            other.again && (other_x - x).hypot(other_y - y) < 0.3 * size
        });
        for other in upon {
            fill(widened(other.corners));
        }
    }
}

/// The letters of a page as one text, in some order.
struct Sheet {
    text: String,
    /// Where each letter begins and ends in the text, and which it is.
    letters: Vec<(usize, usize, usize)>,
    /// The text without what lies between letters, each of its characters with its letter.
    squeezed: Vec<(char, usize)>,
}

impl Sheet {
    /// In the order in which they are drawn.
    fn drawn(letters: &[Letter]) -> Sheet {
        Sheet::new(letters, (0..letters.len()).collect())
    }

    /// In the order in which they stand: rows from the top, each from the left.
    fn placed(letters: &[Letter]) -> Sheet {
        let height = |letter: &Letter| {
            let [(x, y), .., (top_x, top_y)] = letter.corners;
            (top_x - x).hypot(top_y - y).max(1.0)
        };
        let mut order: Vec<usize> = (0..letters.len()).collect();
        order.sort_by(|&a, &b| letters[a].corners[0].1.total_cmp(&letters[b].corners[0].1));
        // A row ends where the next letter lies more than a third of its height below the first.
        let mut rows: Vec<Vec<usize>> = Vec::new();
        for at in order {
            let low = letters[at].corners[0].1;
            match rows.last_mut() {
                Some(row) if low - letters[row[0]].corners[0].1 < height(&letters[at]) / 3.0 => {
                    row.push(at);
                }
                _ => rows.push(vec![at]),
            }
        }
        for row in &mut rows {
            row.sort_by(|&a, &b| letters[a].corners[0].0.total_cmp(&letters[b].corners[0].0));
        }
        Sheet::new(letters, rows.concat())
    }

    /// A gap is a space, a new line a new line; what is drawn upon itself stands once.
    fn new(letters: &[Letter], order: Vec<usize>) -> Sheet {
        let mut sheet = Sheet {
            text: String::new(),
            letters: Vec::with_capacity(letters.len()),
            squeezed: Vec::with_capacity(letters.len()),
        };
        let mut before: Option<&Letter> = None;
        for at in order {
            let letter = &letters[at];
            if letter.again {
                continue;
            }
            if let Some(before) = before {
                match step(before, letter) {
                    Step::On => {}
                    Step::Gap => sheet.text.push(' '),
                    Step::Line => sheet.text.push('\n'),
                }
            }
            let start = sheet.text.len();
            sheet.text.push_str(&letter.text);
            sheet.letters.push((start, sheet.text.len(), at));
            let shown = letter.text.chars().filter(|letter| !letter.is_whitespace());
            sheet.squeezed.extend(shown.map(|letter| (letter, at)));
            before = Some(letter);
        }
        sheet
    }

    /// The letters that a stretch of the text touches.
    fn within(&self, from: usize, to: usize) -> Vec<usize> {
        let first = self.letters.partition_point(|&(_, end, _)| end <= from);
        self.letters[first..]
            .iter()
            .take_while(|&&(start, ..)| start < to)
            .map(|&(.., at)| at)
            .collect()
    }

    /// The letters of every place where a value stands, whatever lies between them.
    fn all(&self, value: &str) -> Vec<Vec<usize>> {
        let wanted: Vec<char> = value.chars().collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        self.squeezed
            .windows(wanted.len())
            .filter(|window| {
                window
                    .iter()
                    .map(|&(letter, _)| letter)
                    .eq(wanted.iter().copied())
            })
            .map(|window| window.iter().map(|&(_, at)| at).collect())
            .collect()
    }
}

/// Corners moved along their line by a share of the letters' height.
fn widened([a, b, c, d]: [(f32, f32); 4]) -> [(f32, f32); 4] {
    const BEFORE: f32 = 0.1;
    const BEHIND: f32 = 0.15;
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
            again: false,
        }
    }

    #[test]
    fn letters_become_lines_whichever_way_they_are_drawn() {
        // The digits are drawn after everything else.
        let letters = [
            letter("电", 0.0, 100.0),
            letter("话", 10.0, 100.0),
            letter("住", 0.0, 140.0),
            letter("1", 40.0, 100.0),
            Letter {
                again: true,
                ..letter("1", 40.5, 100.0)
            },
            letter("5", 50.0, 100.5),
        ];
        let drawn = Sheet::drawn(&letters);
        assert_eq!(drawn.text, "电话\n住\n15");
        assert_eq!(drawn.within(11, 13), [3, 5]);
        let placed = Sheet::placed(&letters);
        assert_eq!(placed.text, "电话 15\n住");
        assert_eq!(placed.all("话15"), [vec![1, 3, 5]]);
        assert!(placed.all("话6").is_empty());
    }

    #[test]
    fn every_letter_is_painted_and_what_was_drawn_upon_it() {
        let letters = [
            letter("1", 20.0, 60.0),
            // Larger than its neighbours, and drawn twice.
            Letter {
                text: "5".into(),
                corners: [(30.0, 70.0), (50.0, 70.0), (50.0, 20.0), (30.0, 20.0)],
                again: false,
            },
            Letter {
                text: "5".into(),
                corners: [(31.0, 71.0), (51.0, 71.0), (51.0, 21.0), (31.0, 21.0)],
                again: true,
            },
            letter("3", 52.0, 60.0),
        ];
        let mut picture = Picture::blank(90, 90, [255; 3]).unwrap();
        paint(&mut picture, &letters, &[0, 1, 3]);
        let black = |x: usize, y: usize| picture.pixels()[(y * 90 + x) * 3] == 0;
        for (x, y) in [(25, 50), (40, 22), (40, 69), (50, 70), (57, 45)] {
            assert!(black(x, y), "{x}, {y}");
        }
        assert!(!black(80, 50) && !black(5, 50));
    }

    #[test]
    fn values_that_say_too_little_are_not_looked_for_everywhere() {
        assert!(is_distinctive("周燕") && is_distinctive("123456"));
        assert!(!is_distinctive("女") && !is_distinctive("A1"));
    }
}
