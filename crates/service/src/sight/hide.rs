//! What a picture shows is hidden, and looked for again until nothing of it is found.

use std::collections::BTreeMap;

use liuhen_detect::Detector;
use liuhen_kinds::Kind;
use liuhen_picture::{Encoding, Format, Picture, PictureError, decode, encode};

use super::{Area, Looker, Quad, Seen, SightError, Spot, What, upright};

/// How faces are hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Faces {
    /// Filled with one colour.
    #[default]
    Fill,
    /// Five by five coarse squares.
    Coarsen,
    /// Left as they are.
    Keep,
}

/// What is hidden in pictures.
#[derive(Clone, Debug)]
pub struct Hide {
    /// How faces are.
    pub faces: Faces,
    /// Faces that stay, by their number (from 1) as `check` tells them.
    pub keep_faces: Vec<usize>,
    /// Kinds that stay.
    pub keep: Vec<Kind>,
    /// Codes stay, whatever they say; what one says of a person is hidden all the same.
    pub keep_codes: bool,
    /// Only what is of a known kind is hidden: no other numbers, no text that could not be read, no
    /// codes that say nothing of a person.
    pub only_known: bool,
    /// The least confidence that hides; what could not be told is hidden as well.
    pub least: f32,
}

impl Default for Hide {
    fn default() -> Hide {
        Hide {
            faces: Faces::default(),
            keep_faces: Vec::new(),
            keep: Vec::new(),
            keep_codes: false,
            only_known: false,
            least: 0.3,
        }
    }
}

/// A picture with everything hidden.
#[derive(Debug)]
pub struct Hidden {
    /// The file, of the same format where that is written, else PNG; pixels and nothing else.
    pub bytes: Vec<u8>,
    /// Findings that were hidden, by kind.
    pub found: BTreeMap<Kind, u64>,
    /// Codes that were hidden.
    pub codes: u64,
    /// Places with numbers, or with text that could not be read, that were hidden to be sure.
    pub unsure: u64,
    /// Times it was looked at.
    pub looks: u32,
}

/// Why a picture has no safe copy.
#[derive(Debug, thiserror::Error)]
pub enum HideError {
    /// It could not be looked at.
    #[error(transparent)]
    Sight(#[from] SightError),
    /// The copy could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// After several rounds something was still found.
    #[error("{0} findings are still seen after {1} rounds of hiding")]
    StillSeen(usize, u32),
}

/// Rounds of looking and hiding before giving up.
const ROUNDS: u32 = 5;
/// Digits in a row that are a number of somebody, whatever they are: the shortest telephone number
/// without its area code has seven.
const DIGITS: usize = 7;
/// Coarse squares across a face.
const CELLS: usize = 5;

impl Looker {
    /// A copy of a picture in which everything of a person is hidden. It was looked at again, and
    /// nothing was found.
    ///
    /// # Errors
    ///
    /// [`HideError`]; there is no half-hidden copy.
    pub fn hide(
        &self,
        bytes: &[u8],
        detector: &Detector,
        hide: &Hide,
    ) -> Result<Hidden, HideError> {
        let format = Format::guess(bytes).ok_or(PictureError::UnknownFormat);
        let format = format.map_err(SightError::from)?;
        // Colours under what is transparent may show what the picture does not: they go first.
        let picture = decode(bytes, &self.limits)
            .map_err(SightError::from)?
            .flattened();
        let mut out = self.hide_pixels(picture, detector, hide)?;
        let written = encode(&out.picture, Encoding::of(format))?;
        Ok(Hidden {
            bytes: written,
            found: std::mem::take(&mut out.found),
            codes: out.codes,
            unsure: out.unsure,
            looks: out.looks,
        })
    }

    /// As [`Looker::hide`], upon pixels.
    ///
    /// # Errors
    ///
    /// [`HideError`].
    pub fn hide_pixels(
        &self,
        picture: Picture,
        detector: &Detector,
        hide: &Hide,
    ) -> Result<Painted, HideError> {
        let mut out = Painted {
            picture,
            found: BTreeMap::new(),
            codes: 0,
            unsure: 0,
            looks: 0,
        };
        let mut kept: Vec<Area> = Vec::new();
        let mut cover = Cover::new(&out.picture);
        loop {
            let mut seen = self.see_pixels(out.picture, detector)?;
            if out.looks == 0 {
                let wanted = |number: &usize| seen.faces.get(number.checked_sub(1)?);
                kept = hide
                    .keep_faces
                    .iter()
                    .filter_map(wanted)
                    .map(|face| face.area)
                    .collect();
            }
            out.looks += 1;
            let mut places = places(&seen, hide, &kept);
            for place in &mut places {
                place.quads.retain(|quad| !cover.hides(&seen.picture, quad));
            }
            places.retain(|place| !place.quads.is_empty());
            out.picture = std::mem::replace(&mut seen.picture, Picture::blank(1, 1, [0; 3])?);
            if places.is_empty() {
                return Ok(out);
            }
            if out.looks > ROUNDS {
                return Err(HideError::StillSeen(places.len(), ROUNDS));
            }
            let before = out.picture.clone();
            for place in places {
                // A place that is seen again and painted wider was counted.
                match place.kind {
                    _ if out.looks > 1 && place.face => {}
                    Some(kind) => *out.found.entry(kind).or_insert(0) += 1,
                    None if place.code => out.codes += 1,
                    None => out.unsure += 1,
                }
                for quad in &place.quads {
                    // What was painted and is seen again is painted wider.
                    let wider = 1.0 + 0.5 * (out.looks - 1) as f32;
                    paint(&mut out.picture, quad, &place, hide, wider);
                }
            }
            cover.note(&before, &out.picture);
        }
    }
}

/// Pixels with everything hidden.
#[derive(Debug)]
pub struct Painted {
    /// The picture.
    pub picture: Picture,
    /// Findings that were hidden, by kind.
    pub found: BTreeMap<Kind, u64>,
    /// Codes that were hidden.
    pub codes: u64,
    /// Places hidden to be sure.
    pub unsure: u64,
    /// Times it was looked at.
    pub looks: u32,
}

/// Something to be hidden.
struct Place {
    kind: Option<Kind>,
    code: bool,
    face: bool,
    quads: Vec<Quad>,
}

/// Everything of a look that is to be hidden.
fn places(seen: &Seen, hide: &Hide, kept: &[Area]) -> Vec<Place> {
    let mut out = Vec::new();
    for spot in &seen.spots {
        let face = spot.what == What::Face;
        if !wanted(spot, hide, kept) {
            continue;
        }
        out.push(Place {
            kind: Some(spot.hit.kind),
            code: spot.what == What::Code,
            face,
            quads: spot.places.clone(),
        });
    }
    if hide.only_known {
        return out;
    }
    if !hide.keep_codes {
        for code in &seen.codes {
            out.push(Place {
                kind: None,
                code: true,
                face: false,
                quads: vec![upright(&code.area)],
            });
        }
    }
    // Digits that no kind claims may be a number misread by one.
    for quads in &seen.numbers {
        let stay = seen
            .spots
            .iter()
            .filter(|spot| hide.keep.contains(&spot.hit.kind));
        let stay: Vec<&Quad> = stay.flat_map(|spot| &spot.places).collect();
        let claimed = quads.iter().all(|quad| {
            out.iter()
                .flat_map(|place| &place.quads)
                .chain(stay.iter().copied())
                .any(|other| other.bounds().shared(&quad.bounds()) > 0.8 * quad.bounds().size())
        });
        if !claimed {
            out.push(Place {
                kind: None,
                code: false,
                face: false,
                quads: quads.clone(),
            });
        }
    }
    out.extend(seen.unread.iter().map(|quad| Place {
        kind: None,
        code: false,
        face: false,
        quads: vec![*quad],
    }));
    out
}

fn wanted(spot: &Spot, hide: &Hide, kept: &[Area]) -> bool {
    if hide.keep.contains(&spot.hit.kind) || spot.places.is_empty() {
        return false;
    }
    if spot.what == What::Face {
        // A face seen at all is hidden: could-not-tell is no reason to show it.
        let stays = spot
            .area()
            .is_some_and(|area| kept.iter().any(|other| other.overlap(&area) > 0.4));
        return hide.faces != Faces::Keep && !stays;
    }
    spot.hit.confidence >= hide.least
}

fn paint(picture: &mut Picture, quad: &Quad, place: &Place, hide: &Hide, wider: f32) {
    if place.face {
        // Hair, ears and chin tell a person as well.
        let area = quad.bounds().grown(0.2 * wider, 0.35 * wider, 0.15 * wider);
        let place = [area.left, area.top, area.width, area.height];
        match hide.faces {
            Faces::Coarsen if wider < 1.1 => picture.coarsen(place, CELLS),
            _ => fill(picture, &upright(&area)),
        }
        return;
    }
    // Glare and blur carry ink beyond a letter's edge.
    let margin = quad.height().min(quad.width()) * 0.15 * wider;
    fill(picture, &quad.grown(margin, margin));
}

/// What is painted over: no network finds it bright, and it is no colour of a paper.
const COLOUR: [u8; 3] = [0, 0, 0];

fn fill(picture: &mut Picture, quad: &Quad) {
    picture.fill(&quad.0.map(|point| (point.x, point.y)), COLOUR);
}

/// Which pixels were painted over, by us and not by whoever drew the picture.
struct Cover {
    width: usize,
    height: usize,
    pixels: Vec<bool>,
}

impl Cover {
    fn new(picture: &Picture) -> Cover {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Cover {
            width,
            height,
            pixels: vec![false; width * height],
        }
    }

    /// Notes what differs: painting is told by its effect, so that it cannot be forgotten.
    fn note(&mut self, before: &Picture, after: &Picture) {
        let channels = after.channels();
        for (index, covered) in self.pixels.iter_mut().enumerate() {
            let at = index * channels;
            let [one, two] = [before, after].map(|picture| &picture.pixels()[at..at + 3]);
            *covered |= one != two;
        }
    }

    /// Whether a place was painted over: a filled box may look like a bar of text that cannot be
    /// read. Sixteen by sixteen points of it are looked at, and one in twenty may lie on its edge.
    fn hides(&self, picture: &Picture, quad: &Quad) -> bool {
        const POINTS: u8 = 16;
        let [a, b, c, d] = quad.0;
        let share = |step: u8| (f32::from(step) + 0.5) / f32::from(POINTS);
        let (mut within, mut open, mut painted) = (0_u32, 0_u32, 0_u32);
        for y in 0..POINTS {
            let (left, right) = (a.between(d, share(y)), b.between(c, share(y)));
            for x in 0..POINTS {
                let point = left.between(right, share(x));
                let (x, y) = (liuhen_vision::whole(point.x), liuhen_vision::whole(point.y));
                if x >= self.width || y >= self.height {
                    continue;
                }
                within += 1;
                let index = y * self.width + x;
                let at = index * picture.channels();
                // What was black before and lies among what was painted is painted as well.
                painted += u32::from(self.pixels[index]);
                open += u32::from(picture.pixels()[at..at + 3] != COLOUR);
            }
        }
        within > 0 && open * 20 < within && painted * 2 > within
    }
}

/// The stretches of a text with so many digits that they are a number of somebody, in bytes;
/// blanks, dots and dashes between digits count as none.
pub(super) fn numbers(text: &str) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    let mut run: Option<(usize, usize, usize)> = None;
    let mut keep = |run: Option<(usize, usize, usize)>| {
        if let Some((from, to, count)) = run
            && count >= DIGITS
        {
            out.push((from as u64, to as u64));
        }
    };
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        // O, I, l and B are what digits are misread as; X ends an identity number.
        let digit = letter.is_numeric() || matches!(letter, 'X' | 'x' | '*');
        let like = matches!(letter, 'O' | 'o' | 'I' | 'l' | 'B' | 'S' | 'Z');
        let between = matches!(letter, ' ' | '-' | '.' | '·' | ':' | '：' | '/');
        run = match run {
            Some((from, _, count)) if digit => Some((from, end, count + 1)),
            Some((from, _, count)) if like => Some((from, end, count)),
            Some((from, to, count)) if between => Some((from, to, count)),
            None if digit => Some((at, end, 1)),
            other => {
                keep(other);
                None
            }
        };
    }
    keep(run);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_of_digits_are_numbers_of_somebody() {
        let text = "电话154-1234-5678，共3页，第12号，卡6222 02O0 1234";
        let found: Vec<&str> = numbers(text)
            .into_iter()
            .map(|(from, to)| {
                let at = |byte: u64| usize::try_from(byte).unwrap();
                &text[at(from)..at(to)]
            })
            .collect();
        assert_eq!(found, ["154-1234-5678", "6222 02O0 1234"]);
        assert!(numbers("2026年").is_empty());
        assert!(numbers("").is_empty());
    }
}
