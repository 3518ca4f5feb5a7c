//! What a picture shows is hidden, and looked for again until nothing of it is found.

use std::collections::BTreeMap;

use liuhen_detect::Detector;
use liuhen_kinds::Kind;
use liuhen_picture::{Encoding, Format, Picture, PictureError, decode, encode};
use liuhen_vision::Point;
use serde::Serialize;

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
    /// [`HideError`]; there is no half-hidden copy.
    pub fn hide_pixels(
        &self,
        picture: Picture,
        detector: &Detector,
        hide: &Hide,
    ) -> Result<Painted, HideError> {
        let mut easel = Easel::new(picture);
        let left = self.rounds(&mut easel, detector, hide, &mut Stays::default())?;
        match left.len() {
            0 => Ok(easel.out),
            left => Err(HideError::StillSeen(left, ROUNDS)),
        }
    }

    /// Hides what a person has decided on and looks again, as [`Looker::hide_pixels`] does, until
    /// nothing is found but what he released.
    ///
    /// The look whose marks he decided upon counts as the first. At the place of a released mark
    /// faces stay for a face, codes for a code, words for words, and numbers of no known kind and
    /// text that could not be read for codes and words; what reaches beyond the place is hidden.
    ///
    /// # Errors
    ///
    /// [`HideError`], except that what is still seen after all rounds is told in the answer.
    pub fn hide_decided(
        &self,
        picture: Picture,
        detector: &Detector,
        hide: &Hide,
        decided: &Decided,
    ) -> Result<Settled, HideError> {
        let mut easel = Easel::new(picture);
        easel.out.looks = 1;
        let before = easel.out.picture.clone();
        for mark in &decided.hidden {
            for quad in &mark.places {
                let face = mark.sort == Sort::Face;
                paint(&mut easel.out.picture, quad, face, hide, 1.0);
            }
        }
        for area in &decided.drawn {
            fill(&mut easel.out.picture, &upright(area));
        }
        easel.cover.note(&before, &easel.out.picture);
        let mut stays = Stays::of(&decided.released);
        let left = self.rounds(&mut easel, detector, hide, &mut stays)?;
        let known = |mark: &Mark| {
            let mut marks = decided.hidden.iter().chain(&decided.released);
            marks.any(|other| mark.is_part_of(other))
                || mark.places.iter().all(|quad| {
                    let bounds = quad.bounds();
                    let drawn = decided.drawn.iter();
                    drawn.map(|area| area.shared(&bounds)).sum::<f32>() > 0.5 * bounds.size()
                })
        };
        let seen = left.len();
        easel.late.extend(left);
        let late = merged(easel.late).into_iter();
        Ok(Settled {
            painted: (seen == 0).then_some(easel.out),
            late: late.filter(|mark| !known(mark)).collect(),
            left: seen,
        })
    }

    /// Looks and paints in turn; answers what is still seen after the last round.
    fn rounds(
        &self,
        easel: &mut Easel,
        detector: &Detector,
        hide: &Hide,
        stays: &mut Stays,
    ) -> Result<Vec<Place>, HideError> {
        let Easel { out, cover, late } = easel;
        loop {
            let picture = std::mem::replace(&mut out.picture, Picture::blank(1, 1, [0; 3])?);
            let mut seen = self.see_pixels(picture, detector)?;
            if out.looks == 0 {
                let wanted = |number: &usize| seen.faces.get(number.checked_sub(1)?);
                let kept = hide.keep_faces.iter().filter_map(wanted);
                stays.faces.extend(kept.map(|face| face.area));
            }
            out.looks += 1;
            let mut places = places(&seen, hide, stays);
            for place in &mut places {
                place.quads.retain(|quad| !cover.hides(&seen.picture, quad));
            }
            places.retain(|place| !place.quads.is_empty());
            out.picture = std::mem::replace(&mut seen.picture, Picture::blank(1, 1, [0; 3])?);
            if places.is_empty() || out.looks > ROUNDS {
                return Ok(places);
            }
            let before = out.picture.clone();
            for place in &places {
                // A place that is seen again and painted wider was counted.
                match place.kind {
                    _ if out.looks > 1 && place.sort == Sort::Face => {}
                    Some(kind) => *out.found.entry(kind).or_insert(0) += 1,
                    None if place.sort == Sort::Code => out.codes += 1,
                    None => out.unsure += 1,
                }
                for quad in &place.quads {
                    // What was painted and is seen again is painted wider.
                    let wider = 1.0 + 0.5 * (out.looks - 1) as f32;
                    let face = place.sort == Sort::Face;
                    paint(&mut out.picture, quad, face, hide, wider);
                }
            }
            cover.note(&before, &out.picture);
            late.extend(places);
        }
    }
}

/// Of which sort a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Words of a kind.
    Words,
    /// A face.
    Face,
    /// A QR or bar code.
    Code,
    /// A long number of no known kind.
    Number,
    /// Text that could not be read.
    Unread,
}

/// Something in a picture that is to be hidden, for a person to decide on. Holds no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Of which sort.
    pub sort: Sort,
    /// Kinds of what stands there; none where nothing is known of it.
    pub kinds: Vec<Kind>,
    /// How sure the surest finding is, 0 to 1; none for what was not recognised.
    pub confidence: Option<f32>,
    /// Where, in pixels of the picture: a place for each line.
    pub places: Vec<Quad>,
}

impl Mark {
    /// The upright box around all its places; nothing without a place.
    #[must_use]
    pub fn area(&self) -> Option<Area> {
        around(&self.places)
    }

    /// Whether the finding is sure enough to be one: below one half the answer is "could not tell".
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.confidence.is_some_and(|sure| sure >= 0.5) || self.sort == Sort::Code
    }

    /// Whether most of it lies where another lies.
    pub(crate) fn is_part_of(&self, other: &Mark) -> bool {
        let covers = |quad: &Quad| {
            let bounds = quad.bounds();
            let within = other.places.iter().map(|place| place.bounds());
            within.map(|area| area.shared(&bounds)).sum::<f32>() > 0.5 * bounds.size()
        };
        !self.places.is_empty() && self.places.iter().all(covers)
    }
}

/// What a person decided about a picture.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Marks that are hidden.
    pub hidden: Vec<Mark>,
    /// Marks that may be seen.
    pub released: Vec<Mark>,
    /// Boxes he drew, which are filled.
    pub drawn: Vec<Area>,
}

/// What became of a picture that a person decided about.
#[derive(Debug)]
pub struct Settled {
    /// The picture; none while something is seen that he did not release.
    pub painted: Option<Painted>,
    /// Places that only a later look found.
    pub late: Vec<Mark>,
    /// How many places are seen after all rounds; none when there is a picture.
    pub left: usize,
}

impl Seen {
    /// Everything that [`Looker::hide`] would hide at its first look, findings at one place as one
    /// mark.
    #[must_use]
    pub fn marks(&self, hide: &Hide) -> Vec<Mark> {
        merged(places(self, hide, &Stays::default()))
    }
}

/// Marks of places; what is found twice at one place becomes one.
fn merged(places: Vec<Place>) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for place in places {
        let Some(area) = around(&place.quads) else {
            continue;
        };
        let is_same = |mark: &Mark| {
            (mark.sort == Sort::Face) == (place.sort == Sort::Face)
                && mark.area().is_some_and(|other| other.overlap(&area) > SAME)
        };
        let Some(mark) = marks.iter_mut().find(|mark| is_same(mark)) else {
            marks.push(Mark {
                sort: place.sort,
                kinds: place.kind.into_iter().collect(),
                confidence: place.confidence,
                places: place.quads,
            });
            continue;
        };
        mark.kinds.extend(place.kind);
        mark.kinds.sort_unstable();
        mark.kinds.dedup();
        mark.confidence = match (mark.confidence, place.confidence) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
        // What is known of the place is told, not that something else was unsure there.
        if mark.sort != Sort::Code && place.kind.is_some() || place.sort == Sort::Code {
            mark.sort = place.sort;
        }
        // Nothing of either may be missed.
        mark.places.extend(place.quads);
    }
    marks
}

/// Intersection over union from which two findings are at one place.
const SAME: f32 = 0.7;

fn around(quads: &[Quad]) -> Option<Area> {
    let corners = || quads.iter().flat_map(|quad| quad.0);
    let first = corners().next()?;
    let (mut low, mut high) = (first, first);
    for point in corners() {
        low = Point::new(low.x.min(point.x), low.y.min(point.y));
        high = Point::new(high.x.max(point.x), high.y.max(point.y));
    }
    Some(Area::new(low.x, low.y, high.x - low.x, high.y - low.y))
}

/// What may be seen.
#[derive(Default)]
struct Stays {
    faces: Vec<Area>,
    /// Places, and whether a code was released there.
    places: Vec<(bool, Quad)>,
}

impl Stays {
    /// Places are a little larger than what stood there: a later look draws its boxes otherwise.
    fn of(released: &[Mark]) -> Stays {
        let mut stays = Stays::default();
        for mark in released {
            if mark.sort == Sort::Face {
                stays.faces.extend(mark.places.iter().map(Quad::bounds));
                continue;
            }
            stays.places.extend(mark.places.iter().map(|quad| {
                let margin = quad.height().min(quad.width()) * 0.25;
                (mark.sort == Sort::Code, quad.grown(margin, margin))
            }));
        }
        stays
    }

    /// Whether at least nine in ten points of a place may be seen.
    fn holds(&self, sort: Sort, quad: &Quad) -> bool {
        let fits = |code: bool| match sort {
            Sort::Words => !code,
            Sort::Code => code,
            // A code looks like text that cannot be read, and says numbers.
            Sort::Number | Sort::Unread => true,
            Sort::Face => false,
        };
        let places: Vec<&Quad> = self
            .places
            .iter()
            .filter_map(|(code, place)| fits(*code).then_some(place))
            .collect();
        if places.is_empty() {
            return false;
        }
        let within = points(quad)
            .filter(|&point| places.iter().any(|place| place.holds(point)))
            .count();
        within * 10 >= points(quad).count() * 9
    }
}

/// Sixteen by sixteen points of a place.
fn points(quad: &Quad) -> impl Iterator<Item = Point> + use<> {
    const POINTS: u8 = 16;
    let [a, b, c, d] = quad.0;
    let share = |step: u8| (f32::from(step) + 0.5) / f32::from(POINTS);
    (0..POINTS).flat_map(move |y| {
        let (left, right) = (a.between(d, share(y)), b.between(c, share(y)));
        (0..POINTS).map(move |x| left.between(right, share(x)))
    })
}

/// A picture while it is painted.
struct Easel {
    out: Painted,
    cover: Cover,
    /// What was found and painted, look by look.
    late: Vec<Place>,
}

impl Easel {
    fn new(picture: Picture) -> Easel {
        Easel {
            cover: Cover::new(&picture),
            out: Painted {
                picture,
                found: BTreeMap::new(),
                codes: 0,
                unsure: 0,
                looks: 0,
            },
            late: Vec::new(),
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
    sort: Sort,
    confidence: Option<f32>,
    quads: Vec<Quad>,
}

impl Place {
    /// A place of which nothing is known.
    fn unknown(sort: Sort, quads: Vec<Quad>) -> Place {
        Place {
            kind: None,
            sort,
            confidence: None,
            quads,
        }
    }
}

/// Everything of a look that is to be hidden.
fn places(seen: &Seen, hide: &Hide, stays: &Stays) -> Vec<Place> {
    let mut out = Vec::new();
    for spot in &seen.spots {
        if !wanted(spot, hide, &stays.faces) {
            continue;
        }
        out.push(Place {
            kind: Some(spot.hit.kind),
            sort: match spot.what {
                What::Face => Sort::Face,
                What::Code => Sort::Code,
                What::Words | What::File => Sort::Words,
            },
            confidence: Some(spot.hit.confidence),
            quads: spot.places.clone(),
        });
    }
    if !hide.only_known {
        unknown(seen, hide, &mut out);
    }
    for place in out.iter_mut().filter(|place| place.sort != Sort::Face) {
        let sort = place.sort;
        place.quads.retain(|quad| !stays.holds(sort, quad));
    }
    out.retain(|place| !place.quads.is_empty());
    out
}

/// What is hidden to be sure, beside what is known.
fn unknown(seen: &Seen, hide: &Hide, out: &mut Vec<Place>) {
    if !hide.keep_codes {
        for code in &seen.codes {
            out.push(Place::unknown(Sort::Code, vec![upright(&code.area)]));
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
            out.push(Place::unknown(Sort::Number, quads.clone()));
        }
    }
    let unread = seen.unread.iter();
    out.extend(unread.map(|quad| Place::unknown(Sort::Unread, vec![*quad])));
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

fn paint(picture: &mut Picture, quad: &Quad, face: bool, hide: &Hide, wider: f32) {
    if face {
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
        let (mut within, mut open, mut painted) = (0_u32, 0_u32, 0_u32);
        for point in points(quad) {
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

    fn place(kind: Option<Kind>, sort: Sort, confidence: f32, quad: Quad) -> Place {
        Place {
            kind,
            sort,
            confidence: kind.map(|_| confidence),
            quads: vec![quad],
        }
    }

    #[test]
    fn findings_at_one_place_are_one_mark_and_a_face_stays_one() {
        let at = |left: f32| Quad::upright(left, 10.0, 100.0, 20.0);
        let (name, card) = (Kind::PERSON_NAME, Kind::BANK_CARD);
        let marks = merged(vec![
            place(None, Sort::Unread, 0.0, at(0.0)),
            place(Some(name), Sort::Words, 0.4, at(3.0)),
            place(Some(card), Sort::Words, 0.9, at(1.0)),
            place(Some(Kind::FACE_IMAGE), Sort::Face, 0.3, at(2.0)),
            place(Some(name), Sort::Words, 0.8, at(90.0)),
        ]);
        let told: Vec<_> = marks
            .iter()
            .map(|mark| (mark.sort, mark.kinds.len(), mark.confidence, mark.is_sure()))
            .collect();
        assert_eq!(
            told,
            [
                (Sort::Words, 2, Some(0.9), true),
                (Sort::Face, 1, Some(0.3), false),
                (Sort::Words, 1, Some(0.8), true),
            ]
        );
        // Nothing of the three that became one is missed.
        assert_eq!(marks[0].places.len(), 3);
        assert!(marks[0].is_part_of(&marks[1]) && !marks[2].is_part_of(&marks[0]));
    }

    #[test]
    fn what_is_released_stays_and_what_reaches_beyond_does_not() {
        let mark = |sort| Mark {
            sort,
            kinds: Vec::new(),
            confidence: None,
            places: vec![Quad::upright(100.0, 100.0, 80.0, 20.0)],
        };
        let stays = Stays::of(&[mark(Sort::Words)]);
        let rows = [
            ("the same", [100.0, 100.0, 80.0, 20.0], true),
            ("drawn otherwise", [97.0, 97.0, 86.0, 25.0], true),
            ("a part", [120.0, 104.0, 20.0, 10.0], true),
            ("the word after it too", [100.0, 100.0, 160.0, 20.0], false),
            ("another line", [100.0, 130.0, 80.0, 20.0], false),
        ];
        for (name, [left, top, wide, high], is) in rows {
            let quad = Quad::upright(left, top, wide, high);
            assert_eq!(stays.holds(Sort::Words, &quad), is, "{name}");
        }
        // What is released says of which sort what may stay there is.
        let place = Quad::upright(100.0, 100.0, 80.0, 20.0);
        let held = |released| {
            let stays = Stays::of(&[mark(released)]);
            [Sort::Words, Sort::Code, Sort::Unread, Sort::Face]
                .map(|sort| stays.holds(sort, &place))
        };
        assert_eq!(held(Sort::Words), [true, false, true, false]);
        assert_eq!(held(Sort::Code), [false, true, true, false]);
        assert_eq!(held(Sort::Face), [false; 4]);
        assert_eq!(Stays::of(&[mark(Sort::Face)]).faces.len(), 1);
    }
}
