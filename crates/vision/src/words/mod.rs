//! Lines of text, with their boxes and in reading order.

mod find;
mod order;
mod read;
mod turn;

use std::fmt;

pub(crate) use find::Core;

use crate::VisionError;
use crate::geometry::{Point, Quad};
use crate::models::{Folder, Job, Set};
use crate::network::{Gate, Network, Threads};
use crate::raster::Raster;
use crate::rules::rules;

/// One line of text. Its `Debug` shows its length only.
#[derive(Clone, PartialEq)]
pub struct Line {
    /// What is read.
    pub text: String,
    /// Where, its first corner at the upper left of the first letter as it is read.
    pub quad: Quad,
    /// Mean confidence of its letters, 0 to 1.
    pub score: f32,
    /// Its row on the upright page, from 0: lines of one row stand beside each other.
    pub row: usize,
    /// Where each letter of `text` begins and ends, as shares of the line's width.
    pub letters: Vec<(f32, f32)>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} letters)", self.letters.len())
    }
}

impl Line {
    /// Where the letters `from..to` (counted in `char`s) stand; the whole line if they are none.
    ///
    /// The network marks a letter by a place within it, as narrow as an eighth of it, so a letter
    /// reaches to halfway between its mark and the next one's, and the first and last to the ends
    /// of the line; half a letter is added on each side.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Quad {
        if from >= to || to > self.letters.len() {
            return self.quad;
        }
        let mark = |at: usize| f32::midpoint(self.letters[at].0, self.letters[at].1);
        let between = |at: usize| match at {
            0 => 0.0,
            at if at == self.letters.len() => 1.0,
            at => f32::midpoint(mark(at - 1), mark(at)),
        };
        let (start, end) = (between(from), between(to));
        let half = (end - start) / (to - from) as f32 / 2.0;
        self.quad
            .slice((start - half).max(0.0), (end + half).min(1.0))
    }
}

/// What is said of the text of a picture.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Lines that are believed, in reading order.
    pub lines: Vec<Line>,
    /// Places that look like text and could not be read.
    pub unread: Vec<Quad>,
    /// Quarters by which the picture had to be turned clockwise to stand upright.
    pub quarters: u8,
}

/// Finds and reads text.
pub(crate) struct Reader {
    find: find::Finder,
    read: read::Recogniser,
    turn: turn::Turner,
}

impl Reader {
    pub(crate) fn open(
        folder: &Folder,
        set: Set,
        threads: &Threads,
    ) -> Result<Reader, VisionError> {
        let letters = folder.weights(Job::TextRead, set)?;
        let alphabet = read::Alphabet::new(letters.letters.as_deref().unwrap_or_default())?;
        Ok(Reader {
            find: find::Finder(Network::load(
                &folder.weights(Job::TextFind, set)?,
                threads,
            )?),
            read: read::Recogniser::new(Network::load(&letters, threads)?, alphabet),
            turn: turn::Turner(Network::load(
                &folder.weights(Job::TextTurn, set)?,
                threads,
            )?),
        })
    }

    /// The places that look like lines of text in a picture that was made small.
    pub(crate) fn cores(&self, small: &Raster<'_>) -> Result<Vec<Core>, VisionError> {
        self.find.glimpse(small)
    }

    /// All lines. A page that lies on its side is noticed by its lines standing upright, and one
    /// that stands on its head by the direction of most of them.
    pub(crate) fn words(&self, picture: &Raster<'_>, gate: &Gate) -> Result<Words, VisionError> {
        let mut quads = self.find.find(picture, gate)?;
        let mut quarters = 0;
        let mut upright = std::borrow::Cow::Borrowed(picture);
        let standing = quads.iter().filter(|quad| stands(quad)).count();
        if quads.len() >= 2 && standing * 2 > quads.len() {
            // On its side; which of two ways, the direction of its lines tells.
            quarters = 1;
            upright = std::borrow::Cow::Owned(picture.turned(1));
            quads = self.find.find(&upright, gate)?;
        }
        let mut turned = self.turn.upside_down(&upright, &quads)?;
        let hanging = turned.iter().filter(|&&is| is).count();
        if !quads.is_empty() && hanging * 2 > quads.len() {
            quarters += 2;
            upright = std::borrow::Cow::Owned(picture.turned(quarters));
            quads = self.find.find(&upright, gate)?;
            turned = self.turn.upside_down(&upright, &quads)?;
        }
        let whole = [picture.width as f32, picture.height as f32];
        let back = |quad: &Quad| quad.map(|point| turned_back(point, quarters, whole));
        let least = rules()?.text.line;
        let mut lines = Vec::new();
        let mut unread = Vec::new();
        for line in self.read.read(&upright, &quads, &turned)? {
            if line.score >= least && !line.text.trim().is_empty() {
                lines.push(line);
            } else {
                unread.push(back(&line.quad));
            }
        }
        order::sort(&mut lines);
        for line in &mut lines {
            line.quad = back(&line.quad);
        }
        Ok(Words {
            lines,
            unread,
            quarters,
        })
    }
}

/// Whether a box is much higher than wide, as a line on its side.
fn stands(quad: &Quad) -> bool {
    let bounds = quad.bounds();
    bounds.height > 1.5 * bounds.width
}

/// A point of a picture turned clockwise by quarters, in the picture before.
fn turned_back(point: Point, quarters: u8, [width, height]: [f32; 2]) -> Point {
    match quarters % 4 {
        0 => point,
        1 => Point::new(point.y, height - point.x),
        2 => Point::new(width - point.x, height - point.y),
        _ => Point::new(width - point.y, point.x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_line_stands_where_its_letters_do() {
        let line = Line {
            text: "电话15412345678".into(),
            quad: Quad::upright(100.0, 50.0, 260.0, 20.0),
            score: 0.9,
            row: 0,
            letters: (0..13_u8)
                .map(|at| (f32::from(at) / 13.0, f32::from(at + 1) / 13.0))
                .collect(),
        };
        let bounds = line.part(2, 13).bounds();
        assert!((bounds.left - 130.0).abs() < 0.01, "{bounds:?}");
        assert!((bounds.width - 230.0).abs() < 0.01, "{bounds:?}");
        assert_eq!(line.part(5, 99), line.quad);
        // A letter marked at a point only is as wide as its neighbours leave it.
        let thin = Line {
            text: "性别男".into(),
            letters: vec![(0.1, 0.12), (0.45, 0.47), (0.8, 0.82)],
            ..line.clone()
        };
        let bounds = thin.part(2, 3).bounds();
        assert!(bounds.width > 80.0 && bounds.left < 270.0, "{bounds:?}");
        assert_eq!(format!("{line:?}"), "Line(13 letters)");
    }
}
