//! What a line says.
//!
//! Rule: connectionist temporal classification, the likeliest letter of each step, repeats and
//! blanks dropped; the letters are those in the network's own metadata, one a line, after the
//! blank and before the space.

use super::Line;
use crate::VisionError;
use crate::geometry::Quad;
use crate::network::Network;
use crate::raster::{Raster, whole};

/// Pixels from top to bottom of a line as the network reads it.
const HEIGHT: usize = 48;
/// The least width, as the network was trained.
const LEAST_WIDTH: usize = 320;
/// The most width: a longer line is read in smaller letters, so that memory stays bounded.
const MOST_WIDTH: usize = 3200;
/// Lines of like width that are read together.
const BATCH: usize = 6;

/// The letters a network knows: class 0 is none, the last one a space.
pub(super) struct Alphabet(Vec<String>);

impl Alphabet {
    pub(super) fn new(letters: &str) -> Result<Alphabet, VisionError> {
        let letters: Vec<String> = letters.lines().map(str::to_owned).collect();
        if letters.is_empty() {
            return Err(VisionError::Weights(
                "the network's letters are missing".into(),
            ));
        }
        Ok(Alphabet(letters))
    }

    fn letter(&self, class: usize) -> Option<&str> {
        match class.checked_sub(1)? {
            index if index < self.0.len() => Some(&self.0[index]),
            index if index == self.0.len() => Some(" "),
            _ => None,
        }
    }
}

pub(super) struct Recogniser {
    network: Network,
    alphabet: Alphabet,
}

impl Recogniser {
    pub(super) fn new(network: Network, alphabet: Alphabet) -> Recogniser {
        Recogniser { network, alphabet }
    }

    /// What each box says; those marked in `turned` stand on their heads.
    pub(super) fn read(
        &self,
        picture: &Raster<'_>,
        quads: &[Quad],
        turned: &[bool],
    ) -> Result<Vec<Line>, VisionError> {
        let mut crops: Vec<(usize, Quad, Raster<'static>)> = quads
            .iter()
            .zip(turned)
            .map(|(quad, &turned)| {
                if turned {
                    on_its_feet(quad)
                } else {
                    lying(quad)
                }
            })
            .enumerate()
            .map(|(index, quad)| (index, quad, cut(picture, &quad)))
            .collect();
        // Lines of like width share a batch, so that little is read of nothing.
        crops.sort_by_key(|(_, _, crop)| crop.width);
        let mut lines: Vec<(usize, Line)> = Vec::with_capacity(crops.len());
        for batch in crops.chunks(BATCH) {
            let width = batch
                .iter()
                .map(|(_, _, crop)| crop.width)
                .max()
                .unwrap_or(LEAST_WIDTH)
                .max(LEAST_WIDTH);
            let mut planes = Vec::with_capacity(batch.len() * 3 * HEIGHT * width);
            for (_, _, crop) in batch {
                // The rest of the line is the middle shade, zero to the network.
                let crop_planes = crop.planes(true, |value| value / 127.5 - 1.0);
                for row in crop_planes.chunks_exact(crop.width) {
                    planes.extend_from_slice(row);
                    planes.resize(planes.len() + width - crop.width, 0.0);
                }
            }
            let [out] = self
                .network
                .run([batch.len(), HEIGHT, width], planes, [""])?;
            let &[count, steps, classes] = out.shape.as_slice() else {
                return Err(VisionError::Network("letters of another shape".into()));
            };
            if count != batch.len() || steps == 0 || classes == 0 {
                return Err(VisionError::Network("letters of another shape".into()));
            }
            for ((index, quad, crop), steps) in
                batch.iter().zip(out.values.chunks_exact(steps * classes))
            {
                let share = crop.width as f32 / width as f32;
                lines.push((*index, self.line(*quad, steps, classes, share)));
            }
        }
        lines.sort_by_key(|(index, _)| *index);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    fn line(&self, quad: Quad, steps: &[f32], classes: usize, share: f32) -> Line {
        let count = (steps.len() / classes) as f32;
        let mut text = String::new();
        let mut letters = Vec::new();
        let (mut sum, mut last) = (0.0, 0);
        for (step, scores) in steps.chunks_exact(classes).enumerate() {
            let mut class = 0;
            for (index, score) in scores.iter().enumerate() {
                if *score > scores[class] {
                    class = index;
                }
            }
            if class != last
                && let Some(letter) = self.alphabet.letter(class)
            {
                let from = (step as f32 / count / share).min(1.0);
                let to = ((step as f32 + 1.0) / count / share).min(1.0);
                // A class may be more than one `char`: each has the same place.
                for _ in letter.chars() {
                    letters.push((from, to));
                }
                text.push_str(letter);
                sum += scores[class];
            } else if class != 0
                && let Some(end) = letters.last_mut()
            {
                end.1 = ((step as f32 + 1.0) / count / share).min(1.0);
            }
            last = class;
        }
        let score = if letters.is_empty() {
            0.0
        } else {
            sum / letters.len() as f32
        };
        Line {
            text,
            quad,
            score,
            row: 0,
            letters,
        }
    }
}

/// The same box, read from its other end.
fn on_its_feet(quad: &Quad) -> Quad {
    let [a, b, c, d] = lying(quad).0;
    Quad([c, d, a, b])
}

/// A box whose text runs along its longer side: one that stands upright is read from its lower
/// left corner, as the back of a book.
pub(super) fn lying(quad: &Quad) -> Quad {
    let [a, b, c, d] = quad.0;
    if quad.height() >= 1.5 * quad.width() {
        Quad([b, c, d, a])
    } else {
        *quad
    }
}

/// The line upright, `HEIGHT` pixels high.
pub(super) fn cut(picture: &Raster<'_>, quad: &Quad) -> Raster<'static> {
    let ratio = quad.width() / quad.height().max(1.0);
    let width = whole((HEIGHT as f32 * ratio).ceil()).clamp(8, MOST_WIDTH);
    // First at its own size, then by means: sampling a large line at few points would lose strokes.
    let own_height = whole(quad.height().ceil()).clamp(1, 4096);
    if own_height > HEIGHT {
        let own_width = whole(quad.width().ceil()).clamp(1, 1 << 14);
        picture
            .within(quad, own_width, own_height)
            .resized(width, HEIGHT)
    } else {
        picture.within(quad, width, HEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_a_blank_before_and_a_space_behind() {
        let alphabet = Alphabet::new("甲\n乙\n").unwrap();
        assert_eq!(alphabet.letter(0), None);
        assert_eq!(alphabet.letter(1), Some("甲"));
        assert_eq!(alphabet.letter(2), Some("乙"));
        assert_eq!(alphabet.letter(3), Some(" "));
        assert_eq!(alphabet.letter(4), None);
        assert!(Alphabet::new("").is_err());
    }

    #[test]
    fn a_box_that_stands_is_read_along_its_length() {
        let standing = Quad::upright(10.0, 10.0, 20.0, 100.0);
        let lying = lying(&standing);
        assert!((lying.width() - 100.0).abs() < 1e-3);
        let flat = Quad::upright(10.0, 10.0, 100.0, 20.0);
        assert_eq!(super::lying(&flat), flat);
        assert_eq!(on_its_feet(&on_its_feet(&flat)), flat);
    }
}
