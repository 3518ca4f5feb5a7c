//! A flat page as a camera sees it: laid on something, at an angle, in some light, spoilt.

use liuhen_picture::{Encoding, Picture, encode};

use super::dice::Dice;
use super::page::{Page, byte, whole};
use super::{Field, Photo, Sort, Spoilt};

/// A projective map, as rows of a matrix.
type Matrix = [[f32; 3]; 3];

fn map(matrix: &Matrix, x: f32, y: f32) -> [f32; 2] {
    let [p, q, w] = matrix.map(|row| row[0] * x + row[1] * y + row[2]);
    [p / w, q / w]
}

/// The inverse but for a factor, which a projective map does not notice.
fn inverse(m: &Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row)))
}

/// How a picture is to be taken.
#[derive(Clone, Copy)]
pub(super) struct Shot {
    /// Longest side in pixels.
    pub(super) longest: f32,
    /// Share of the frame that the page fills.
    pub(super) fills: f32,
    pub(super) spoilt: Spoilt,
    /// Turned about the two axes of the page, in degrees.
    pub(super) tilt: [f32; 2],
    /// Whether it is a screen, which a camera sees with stripes.
    pub(super) screen: bool,
}

impl Shot {
    pub(super) fn of(sort: Sort, dice: &mut Dice) -> Shot {
        let least = sort.least_side();
        // As many small ones as large ones, by their logarithm.
        let longest = (least.ln() + (3_000_f32.ln() - least.ln()) * dice.unit().powf(1.4)).exp();
        let turned = if sort.is_plate() || sort == Sort::Screen {
            0
        } else {
            dice.pick(&[0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
        };
        let steep = if sort == Sort::Screen { 14.0 } else { 22.0 };
        let spoilt = Spoilt {
            quality: byte(dice.between(40.0, 95.0)),
            quarters: turned,
            angle: dice.between(-9.0, 9.0),
            noise: dice.between(0.0, 9.0),
            blur: dice.between(0.0, 1.0),
            unevenness: dice.between(0.0, 0.5),
            glare: if sort == Sort::Screen {
                dice.between(0.0, 0.3)
            } else {
                dice.pick(&[0.0, 0.0, 0.35, 0.6, 0.9])
            },
            glare_on_field: dice.chance(0.4),
        };
        Shot {
            longest,
            fills: dice.between(0.72, 0.96),
            tilt: [dice.between(-steep, steep), dice.between(-steep, steep)],
            screen: sort == Sort::Screen,
            spoilt,
        }
    }

    /// Pixels to the unit at which a page of this size should be drawn.
    pub(super) fn scale(&self, [width, height]: [f32; 2]) -> f32 {
        self.longest * self.fills / width.max(height) * 1.1
    }

    /// The map from units of the page to pixels, and the size of the picture.
    fn place(&self, [width, height]: [f32; 2]) -> (Matrix, [usize; 2]) {
        let quarter = f32::from(self.spoilt.quarters) * 90.0;
        let (sin, cos) = (self.spoilt.angle + quarter).to_radians().sin_cos();
        let [(sx, cx), (sy, cy)] = self.tilt.map(|tilt| tilt.to_radians().sin_cos());
        let far = 2.6 * width.max(height);
        // Turned in its plane, then about both axes, then seen from `far` through a pinhole.
        let turn = |x: f32, y: f32| [cos * x - sin * y, sin * x + cos * y];
        let seen = |x: f32, y: f32| {
            let [x, y] = turn(x, y);
            [
                cy * x + sy * sx * y,
                cx * y,
                (far - sy * x + cy * sx * y) / far,
            ]
        };
        // Columns of the matrix from three points, the middle of the page being the origin.
        let [o, i, j] = [seen(0.0, 0.0), seen(1.0, 0.0), seen(0.0, 1.0)];
        let mut plain: Matrix = [0, 1, 2].map(|row| {
            let (a, b) = (i[row] - o[row], j[row] - o[row]);
            [a, b, o[row] - a * width / 2.0 - b * height / 2.0]
        });
        let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]
            .map(|[x, y]| map(&plain, x, y));
        let low = [0, 1].map(|axis| corners.iter().map(|c| c[axis]).fold(f32::MAX, f32::min));
        let high = [0, 1].map(|axis| corners.iter().map(|c| c[axis]).fold(f32::MIN, f32::max));
        let [wide, tall] = [high[0] - low[0], high[1] - low[1]];
        // The frame is 4 : 3 or as the page demands, the longer side as asked.
        let ratio = (wide / tall).clamp(0.62, 1.62);
        let (frame_w, frame_h) = if ratio >= 1.0 {
            (self.longest, self.longest / ratio)
        } else {
            (self.longest * ratio, self.longest)
        };
        let scale = self.fills * (frame_w / wide).min(frame_h / tall);
        for axis in [0, 1] {
            let middle = f32::midpoint(low[axis], high[axis]);
            let centre = [frame_w, frame_h][axis] / 2.0;
            let third = plain[2];
            for (cell, third) in plain[axis].iter_mut().zip(third) {
                *cell = (*cell - middle * third) * scale + centre * third;
            }
        }
        (plain, [whole(frame_w), whole(frame_h)])
    }

    /// Takes the picture.
    pub(super) fn take(
        self,
        sort: Sort,
        size: [f32; 2],
        page: &Page<'_>,
        dice: &mut Dice,
    ) -> Photo {
        let (matrix, [width, height]) = self.place(size);
        let mut fields: Vec<Field> = page
            .marks
            .iter()
            .map(|mark| Field {
                kind: mark.kind,
                text: mark.text.clone(),
                places: mark
                    .boxes
                    .iter()
                    .map(|b| {
                        [
                            [b.left, b.top],
                            [b.right, b.top],
                            [b.right, b.bottom],
                            [b.left, b.bottom],
                        ]
                        .map(|[x, y]| map(&matrix, x, y))
                    })
                    .collect(),
                code: mark.code,
                glare: 0.0,
            })
            .collect();
        let mut rgb = self.lay(&matrix, [width, height], size, page, dice);
        let glare = self.glare([width, height], &fields, dice);
        self.light(&mut rgb, [width, height], &glare, dice);
        for field in &mut fields {
            field.glare = glare.over(field);
        }
        // Letters are blurred by no more than a tenth of their height.
        let least = fields
            .iter()
            .filter(|field| !field.code)
            .flat_map(|field| &field.places)
            .map(|[a, _, _, d]| (a[0] - d[0]).hypot(a[1] - d[1]))
            .fold(f32::MAX, f32::min)
            .min(60.0);
        blur(&mut rgb, [width, height], self.spoilt.blur * least * 0.055);
        let bytes = self.spoil(rgb, [width, height], dice);
        Photo {
            sort,
            bytes,
            width,
            height,
            fields,
            spoilt: self.spoilt,
        }
    }

    /// The page upon something.
    fn lay(
        &self,
        matrix: &Matrix,
        [width, height]: [usize; 2],
        [wide, high]: [f32; 2],
        page: &Page<'_>,
        dice: &mut Dice,
    ) -> Vec<f32> {
        let back = inverse(matrix);
        let ground = Ground::new(dice);
        let shadow = [
            dice.between(-0.02, 0.02) * wide,
            dice.between(0.005, 0.02) * wide,
        ];
        let stripes = Stripes::new(self.screen, dice);
        let mut rgb = vec![0.0; width * height * 3];
        for (at, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
            let [u, v] = map(&back, x, y);
            if u >= 0.0 && v >= 0.0 && u < wide && v < high {
                *pixel = sample(page, u * page.scale - 0.5, v * page.scale - 0.5);
                if self.screen {
                    let by = stripes.at(u, v, x, y);
                    for value in pixel {
                        *value *= by;
                    }
                }
            } else {
                let (s, t) = (u - shadow[0], v - shadow[1]);
                let out = (-s).max(-t).max(s - wide).max(t - high).max(0.0) / (0.02 * wide);
                let dark = 1.0 - 0.45 * (1.0 - out).max(0.0);
                *pixel = ground.at(u / wide, v / wide).map(|value| value * dark);
            }
        }
        rgb
    }

    /// Where the light is reflected, if it is.
    fn glare(&self, [width, height]: [usize; 2], fields: &[Field], dice: &mut Dice) -> Glare {
        let (w, h) = (width as f32, height as f32);
        let radius = [dice.between(0.05, 0.12) * w, dice.between(0.04, 0.10) * w];
        let turn = dice.between(0.0, std::f32::consts::PI);
        let mut glare = Glare {
            strength: self.spoilt.glare * 235.0,
            centre: [w / 2.0, h / 2.0],
            radius,
            turn,
        };
        if self.spoilt.glare_on_field && !fields.is_empty() {
            let field = &fields[dice.below(fields.len())];
            let [a, _, c, _] = field.places[0];
            let share = dice.between(0.2, 0.8);
            glare.centre = [a[0] + (c[0] - a[0]) * share, a[1] + (c[1] - a[1]) * share];
            return glare;
        }
        // Somewhere that no field is; where there is no such place, there is no glare.
        for _ in 0..40 {
            glare.centre = [dice.between(0.05, 0.95) * w, dice.between(0.05, 0.95) * h];
            if fields.iter().all(|field| glare.over(field) < 0.12) {
                return glare;
            }
        }
        Glare {
            strength: 0.0,
            ..glare
        }
    }

    /// Light from one side, of some warmth, darker towards the edges, and the glare.
    fn light(&self, rgb: &mut [f32], [width, height]: [usize; 2], glare: &Glare, dice: &mut Dice) {
        let (sin, cos) = dice.between(0.0, std::f32::consts::TAU).sin_cos();
        let warm = dice.between(-0.07, 0.07);
        let bright = dice.between(0.82, 1.06);
        let uneven = self.spoilt.unevenness;
        for (at, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((at % width) as f32, (at / width) as f32);
            let (u, v) = (x / width as f32 - 0.5, y / height as f32 - 0.5);
            let side = 1.0 + uneven * (u * cos + v * sin);
            let edge = 1.0 - 0.25 * (u * u + v * v);
            let shine = glare.at(x, y);
            for (value, tint) in pixel.iter_mut().zip([1.0 + warm, 1.0, 1.0 - warm]) {
                *value = *value * side * edge * bright * tint + shine;
            }
        }
    }

    /// Noise, then JPEG.
    fn spoil(&self, rgb: Vec<f32>, [width, height]: [usize; 2], dice: &mut Dice) -> Vec<u8> {
        let noise = self.spoilt.noise;
        let mut pixels = Vec::with_capacity(rgb.len());
        for pixel in rgb.as_chunks::<3>().0 {
            let common = dice.normal() * noise;
            for value in pixel {
                pixels.push(byte(value + common * 0.8 + dice.normal() * noise * 0.5));
            }
        }
        let side = |side: usize| u32::try_from(side).unwrap_or(0);
        let picture = Picture::rgb(side(width), side(height), pixels).expect("a whole picture");
        let quality = self.spoilt.quality;
        encode(&picture, Encoding::Jpeg { quality }).expect("JPEG holds it")
    }
}

/// The page at a place between pixels.
fn sample(page: &Page<'_>, x: f32, y: f32) -> [f32; 3] {
    let (x, y) = (x.max(0.0), y.max(0.0));
    let (left, across) = parts(x, page.width);
    let (top, down) = parts(y, page.height);
    let right = (left + 1).min(page.width - 1);
    let low = (top + 1).min(page.height - 1);
    [0, 1, 2].map(|channel| {
        let value = |x: usize, y: usize| f32::from(page.rgb[(y * page.width + x) * 3 + channel]);
        let upper = value(left, top) * (1.0 - across) + value(right, top) * across;
        let lower = value(left, low) * (1.0 - across) + value(right, low) * across;
        upper * (1.0 - down) + lower * down
    })
}

/// The whole part of a place, held within, and the rest.
#[expect(
    clippy::cast_possible_truncation,
    reason = "never negative, and sides are far smaller"
)]
fn parts(value: f32, side: usize) -> (usize, f32) {
    let whole = (value as usize).min(side - 1);
    (whole, (value - whole as f32).min(1.0))
}

/// A spot of reflected light.
struct Glare {
    /// What it adds in its middle.
    strength: f32,
    centre: [f32; 2],
    radius: [f32; 2],
    turn: f32,
}

impl Glare {
    fn at(&self, x: f32, y: f32) -> f32 {
        if self.strength <= 0.0 {
            return 0.0;
        }
        let (sin, cos) = self.turn.sin_cos();
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let (u, v) = (
            (dx * cos + dy * sin) / self.radius[0],
            (dy * cos - dx * sin) / self.radius[1],
        );
        let far = u * u + v * v;
        if far < 12.0 {
            self.strength * (-far).exp()
        } else {
            0.0
        }
    }

    /// The most it adds over a field, as a share of full white.
    fn over(&self, field: &Field) -> f32 {
        let mut most: f32 = 0.0;
        for [a, b, c, d] in &field.places {
            for step in 0..=20_u8 {
                let share = f32::from(step) / 20.0;
                let mid = |p: &[f32; 2], q: &[f32; 2], axis: usize| f32::midpoint(p[axis], q[axis]);
                let from = [mid(a, d, 0), mid(a, d, 1)];
                let to = [mid(b, c, 0), mid(b, c, 1)];
                let x = from[0] + (to[0] - from[0]) * share;
                let y = from[1] + (to[1] - from[1]) * share;
                most = most.max(self.at(x, y));
            }
        }
        most / 255.0
    }
}

/// What the page lies on.
struct Ground {
    colour: [f32; 3],
    sort: usize,
    salt: u64,
}

impl Ground {
    fn new(dice: &mut Dice) -> Ground {
        let colours = [
            [150.0, 112.0, 78.0],
            [92.0, 64.0, 46.0],
            [128.0, 130.0, 134.0],
            [214.0, 210.0, 202.0],
            [58.0, 62.0, 70.0],
            [104.0, 122.0, 112.0],
        ];
        Ground {
            colour: dice.pick(&colours),
            sort: dice.below(3),
            salt: dice.word(),
        }
    }

    fn at(&self, u: f32, v: f32) -> [f32; 3] {
        let grain = match self.sort {
            // Wood: rings along one side.
            0 => (v * 60.0 + 6.0 * self.smooth(u * 2.0, v * 9.0)).sin() * 0.10,
            // Cloth.
            1 => ((u * 300.0).sin() * (v * 300.0).sin()) * 0.06,
            _ => 0.0,
        };
        let cloud = 0.12 * self.smooth(u * 5.0, v * 5.0);
        self.colour.map(|value| value * (1.0 + grain + cloud))
    }

    /// Smooth noise of -1 to 1.
    fn smooth(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (across, down) = (ease(x - left), ease(y - top));
        let corner = |dx: f32, dy: f32| {
            let cell = u64::from((left + dx).to_bits()) << 32 | u64::from((top + dy).to_bits());
            Dice::new(self.salt, cell).unit() * 2.0 - 1.0
        };
        let upper = corner(0.0, 0.0) * (1.0 - across) + corner(1.0, 0.0) * across;
        let lower = corner(0.0, 1.0) * (1.0 - across) + corner(1.0, 1.0) * across;
        upper * (1.0 - down) + lower * down
    }
}

/// What a camera's pixels make of a screen's.
struct Stripes {
    strength: f32,
    waves: [[f32; 3]; 2],
}

impl Stripes {
    fn new(wanted: bool, dice: &mut Dice) -> Stripes {
        let wave = |dice: &mut Dice| {
            let (sin, cos) = dice.between(0.0, std::f32::consts::PI).sin_cos();
            let length = dice.between(3.0, 60.0);
            [cos / length, sin / length, dice.between(0.0, 6.0)]
        };
        Stripes {
            strength: if wanted {
                dice.between(0.02, 0.09)
            } else {
                0.0
            },
            waves: [wave(dice), wave(dice)],
        }
    }

    /// Two waves of the camera's pixels, bent by where they fall on the screen, and its rows.
    fn at(&self, u: f32, v: f32, x: f32, y: f32) -> f32 {
        let bend = 1.5 * (u / 260.0).sin() + 1.1 * (v / 190.0).cos();
        let sum: f32 = self
            .waves
            .iter()
            .map(|[a, b, c]| ((a * x + b * y) * std::f32::consts::TAU + c + bend).sin())
            .sum();
        let rows = (v * std::f32::consts::TAU / 2.2).sin();
        1.0 + self.strength * (sum * 0.7 + rows * 0.5)
    }
}

/// A bell curve of this width, cut where it is thin, along rows and then along columns.
fn blur(rgb: &mut Vec<f32>, [width, height]: [usize; 2], sigma: f32) {
    if sigma < 0.3 {
        return;
    }
    let radius = whole((sigma * 2.2).ceil()).max(1);
    let mut weights: Vec<f32> = (0..=2 * radius)
        .map(|at| {
            let far = at as f32 - radius as f32;
            (-far * far / (2.0 * sigma * sigma)).exp()
        })
        .collect();
    let sum: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    let row = width * 3;
    // A row with its ends repeated.
    let mut line = vec![0.0; row + 6 * radius];
    for values in rgb.chunks_exact_mut(row) {
        for at in 0..radius {
            line[at * 3..at * 3 + 3].copy_from_slice(&values[..3]);
            let end = row + (radius + at) * 3;
            line[end..end + 3].copy_from_slice(&values[row - 3..]);
        }
        line[radius * 3..radius * 3 + row].copy_from_slice(values);
        values.fill(0.0);
        for (index, weight) in weights.iter().enumerate() {
            for (value, from) in values.iter_mut().zip(&line[index * 3..]) {
                *value += weight * from;
            }
        }
    }
    let mut out = vec![0.0; rgb.len()];
    for (y, values) in out.chunks_exact_mut(row).enumerate() {
        for (index, weight) in weights.iter().enumerate() {
            let from = (y + index).saturating_sub(radius).min(height - 1);
            for (value, from) in values.iter_mut().zip(&rgb[from * row..]) {
                *value += weight * from;
            }
        }
    }
    *rgb = out;
}
