//! Glyphs drawn once and put down many times.
//!
//! Outlines come from `ttf-parser`, coverage from `ab_glyph_rasterizer`.
//! Where stamps are put belongs to [`text`](crate::text) and `mark`.

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use ttf_parser::{GlyphId, OutlineBuilder};

use crate::Glyphs;
use crate::pixels::byte;

/// Larger glyphs are not drawn: nobody reads them, and memory is finite.
const LARGEST: f32 = 8_192.0;

/// Coverage of one glyph, 0 to 255, in whole pixels around its origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamp {
    /// Of the left column, from the origin to the right.
    pub(crate) left: i32,
    /// Of the top row, from the baseline downwards.
    pub(crate) top: i32,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) cover: Vec<u8>,
}

/// How ems become pixels: `x` and `y` of an em to the right, then of an em upwards, then a shift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placing {
    pub(crate) right: (f32, f32),
    pub(crate) up: (f32, f32),
    pub(crate) shift: (f32, f32),
}

impl Placing {
    /// Upright letters of `size` pixels to the em, moved right by a part of a pixel.
    pub(crate) fn upright(size: f32, shift: f32) -> Placing {
        Placing {
            right: (size, 0.0),
            up: (0.0, -size),
            shift: (shift, 0.0),
        }
    }

    fn of(&self, x: f32, y: f32) -> Point {
        point(
            x * self.right.0 + y * self.up.0 + self.shift.0,
            x * self.right.1 + y * self.up.1 + self.shift.1,
        )
    }
}

impl Stamp {
    /// A glyph drawn; empty for one without outline, such as a space.
    pub(crate) fn draw(glyphs: &Glyphs<'_>, glyph: u16, placing: Placing) -> Stamp {
        let mut outline = Outline::new(placing, glyphs.units_per_em());
        glyphs.face.outline_glyph(GlyphId(glyph), &mut outline);
        outline.fill()
    }

    /// The stamp grown by `radius` pixels to all sides, without the stamp itself: its halo.
    pub(crate) fn halo(&self, radius: f32) -> Stamp {
        if self.cover.is_empty() {
            return Stamp::default();
        }
        let margin = whole(radius.ceil()).max(1);
        let grow = usize::try_from(margin).unwrap_or(1);
        let (width, height) = (self.width + 2 * grow, self.height + 2 * grow);
        let mut halo = Stamp {
            left: self.left - margin,
            top: self.top - margin,
            width,
            height,
            cover: vec![0; width * height],
        };
        for (dx, dy) in ring(radius) {
            for y in 0..self.height {
                let to =
                    (y + grow).saturating_add_signed(dy) * width + grow.saturating_add_signed(dx);
                let from = &self.cover[y * self.width..][..self.width];
                for (above, &below) in halo.cover[to..to + self.width].iter_mut().zip(from) {
                    *above = (*above).max(below);
                }
            }
        }
        for y in 0..self.height {
            let to = (y + grow) * width + grow;
            let from = &self.cover[y * self.width..][..self.width];
            for (above, &below) in halo.cover[to..to + self.width].iter_mut().zip(from) {
                *above = above.saturating_sub(below);
            }
        }
        halo
    }

    /// Calls `paint(index, coverage)` for each covered pixel of a canvas of this size, the glyph's
    /// origin standing at (`x`, `y`); what lies outside is passed over.
    pub(crate) fn put(
        &self,
        (x, y): (i32, i32),
        (width, height): (usize, usize),
        mut paint: impl FnMut(usize, u8),
    ) {
        let (left, top) = (x.saturating_add(self.left), y.saturating_add(self.top));
        for row in 0..self.height {
            let Some(to_y) = offset(top, row).filter(|&to| to < height) else {
                continue;
            };
            let from = &self.cover[row * self.width..][..self.width];
            for (column, &cover) in from.iter().enumerate() {
                if cover == 0 {
                    continue;
                }
                if let Some(to_x) = offset(left, column).filter(|&to| to < width) {
                    paint(to_y * width + to_x, cover);
                }
            }
        }
    }
}

/// Sixteen steps around a circle, and eight around one half as large.
fn ring(radius: f32) -> impl Iterator<Item = (isize, isize)> {
    [(16_u8, radius), (8, radius / 2.0)]
        .into_iter()
        .flat_map(|(count, radius)| {
            (0..count).map(move |step| {
                let angle = f32::from(step) / f32::from(count) * std::f32::consts::TAU;
                let part =
                    |value: f32| isize::try_from(whole((radius * value).round())).unwrap_or(0);
                (part(angle.cos()), part(angle.sin()))
            })
        })
}

fn offset(start: i32, by: usize) -> Option<usize> {
    usize::try_from(i64::from(start) + i64::try_from(by).ok()?).ok()
}

/// A float as a whole number of pixels; far beyond any canvas it is held there.
#[expect(clippy::cast_possible_truncation, reason = "held within bounds before")]
pub(crate) fn whole(value: f32) -> i32 {
    value.clamp(-1e9, 1e9) as i32
}

/// An outline in pixels, collected before its box is known.
struct Outline {
    placing: Placing,
    em: f32,
    start: Point,
    at: Point,
    low: Point,
    high: Point,
    curves: Vec<Curve>,
}

#[derive(Clone, Copy)]
enum Curve {
    Line([Point; 2]),
    Quad([Point; 3]),
    Cubic([Point; 4]),
}

impl Outline {
    fn new(placing: Placing, em: f32) -> Outline {
        Outline {
            placing,
            em,
            start: point(0.0, 0.0),
            at: point(0.0, 0.0),
            low: point(f32::MAX, f32::MAX),
            high: point(f32::MIN, f32::MIN),
            curves: Vec::new(),
        }
    }

    fn place(&mut self, x: f32, y: f32) -> Point {
        let place = self.placing.of(x / self.em, y / self.em);
        self.low = point(self.low.x.min(place.x), self.low.y.min(place.y));
        self.high = point(self.high.x.max(place.x), self.high.y.max(place.y));
        place
    }

    fn fill(self) -> Stamp {
        let (left, top) = (self.low.x.floor() - 1.0, self.low.y.floor() - 1.0);
        let (wide, high) = (
            self.high.x.ceil() + 1.0 - left,
            self.high.y.ceil() + 1.0 - top,
        );
        let drawable = |side: f32| side > 0.0 && side <= LARGEST;
        if self.curves.is_empty() || !drawable(wide) || !drawable(high) {
            return Stamp::default();
        }
        let (width, height) = (whole(wide).unsigned_abs(), whole(high).unsigned_abs());
        let (width, height) = (width as usize, height as usize);
        let mut raster = Rasterizer::new(width, height);
        let moved = |at: Point| point(at.x - left, at.y - top);
        for curve in self.curves {
            match curve {
                Curve::Line([a, b]) => raster.draw_line(moved(a), moved(b)),
                Curve::Quad([a, b, c]) => raster.draw_quad(moved(a), moved(b), moved(c)),
                Curve::Cubic([a, b, c, d]) => {
                    raster.draw_cubic(moved(a), moved(b), moved(c), moved(d));
                }
            }
        }
        let mut cover = vec![0; width * height];
        raster.for_each_pixel(|index, value| cover[index] = byte(value * 255.0));
        Stamp {
            left: whole(left),
            top: whole(top),
            width,
            height,
            cover,
        }
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.start = self.place(x, y);
        self.at = self.start;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.place(x, y);
        self.curves.push(Curve::Line([self.at, to]));
        self.at = to;
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (bend, to) = (self.place(x1, y1), self.place(x, y));
        self.curves.push(Curve::Quad([self.at, bend, to]));
        self.at = to;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (first, second, to) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.curves.push(Curve::Cubic([self.at, first, second, to]));
        self.at = to;
    }

    fn close(&mut self) {
        self.curves.push(Curve::Line([self.at, self.start]));
        self.at = self.start;
    }
}
