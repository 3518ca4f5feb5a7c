//! Plane maps: projective, from matches and back.

use super::feature::Feature;
use super::linear::solve;

/// A projective map of the plane, row by row; the last entry is 1 unless the map is degenerate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Map(pub(super) [f64; 9]);

impl Map {
    /// `(x, y) ↦ (a x + b y + c, d x + e y + f)`.
    pub(super) const fn affine(m: [f64; 6]) -> Self {
        Self([m[0], m[1], m[2], m[3], m[4], m[5], 0.0, 0.0, 1.0])
    }

    /// Where a point goes; behind the horizon, far away.
    pub(super) fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let m = &self.0;
        let w = m[6] * x + m[7] * y + m[8];
        if w.abs() < 1e-9 {
            return (-1e9, -1e9);
        }
        (
            (m[0] * x + m[1] * y + m[2]) / w,
            (m[3] * x + m[4] * y + m[5]) / w,
        )
    }

    /// First `first`, then `self`.
    pub(super) fn after(&self, first: &Self) -> Self {
        let (a, b) = (&self.0, &first.0);
        let mut product = [0.0; 9];
        for (at, entry) in product.iter_mut().enumerate() {
            let (row, column) = (at / 3, at % 3);
            *entry = (0..3).map(|k| a[row * 3 + k] * b[k * 3 + column]).sum();
        }
        let last = if product[8].abs() < 1e-12 {
            1.0
        } else {
            product[8]
        };
        Self(product.map(|entry| entry / last))
    }

    /// The way back; of a degenerate map, anything.
    pub(super) fn back(&self) -> Self {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let adjugate = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        let last = if adjugate[8].abs() < 1e-12 {
            1.0
        } else {
            adjugate[8]
        };
        Self(adjugate.map(|entry| entry / last))
    }

    /// How many times larger an area becomes at a point; negative when mirrored.
    pub(super) fn area(&self, x: f64, y: f64) -> f64 {
        let (u0, v0) = self.apply(x - 0.5, y - 0.5);
        let (u1, v1) = self.apply(x + 0.5, y - 0.5);
        let (u2, v2) = self.apply(x - 0.5, y + 0.5);
        (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
    }

    /// Whether the map neither folds nor collapses a rectangle with corners `(0, 0)` and `(w, h)`.
    pub(super) fn is_sound(&self, w: f64, h: f64) -> bool {
        let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h), (w / 2.0, h / 2.0)];
        let m = &self.0;
        let ahead = corners
            .iter()
            .all(|(x, y)| m[6] * x + m[7] * y + m[8] > 0.05);
        let areas = corners.map(|(x, y)| self.area(x, y));
        let (least, most) = areas
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                (a.min(*v), b.max(*v))
            });
        ahead
            && m.iter().all(|v| v.is_finite())
            && least > 1e-4
            && most < 1e4
            && most < 40.0 * least
    }
}

/// A match: a point of the original, its counterpart in the leak.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
    /// Turn from the original to the leak, in radians.
    turn: f64,
    /// Leak pixels a pixel of the original.
    scale: f64,
}

/// A feature whose best match is nearer than this share of the second best is believed.
const RATIO: f64 = 0.88;

/// Comparisons that may differ in a match.
const FARTHEST: u32 = 80;

/// The matches from one list of features to another.
pub(super) fn pairs(original: &[Feature], leak: &[Feature]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for seen in leak {
        let Some((best, distance)) = nearest(original, seen) else {
            continue;
        };
        let spot = 6.0 * best.scale;
        let rival = original
            .iter()
            .filter(|f| (f.x - best.x).powi(2) + (f.y - best.y).powi(2) > spot * spot)
            .map(|f| f.distance(seen))
            .min()
            .unwrap_or(256);
        if distance <= FARTHEST && f64::from(distance) < RATIO * f64::from(rival) {
            pairs.push(Pair {
                from: (best.x.into(), best.y.into()),
                to: (seen.x.into(), seen.y.into()),
                turn: f64::from(seen.angle) - f64::from(best.angle),
                scale: f64::from(seen.scale) / f64::from(best.scale),
            });
        }
    }
    pairs
}

fn nearest<'a>(original: &'a [Feature], seen: &Feature) -> Option<(&'a Feature, u32)> {
    let near = original.iter().map(|f| (f, f.distance(seen)));
    near.min_by_key(|(_, distance)| *distance)
}

/// Fewest agreeing matches that make a map worth refining.
const FEWEST: usize = 8;

/// Best guesses that are refined.
const GUESSES: usize = 12;

/// The maps that most matches agree on, best first, each with its agreeing matches; `size` is the original's long side.
///
/// Each match, having a place, a direction and a scale, proposes a map by itself, so all proposals
/// are tried and nothing is drawn at random.
pub(super) fn agree(pairs: &[Pair], size: f64) -> Vec<(Map, usize)> {
    let mut guesses: Vec<(usize, Map)> = pairs
        .iter()
        .map(|pair| {
            let map = similar(pair);
            let loose = (0.04 * size).max(4.0) * pair.scale;
            (within(&map, pairs, loose).count(), map)
        })
        .collect();
    guesses.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    guesses.truncate(GUESSES);
    let mut maps: Vec<(Map, usize)> = guesses
        .into_iter()
        .filter_map(|(_, map)| tighten(map, pairs, size))
        .collect();
    maps.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    maps.truncate(2);
    maps
}

/// The turn, scale and shift that one match proposes.
fn similar(pair: &Pair) -> Map {
    let (sin, cos) = pair.turn.sin_cos();
    let (a, b) = (pair.scale * cos, pair.scale * sin);
    let (x, y) = pair.from;
    Map::affine([
        a,
        -b,
        pair.to.0 - a * x + b * y,
        b,
        a,
        pair.to.1 - b * x - a * y,
    ])
}

fn within<'a>(map: &Map, pairs: &'a [Pair], most: f64) -> impl Iterator<Item = &'a Pair> {
    let map = *map;
    // Squares and no roots: all proposals meet all matches here.
    pairs.iter().filter(move |pair| {
        let (u, v) = map.apply(pair.from.0, pair.from.1);
        (u - pair.to.0).powi(2) + (v - pair.to.1).powi(2) <= most * most
    })
}

fn tighten(mut map: Map, pairs: &[Pair], size: f64) -> Option<(Map, usize)> {
    let mut count = 0;
    for (round, share) in [0.04, 0.025, 0.015, 0.01, 0.006, 0.004, 0.004]
        .into_iter()
        .enumerate()
    {
        let scale = map.area(size / 2.0, size / 2.0).abs().sqrt().max(1e-3);
        let near: Vec<Pair> = within(&map, pairs, (share * size).max(2.5) * scale)
            .copied()
            .collect();
        count = near.len();
        if count < FEWEST {
            return None;
        }
        map = if round < 3 || count < 12 {
            fit_affine(&near)?
        } else {
            fit(&near, size)?
        };
    }
    Some((map, count))
}

fn fit_affine(pairs: &[Pair]) -> Option<Map> {
    let mut normal = [[0.0; 3]; 3];
    let (mut right_u, mut right_v) = ([0.0; 3], [0.0; 3]);
    for pair in pairs {
        let row = [pair.from.0, pair.from.1, 1.0];
        for (i, a) in row.iter().enumerate() {
            for (j, b) in row.iter().enumerate() {
                normal[i][j] += a * b;
            }
            right_u[i] += a * pair.to.0;
            right_v[i] += a * pair.to.1;
        }
    }
    let u = solve(normal, right_u)?;
    let v = solve(normal, right_v)?;
    Some(Map::affine([u[0], u[1], u[2], v[0], v[1], v[2]]))
}

/// The projective map of least squares, linearised, in coordinates near one.
fn fit(pairs: &[Pair], size: f64) -> Option<Map> {
    let reach = pairs
        .iter()
        .fold(1.0_f64, |m, p| m.max(p.to.0.abs()).max(p.to.1.abs()));
    let mut normal = [[0.0; 8]; 8];
    let mut right = [0.0; 8];
    for pair in pairs {
        let (x, y) = (pair.from.0 / size, pair.from.1 / size);
        let (u, v) = (pair.to.0 / reach, pair.to.1 / reach);
        let rows = [
            ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u),
            ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v),
        ];
        for (row, target) in rows {
            for i in 0..8 {
                for j in 0..8 {
                    normal[i][j] += row[i] * row[j];
                }
                right[i] += row[i] * target;
            }
        }
    }
    // A little weight holds perspective at none where the matches cannot tell.
    normal[6][6] += 1e-3;
    normal[7][7] += 1e-3;
    let p = solve(normal, right)?;
    let far = Map([
        p[0] * reach,
        p[1] * reach,
        p[2] * reach,
        p[3] * reach,
        p[4] * reach,
        p[5] * reach,
        p[6],
        p[7],
        1.0,
    ]);
    Some(far.after(&Map::affine([1.0 / size, 0.0, 0.0, 0.0, 1.0 / size, 0.0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn true_map() -> Map {
        Map([0.8, -0.3, 40.0, 0.25, 0.9, 12.0, 1e-4, -2e-4, 1.0])
    }

    fn sample(count: u32, wrong: u32) -> Vec<Pair> {
        (0..count)
            .map(|i| {
                let from = (f64::from(i * 37 % 400), f64::from(i * 91 % 300));
                let to = if i < wrong {
                    (f64::from(i * 53 % 380), f64::from(i * 29 % 280))
                } else {
                    true_map().apply(from.0, from.1)
                };
                Pair {
                    from,
                    to,
                    turn: 0.31,
                    scale: 0.85,
                }
            })
            .collect()
    }

    #[test]
    fn the_map_is_found_among_wrong_matches() {
        let pairs = sample(200, 120);
        let (map, count) = agree(&pairs, 400.0)[0];
        assert!(count >= 70, "{count}");
        for (x, y) in [(0.0, 0.0), (400.0, 0.0), (200.0, 300.0)] {
            let (a, b) = (map.apply(x, y), true_map().apply(x, y));
            assert!((a.0 - b.0).hypot(a.1 - b.1) < 3.0, "{a:?} {b:?}");
        }
    }

    #[test]
    fn too_few_matches_make_no_map() {
        assert!(agree(&sample(6, 0), 400.0).is_empty());
        assert!(agree(&[], 400.0).is_empty());
    }

    #[test]
    fn maps_compose() {
        let shift = Map::affine([1.0, 0.0, 5.0, 0.0, 1.0, -3.0]);
        let both = true_map().after(&shift);
        let (a, b) = (both.apply(10.0, 20.0), true_map().apply(15.0, 17.0));
        assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9);
    }

    #[test]
    fn refuses_maps_that_fold_or_collapse() {
        assert!(true_map().is_sound(400.0, 300.0));
        for bad in [
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.01, 0.0, 1.0],
            [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            [f64::NAN; 9],
        ] {
            assert!(!Map(bad).is_sound(400.0, 300.0), "{bad:?}");
        }
    }
}
