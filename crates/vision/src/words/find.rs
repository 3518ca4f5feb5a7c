//! Where lines of text lie.
//!
//! Rule: differentiable binarisation (Liao et al. 2020): the network tells for each pixel how
//! likely it lies in the shrunken core of a line; each connected core is boxed by its smallest
//! rectangle and moved out by area * ratio / perimeter.

use crate::VisionError;
use crate::geometry::{Point, Quad};
use crate::network::{Gate, Network};
use crate::raster::{Raster, Tile, scaled, tiles, whole};
use crate::rules::{Text, rules};

pub(super) struct Finder(pub(super) Network);

/// Cores smaller than this are no text, in pixels of what the network sees.
const LEAST_SIDE: f32 = 3.0;

/// The core of a line, as the network sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Core {
    /// The sides of the smallest rectangle around it, in pixels.
    pub(crate) short: f32,
    pub(crate) long: f32,
    /// How likely its pixels lie in one, 0 to 1.
    pub(crate) mean: f32,
}

impl Finder {
    /// The cores that a picture shows as it is, which is small: lines whose letters nobody could
    /// read there are seen all the same.
    pub(super) fn glimpse(&self, small: &Raster<'_>) -> Result<Vec<Core>, VisionError> {
        let rules = rules()?;
        let [width, height] = [small.width, small.height].map(|side| side.next_multiple_of(32));
        // Enlarged by less than a thirty-second part at most sizes: letters keep their form.
        let seen = small.resized(width, height);
        let map = self.map(&seen, &rules.text, &Gate::default())?;
        let quads = cores(&map, width, height, rules.text.pixel);
        let quads = quads.iter().filter_map(|core| Quad::around(core));
        let core = |quad: Quad| Core {
            short: quad.width().min(quad.height()),
            long: quad.width().max(quad.height()),
            mean: mean(&map, width, height, &quad),
        };
        let counts =
            |core: &Core| core.short >= rules.triage.least_side && core.mean >= rules.triage.whole;
        Ok(quads.map(core).filter(counts).collect())
    }

    pub(super) fn find(&self, picture: &Raster<'_>, gate: &Gate) -> Result<Vec<Quad>, VisionError> {
        let rules = &rules()?.text;
        let [width, height] = size(picture.width, picture.height, rules);
        let map = self.map(&picture.resized(width, height), rules, gate)?;
        let across = picture.width as f32 / width as f32;
        let down = picture.height as f32 / height as f32;
        let mut quads = Vec::new();
        for core in cores(&map, width, height, rules.pixel) {
            let Some(quad) = Quad::around(&core) else {
                continue;
            };
            let (wide, high) = (quad.width(), quad.height());
            if wide.min(high) < LEAST_SIDE || mean(&map, width, height, &quad) < rules.whole {
                continue;
            }
            let out = wide * high * rules.unclip / (2.0 * (wide + high));
            let quad = quad.grown(out, out);
            // Corners may lie beyond the edge: the edge is repeated there.
            quads.push(quad.map(|point| Point::new(point.x * across, point.y * down)));
        }
        Ok(quads)
    }
}

impl Finder {
    /// How likely each pixel lies in the core of a line: tile by tile, so that memory does not grow with
    /// the picture, each with a margin that its neighbours answer for.
    fn map(&self, seen: &Raster<'_>, rules: &Text, gate: &Gate) -> Result<Vec<f32>, VisionError> {
        let (width, height) = (seen.width, seen.height);
        let mut map = vec![0.0; width * height];
        for Tile {
            core: [columns, rows],
            with: [across, down],
        } in tiles(width, height, rules.tile, rules.margin)
        {
            let tile = seen.cut(across.clone(), down.clone());
            let [part] = self.0.run_alone(
                gate,
                [1, tile.height, tile.width],
                tile.planes(true, |value| value / 127.5 - 1.0),
                [""],
            )?;
            if part.values.len() != tile.width * tile.height {
                return Err(VisionError::Network("a map of another size".into()));
            }
            for y in rows {
                let from = (y - down.start) * tile.width + columns.start - across.start;
                map[y * width..][columns.clone()]
                    .copy_from_slice(&part.values[from..from + columns.len()]);
            }
        }
        Ok(map)
    }
}

/// The size at which a picture is looked at: the shorter side no less than what small letters
/// need, no more pixels than memory and time allow, however long it is; multiples of 32.
fn size(width: usize, height: usize, rules: &Text) -> [usize; 2] {
    let short = width.min(height) as f32;
    let enlarge = (rules.shortest as f32 / short).max(1.0);
    let most = (rules.pixels as f32 / (width as f32 * height as f32)).sqrt();
    let scale = enlarge.min(most);
    [width, height].map(|side| {
        let side = scaled(side, scale);
        side.next_multiple_of(32)
    })
}

/// The corners of all pixels of each connected core, 8 neighbours.
fn cores(map: &[f32], width: usize, height: usize, least: f32) -> Vec<Vec<Point>> {
    let mut seen = vec![false; map.len()];
    let mut out = Vec::new();
    let mut stack = Vec::new();
    for start in 0..map.len() {
        if seen[start] || map[start] <= least {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        // The first and last pixel of each row are enough for a hull.
        let mut rows: std::collections::BTreeMap<usize, (usize, usize)> =
            std::collections::BTreeMap::new();
        while let Some(at) = stack.pop() {
            let (x, y) = (at % width, at / width);
            let row = rows.entry(y).or_insert((x, x));
            *row = (row.0.min(x), row.1.max(x));
            for next_y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for next_x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let next = next_y * width + next_x;
                    if !seen[next] && map[next] > least {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        out.push(
            rows.into_iter()
                .flat_map(|(y, (from, to))| {
                    let (top, low) = (y as f32, y as f32 + 1.0);
                    let (left, right) = (from as f32, to as f32 + 1.0);
                    [
                        Point::new(left, top),
                        Point::new(right, top),
                        Point::new(left, low),
                        Point::new(right, low),
                    ]
                })
                .collect(),
        );
    }
    out
}

/// The mean of the map within a box.
fn mean(map: &[f32], width: usize, height: usize, quad: &Quad) -> f32 {
    let bounds = quad.bounds();
    let clamp = |value: f32, most: usize| whole(value.clamp(0.0, most as f32));
    let (left, right) = (
        clamp(bounds.left.floor(), width),
        clamp((bounds.left + bounds.width).ceil(), width),
    );
    let (top, low) = (
        clamp(bounds.top.floor(), height),
        clamp((bounds.top + bounds.height).ceil(), height),
    );
    let (mut sum, mut count) = (0.0, 0.0_f32);
    for y in top..low {
        for x in left..right {
            if quad.holds(Point::new(x as f32 + 0.5, y as f32 + 0.5)) {
                sum += map[y * width + x];
                count += 1.0;
            }
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_are_enlarged_and_large_ones_made_small() {
        let rules = &rules().unwrap().text;
        let [width, height] = size(300, 200, rules);
        assert!(height >= rules.shortest && width % 32 == 0 && height % 32 == 0);
        for (width, height) in [
            (12_000, 9_000),
            (20_000, 20),
            (1080, 20_000),
            (60_000, 60_000),
        ] {
            let [seen_width, seen_height] = size(width, height, rules);
            assert!(
                seen_width * seen_height < rules.pixels * 2,
                "{width} x {height}"
            );
        }
    }

    #[test]
    fn two_cores_apart_are_two() {
        let mut map = vec![0.0; 20 * 10];
        for y in 2..5 {
            for x in 1..8 {
                map[y * 20 + x] = 0.9;
            }
            for x in 12..19 {
                map[y * 20 + x] = 0.8;
            }
        }
        let cores = cores(&map, 20, 10, 0.3);
        assert_eq!(cores.len(), 2);
        let quad = Quad::around(&cores[0]).unwrap();
        assert_eq!(quad, Quad::upright(1.0, 2.0, 7.0, 3.0));
        assert!((mean(&map, 20, 10, &quad) - 0.9).abs() < 1e-6);
    }
}
