//! Where in a picture there may be letters, by its edges alone.
//!
//! A stroke is an edge whose opposite follows within a few pixels, as both sides of a pen's line; letters have
//! many across and down, on a ground that is plain. So has much that is no text: this says where to look for
//! it, not that it is there.

use std::ops::Range;

use crate::raster::Raster;
use crate::rules::Triage;

/// The part of a picture with the most strokes, as columns and rows, if there are enough of them.
pub(crate) fn densest(picture: &Raster<'_>, rules: &Triage) -> Option<[Range<usize>; 2]> {
    let grid = Grid::of(picture, rules);
    let wide = (rules.tile / rules.block).clamp(1, grid.wide.max(1));
    let high = (rules.tile / rules.block).clamp(1, grid.high.max(1));
    let (sum, left, top) = grid.densest(wide, high)?;
    let side = |from: usize, count: usize, all: usize| {
        // What is left of a block at the edge belongs to the last one.
        let to = ((from + count) * rules.block + rules.block).min(all);
        let from = (from * rules.block).min(to.saturating_sub(rules.tile));
        from..(from + rules.tile).min(all)
    };
    (sum >= rules.strokes).then(|| {
        [
            side(left, wide, picture.width),
            side(top, high, picture.height),
        ]
    })
}

/// How much each block looks as if it held letters, rows from the top.
struct Grid {
    wide: usize,
    high: usize,
    values: Vec<f32>,
}

/// Counts of a block's pixels.
#[derive(Clone, Copy, Default)]
struct Block {
    across: u32,
    down: u32,
    plain: u32,
}

impl Grid {
    fn of(picture: &Raster<'_>, rules: &Triage) -> Grid {
        let (width, height, block) = (picture.width, picture.height, rules.block.max(1));
        let (wide, high) = (width / block, height / block);
        let luma = picture.luma();
        let mut blocks = vec![Block::default(); wide * high];
        // Rows from below, each from its right, so that the edge that follows is known: where the nearest
        // of each sign lies, below in each column and to the right.
        let mut below = vec![[usize::MAX; 2]; wide * block];
        for y in (1..high * block).rev() {
            let upper = &luma[(y - 1) * width..][..width];
            let row = &luma[y * width..][..width];
            let mut right = [usize::MAX; 2];
            for x in (1..wide * block).rev() {
                let across = i16::from(row[x]) - i16::from(row[x - 1]);
                let down = i16::from(row[x]) - i16::from(upper[x]);
                let counts = &mut blocks[y / block * wide + x / block];
                if across.abs() < rules.flat && down.abs() < rules.flat {
                    counts.plain += 1;
                    continue;
                }
                counts.across += u32::from(is_stroke(across, x, &mut right, rules));
                counts.down += u32::from(is_stroke(down, y, &mut below[x], rules));
            }
        }
        let pixels = (block * block) as f32;
        let value = |counts: &Block| {
            let share = |count: u32| count as f32 / pixels;
            let (across, down) = (share(counts.across), share(counts.down));
            let is_text =
                across > rules.across && down > rules.down && share(counts.plain) > rules.plain;
            if is_text {
                (across + down).min(rules.most)
            } else {
                0.0
            }
        };
        Grid {
            wide,
            high,
            values: blocks.iter().map(value).collect(),
        }
    }

    /// The largest sum of a window of so many blocks, and its first column and row.
    fn densest(&self, wide: usize, high: usize) -> Option<(f32, usize, usize)> {
        let line = self.wide + 1;
        let mut sums = vec![0.0_f32; line * (self.high + 1)];
        for y in 0..self.high {
            let mut row = 0.0;
            for x in 0..self.wide {
                row += self.values[y * self.wide + x];
                sums[(y + 1) * line + x + 1] = sums[y * line + x + 1] + row;
            }
        }
        let at = |x: usize, y: usize| sums[y * line + x];
        let mut best: Option<(f32, usize, usize)> = None;
        for top in 0..=self.high.checked_sub(high)? {
            for left in 0..=self.wide.checked_sub(wide)? {
                let sum = at(left + wide, top + high) + at(left, top)
                    - at(left + wide, top)
                    - at(left, top + high);
                if best.is_none_or(|(most, ..)| sum > most) {
                    best = Some((sum, left, top));
                }
            }
        }
        best
    }
}

/// Whether a step of brightness at a place is followed by its opposite; `next` is where the nearest
/// step up and down lies.
fn is_stroke(step: i16, at: usize, next: &mut [usize; 2], rules: &Triage) -> bool {
    if step.abs() <= rules.edge {
        return false;
    }
    let sign = usize::from(step < 0);
    next[sign] = at;
    next[1 - sign]
        .checked_sub(at)
        .is_some_and(|far| far <= rules.stroke)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rules;

    fn picture(width: usize, height: usize, shade: impl Fn(usize, usize) -> u8) -> Raster<'static> {
        let shades = (0..width * height).map(|at| shade(at % width, at / width));
        Raster {
            width,
            height,
            rgb: shades.flat_map(|shade| [shade; 3]).collect(),
        }
    }

    /// Strokes of two pixels, six apart, broken every five rows, in lines eight rows high.
    fn letters(x: usize, y: usize) -> bool {
        y % 16 < 8 && (x % 6 < 2 || y % 16 == 3)
    }

    #[test]
    fn the_part_with_letters_is_found() {
        let rules = &rules().unwrap().triage;
        let [left, top] = [700, 420];
        let page = picture(1280, 960, |x, y| {
            let within = (left..left + 240).contains(&x) && (top..top + 160).contains(&y);
            // A ground that goes from dark to bright has no strokes.
            if within && letters(x, y) {
                20
            } else {
                90 + u8::try_from(x / 16).unwrap()
            }
        });
        let [columns, rows] = densest(&page, rules).unwrap();
        assert_eq!((columns.len(), rows.len()), (rules.tile, rules.tile));
        assert!(
            columns.start <= left && columns.end >= left + 240,
            "{columns:?}"
        );
        assert!(rows.start <= top && rows.end >= top + 160, "{rows:?}");
    }

    #[test]
    fn edges_without_a_ground_and_single_lines_are_no_letters() {
        let rules = &rules().unwrap().triage;
        // As grass: a step at every pixel, no ground between.
        let grass = picture(640, 480, |x, y| {
            u8::try_from((x * 37 + y * 91) % 251).unwrap()
        });
        assert_eq!(densest(&grass, rules), None);
        let horizon = picture(640, 480, |_, y| if y < 200 { 220 } else { 40 });
        assert_eq!(densest(&horizon, rules), None);
        let even = picture(640, 480, |_, _| 128);
        assert_eq!(densest(&even, rules), None);
    }

    #[test]
    fn a_part_lies_within_however_small_or_long_the_picture_is() {
        let rules = &rules().unwrap().triage;
        for (width, height) in [
            (150, 64),
            (321, 319),
            (17, 900),
            (2000, 70),
            (336, 336),
            (8, 8),
        ] {
            let page = picture(width, height, |x, y| if letters(x, y) { 20 } else { 200 });
            if let Some([columns, rows]) = densest(&page, rules) {
                assert!(
                    columns.end <= width && rows.end <= height,
                    "{width} x {height}"
                );
                assert!(!columns.is_empty() && columns.len() <= rules.tile);
                assert!(!rows.is_empty() && rows.len() <= rules.tile);
            }
        }
        let full = picture(800, 800, |x, y| if letters(x, y) { 20 } else { 200 });
        assert!(densest(&full, rules).is_some());
    }
}
