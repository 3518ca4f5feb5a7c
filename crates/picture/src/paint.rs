//! Places of a picture are painted over.
//!
//! What is filled is gone: every sample of the place is replaced. Coarse cells keep the mean of
//! what they cover, so that a face is no longer one; letters and digits are never shown so, since
//! the means of cells tell them apart (Hill et al. 2016).

use crate::Picture;

impl Picture {
    /// Fills what lies within four corners (x, y; clockwise or not; pixels from the upper left
    /// corner), the pixels they cut included, with one colour, opaque. Of corners whose sides cross,
    /// or that bend inwards, the upright box is filled.
    pub fn fill(&mut self, corners: &[(f32, f32); 4], colour: [u8; 3]) {
        let around;
        let corners = if is_convex(corners) {
            corners
        } else {
            around = bounds(corners);
            &around
        };
        let width = self.width() as usize;
        let channels = self.channels();
        let Some((rows, columns)) = self.bounds(corners) else {
            return;
        };
        for y in rows {
            for x in columns.clone() {
                if touches(corners, x as f32 + 0.5, y as f32 + 0.5) {
                    let at = (y * width + x) * channels;
                    let pixel = &mut self.pixels_mut()[at..at + channels];
                    pixel[..3].copy_from_slice(&colour);
                    if let Some(opacity) = pixel.get_mut(3) {
                        *opacity = u8::MAX;
                    }
                }
            }
        }
    }

    /// Replaces what lies within an upright box by `cells` times `cells` squares of one colour, the
    /// mean of what each covers.
    pub fn coarsen(&mut self, [left, top, wide, high]: [f32; 4], cells: usize) {
        let corners = [
            (left, top),
            (left + wide, top),
            (left + wide, top + high),
            (left, top + high),
        ];
        let Some((rows, columns)) = self.bounds(&corners) else {
            return;
        };
        let (width, channels) = (self.width() as usize, self.channels());
        let cells = cells.max(1);
        let (down, across) = (
            rows.len().div_ceil(cells).max(1),
            columns.len().div_ceil(cells).max(1),
        );
        let pixels = self.pixels_mut();
        for y in rows.clone().step_by(down) {
            for x in columns.clone().step_by(across) {
                let cell = || {
                    (y..(y + down).min(rows.end)).flat_map(move |y| {
                        (x..(x + across).min(columns.end)).map(move |x| (y * width + x) * channels)
                    })
                };
                let mut sums = [0_u64; 3];
                let mut count = 0_u64;
                for at in cell() {
                    for (sum, &sample) in sums.iter_mut().zip(&pixels[at..at + 3]) {
                        *sum += u64::from(sample);
                    }
                    count += 1;
                }
                let mean = sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
                for at in cell() {
                    pixels[at..at + 3].copy_from_slice(&mean);
                    if channels == 4 {
                        pixels[at + 3] = u8::MAX;
                    }
                }
            }
        }
    }

    /// The rows and columns of pixels that four corners reach; nothing where they reach none.
    #[expect(clippy::cast_possible_truncation, reason = "held within the picture")]
    #[expect(clippy::cast_sign_loss, reason = "held above zero")]
    fn bounds(
        &self,
        corners: &[(f32, f32); 4],
    ) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
        let range = |values: [f32; 4], most: u32| {
            let low = values.into_iter().fold(f32::MAX, f32::min).floor();
            let high = values.into_iter().fold(f32::MIN, f32::max).ceil();
            let held = |value: f32| value.clamp(0.0, most as f32) as usize;
            held(low)..held(high)
        };
        let rows = range(corners.map(|corner| corner.1), self.height());
        let columns = range(corners.map(|corner| corner.0), self.width());
        let finite = corners.iter().all(|(x, y)| x.is_finite() && y.is_finite());
        (finite && !rows.is_empty() && !columns.is_empty()).then_some((rows, columns))
    }
}

/// Whether going around turns one way only.
fn is_convex(corners: &[(f32, f32); 4]) -> bool {
    let mut signs = (false, false);
    for index in 0..4 {
        let [a, b, c] = [0, 1, 2].map(|step| corners[(index + step) % 4]);
        let turn = (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0);
        signs.0 |= turn > 1e-3;
        signs.1 |= turn < -1e-3;
    }
    !(signs.0 && signs.1)
}

/// The upright box around corners.
fn bounds(corners: &[(f32, f32); 4]) -> [(f32, f32); 4] {
    let xs = corners.map(|corner| corner.0);
    let ys = corners.map(|corner| corner.1);
    let low = |values: [f32; 4]| values.into_iter().fold(f32::MAX, f32::min);
    let high = |values: [f32; 4]| values.into_iter().fold(f32::MIN, f32::max);
    let (left, right, top, foot) = (low(xs), high(xs), low(ys), high(ys));
    [(left, top), (right, top), (right, foot), (left, foot)]
}

/// Whether a pixel's centre lies within the corners, or within a pixel of them.
fn touches(corners: &[(f32, f32); 4], x: f32, y: f32) -> bool {
    let mut signs = (false, false);
    for (index, &(ax, ay)) in corners.iter().enumerate() {
        let (bx, by) = corners[(index + 1) % 4];
        let length = (bx - ax).hypot(by - ay).max(1e-3);
        let side = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length;
        signs.0 |= side > 0.71;
        signs.1 |= side < -0.71;
    }
    !(signs.0 && signs.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_is_one_colour_and_the_rest_stays() {
        let mut picture = Picture::blank(20, 10, [200, 100, 50]).unwrap();
        picture.fill(
            &[(4.0, 2.0), (12.0, 2.0), (12.0, 6.0), (4.0, 6.0)],
            [0, 0, 0],
        );
        for y in 0..10_usize {
            for x in 0..20_usize {
                let pixel = &picture.pixels()[(y * 20 + x) * 3..][..3];
                let inside = (4..12).contains(&x) && (2..6).contains(&y);
                assert_eq!(pixel == [0, 0, 0], inside, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_turned_place_is_filled_whole_and_opaque() {
        let mut picture = Picture::rgba(40, 40, [9, 9, 9, 0].repeat(1600)).unwrap();
        let corners = [(20.0, 5.0), (35.0, 20.0), (20.0, 35.0), (5.0, 20.0)];
        picture.fill(&corners, [1, 2, 3]);
        let pixel = |x: usize, y: usize| picture.pixels()[(y * 40 + x) * 4..][..4].to_vec();
        assert_eq!(pixel(20, 20), [1, 2, 3, 255]);
        assert_eq!(pixel(20, 6), [1, 2, 3, 255]);
        assert_eq!(pixel(6, 6), [9, 9, 9, 0]);
    }

    #[test]
    fn places_beyond_the_edge_do_no_harm() {
        let mut picture = Picture::blank(8, 8, [7, 7, 7]).unwrap();
        let before = picture.clone();
        picture.fill(
            &[(20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 30.0)],
            [0; 3],
        );
        picture.fill(
            &[(f32::NAN, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
            [0; 3],
        );
        picture.coarsen([-50.0, -50.0, 10.0, 10.0], 4);
        assert!(picture == before);
        picture.fill(
            &[(-9.0, -9.0), (90.0, -9.0), (90.0, 90.0), (-9.0, 90.0)],
            [0; 3],
        );
        assert!(picture.pixels().iter().all(|&sample| sample == 0));
    }

    #[test]
    fn corners_that_cross_are_filled_as_their_box() {
        let mut picture = Picture::blank(120, 40, [255; 3]).unwrap();
        picture.fill(
            &[(0.0, 0.0), (100.0, 20.0), (100.0, 0.0), (0.0, 20.0)],
            [0; 3],
        );
        let filled = picture
            .pixels()
            .iter()
            .filter(|&&sample| sample == 0)
            .count()
            / 3;
        assert_eq!(filled, 100 * 20);
    }

    #[test]
    fn coarse_cells_keep_means_only() {
        let mut samples = Vec::new();
        for at in 0..64_u8 {
            samples.extend([at * 2; 3]);
        }
        let mut picture = Picture::rgb(8, 8, samples).unwrap();
        picture.coarsen([0.0, 0.0, 8.0, 8.0], 2);
        let mut shades: Vec<u8> = picture.pixels().to_vec();
        shades.sort_unstable();
        shades.dedup();
        assert_eq!(shades.len(), 4);
    }
}
