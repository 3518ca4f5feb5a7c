//! Points, boxes, quadrilaterals.

use serde::{Deserialize, Serialize};

/// A place in a picture, in pixels from the top left corner; centres of pixels are at halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// A point.
    #[must_use]
    pub fn new(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    fn to(self, other: Point) -> Point {
        Point::new(other.x - self.x, other.y - self.y)
    }

    fn cross(self, other: Point) -> f32 {
        self.x * other.y - self.y * other.x
    }

    fn dot(self, other: Point) -> f32 {
        self.x * other.x + self.y * other.y
    }

    /// How far apart, in pixels.
    #[must_use]
    pub fn distance(self, other: Point) -> f32 {
        self.to(other).x.hypot(self.to(other).y)
    }

    /// The point between, at a share of the way.
    #[must_use]
    pub fn between(self, other: Point, share: f32) -> Point {
        Point::new(
            self.x + (other.x - self.x) * share,
            self.y + (other.y - self.y) * share,
        )
    }
}

/// An upright box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// The left edge.
    pub left: f32,
    /// The upper edge.
    pub top: f32,
    /// How wide.
    pub width: f32,
    /// How high.
    pub height: f32,
}

impl Area {
    /// A box.
    #[must_use]
    pub fn new(left: f32, top: f32, width: f32, height: f32) -> Area {
        Area {
            left,
            top,
            width,
            height,
        }
    }

    /// The same box in a picture of so many times the size.
    #[must_use]
    pub fn scaled(&self, by: f32) -> Area {
        Area::new(
            self.left * by,
            self.top * by,
            self.width * by,
            self.height * by,
        )
    }

    /// Pixels it covers.
    #[must_use]
    pub fn size(&self) -> f32 {
        self.width.max(0.0) * self.height.max(0.0)
    }

    /// Pixels both cover.
    #[must_use]
    pub fn shared(&self, other: &Area) -> f32 {
        let across =
            (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let down = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        across.max(0.0) * down.max(0.0)
    }

    /// Intersection over union.
    #[must_use]
    pub fn overlap(&self, other: &Area) -> f32 {
        let shared = self.shared(other);
        let union = self.size() + other.size() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The same box with every side moved out by a share of its width and height.
    #[must_use]
    pub fn grown(&self, across: f32, up: f32, down: f32) -> Area {
        Area {
            left: self.left - self.width * across,
            top: self.top - self.height * up,
            width: self.width * (1.0 + 2.0 * across),
            height: self.height * (1.0 + up + down),
        }
    }

    /// The middle.
    #[must_use]
    pub fn centre(&self) -> Point {
        Point::new(self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

/// Four corners: top left, top right, bottom right, bottom left, as the text within reads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quad(pub [Point; 4]);

impl Quad {
    /// An upright one.
    #[must_use]
    pub fn upright(left: f32, top: f32, width: f32, height: f32) -> Quad {
        Quad([
            Point::new(left, top),
            Point::new(left + width, top),
            Point::new(left + width, top + height),
            Point::new(left, top + height),
        ])
    }

    /// The mean of upper and lower edge.
    #[must_use]
    pub fn width(&self) -> f32 {
        let [a, b, c, d] = self.0;
        a.distance(b).midpoint(d.distance(c))
    }

    /// The mean of left and right edge.
    #[must_use]
    pub fn height(&self) -> f32 {
        let [a, b, c, d] = self.0;
        a.distance(d).midpoint(b.distance(c))
    }

    /// The upright box around it.
    #[must_use]
    pub fn bounds(&self) -> Area {
        let (mut low, mut high) = (self.0[0], self.0[0]);
        for point in self.0 {
            low = Point::new(low.x.min(point.x), low.y.min(point.y));
            high = Point::new(high.x.max(point.x), high.y.max(point.y));
        }
        Area::new(low.x, low.y, high.x - low.x, high.y - low.y)
    }

    /// The part between two shares of its width.
    #[must_use]
    pub fn slice(&self, from: f32, to: f32) -> Quad {
        let [a, b, c, d] = self.0;
        Quad([
            a.between(b, from),
            a.between(b, to),
            d.between(c, to),
            d.between(c, from),
        ])
    }

    /// What lies behind it along its line, so many of its heights.
    #[must_use]
    pub fn behind(&self, heights: f32) -> Quad {
        self.slice(1.0, 1.0 + heights * self.height() / self.width().max(1e-3))
    }

    /// The same, begun so many of its heights before.
    #[must_use]
    pub fn begun_before(&self, heights: f32) -> Quad {
        self.slice(-heights * self.height() / self.width().max(1e-3), 1.0)
    }

    /// Every corner through a map.
    #[must_use]
    pub fn map(&self, map: impl Fn(Point) -> Point) -> Quad {
        Quad(self.0.map(map))
    }

    /// Moved out by `by` pixels along its own sides.
    #[must_use]
    pub fn grown(&self, across: f32, down: f32) -> Quad {
        let [a, b, c, d] = self.0;
        let out = |from: Point, to: Point, by: f32| {
            let length = from.distance(to).max(1e-3);
            let step = from.to(to);
            Point::new(step.x / length * by, step.y / length * by)
        };
        let (right, low) = (out(a, b, across), out(a, d, down));
        let (right2, low2) = (out(d, c, across), out(b, c, down));
        let add = |p: Point, x: Point, y: Point, sx: f32, sy: f32| {
            Point::new(p.x + x.x * sx + y.x * sy, p.y + x.y * sx + y.y * sy)
        };
        Quad([
            add(a, right, low, -1.0, -1.0),
            add(b, right, low2, 1.0, -1.0),
            add(c, right2, low2, 1.0, 1.0),
            add(d, right2, low, -1.0, 1.0),
        ])
    }

    /// Whether a point lies within or on it.
    #[must_use]
    pub fn holds(&self, point: Point) -> bool {
        let mut signs = (false, false);
        for (index, &from) in self.0.iter().enumerate() {
            let to = self.0[(index + 1) % 4];
            let side = from.to(to).cross(from.to(point));
            signs.0 |= side > 0.0;
            signs.1 |= side < 0.0;
        }
        !(signs.0 && signs.1)
    }

    /// The projective map that takes the upright box of this size onto the four corners.
    pub(crate) fn projection(&self, width: f32, height: f32) -> Projection {
        let [a, b, c, d] = self.0;
        // Rule: the unit square onto a quadrilateral, in closed form.
        let sum = Point::new(a.x - b.x + c.x - d.x, a.y - b.y + c.y - d.y);
        let (one, two) = (c.to(b), c.to(d));
        let bottom = one.cross(two);
        let (g, h) = if bottom.abs() < 1e-6 {
            (0.0, 0.0)
        } else {
            (sum.cross(two) / bottom, one.cross(sum) / bottom)
        };
        Projection {
            rows: [
                [b.x - a.x + g * b.x, d.x - a.x + h * d.x, a.x],
                [b.y - a.y + g * b.y, d.y - a.y + h * d.y, a.y],
                [g, h, 1.0],
            ],
            width,
            height,
        }
    }

    /// The smallest rectangle, at any angle, that holds all points; `None` for fewer than three
    /// points or none that span an area. The first corner is the one nearest the upper left.
    ///
    /// Rule: one side of it lies on a side of the convex hull.
    pub(crate) fn around(points: &[Point]) -> Option<Quad> {
        let hull = hull(points);
        if hull.len() < 3 {
            return None;
        }
        let mut best: Option<(f32, Quad)> = None;
        for (index, &from) in hull.iter().enumerate() {
            let to = hull[(index + 1) % hull.len()];
            let length = from.distance(to);
            if length < 1e-6 {
                continue;
            }
            let along = Point::new((to.x - from.x) / length, (to.y - from.y) / length);
            let over = Point::new(-along.y, along.x);
            let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
            for &point in &hull {
                for (axis, direction) in [along, over].into_iter().enumerate() {
                    let at = point.dot(direction);
                    low[axis] = low[axis].min(at);
                    high[axis] = high[axis].max(at);
                }
            }
            let size = (high[0] - low[0]) * (high[1] - low[1]);
            if best.as_ref().is_none_or(|(least, _)| size < *least) {
                let corner =
                    |u: f32, v: f32| Point::new(along.x * u + over.x * v, along.y * u + over.y * v);
                let quad = Quad([
                    corner(low[0], low[1]),
                    corner(high[0], low[1]),
                    corner(high[0], high[1]),
                    corner(low[0], high[1]),
                ]);
                best = Some((size, quad));
            }
        }
        best.map(|(_, quad)| quad.upper_left_first())
    }

    /// The same corners, clockwise from the one nearest the upper left.
    fn upper_left_first(self) -> Quad {
        let mut corners = self.0;
        let mut area = 0.0;
        for index in 0..4 {
            area += corners[index].cross(corners[(index + 1) % 4]);
        }
        if area < 0.0 {
            corners.reverse();
        }
        let mut first = 0;
        for index in 1..4 {
            let sum = |at: usize| corners[at].x + corners[at].y;
            if sum(index) < sum(first) - 1e-3 {
                first = index;
            }
        }
        corners.rotate_left(first);
        Quad(corners)
    }
}

/// A projective map.
pub(crate) struct Projection {
    rows: [[f32; 3]; 3],
    width: f32,
    height: f32,
}

impl Projection {
    pub(crate) fn apply(&self, x: f32, y: f32) -> Point {
        let (u, v) = (x / self.width, y / self.height);
        let [p, q, w] = self.rows.map(|row| row[0] * u + row[1] * v + row[2]);
        let w = if w.abs() < 1e-6 { 1e-6 } else { w };
        Point::new(p / w, q / w)
    }
}

/// The convex hull, by Andrew's monotone chain.
fn hull(points: &[Point]) -> Vec<Point> {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut out: Vec<Point> = Vec::new();
    let half = |points: &mut dyn Iterator<Item = Point>, out: &mut Vec<Point>| {
        let from = out.len();
        for point in points {
            while out.len() >= from + 2 {
                let (a, b) = (out[out.len() - 2], out[out.len() - 1]);
                if a.to(b).cross(a.to(point)) > 0.0 {
                    break;
                }
                out.pop();
            }
            out.push(point);
        }
        out.pop();
    };
    half(&mut points.iter().copied(), &mut out);
    half(&mut points.iter().rev().copied(), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_rectangle_of_a_turned_one_is_itself() {
        // 40 x 10, turned by 3-4-5's angle.
        let (cos, sin) = (0.8, 0.6);
        let turn = |x: f32, y: f32| Point::new(50.0 + x * cos - y * sin, 20.0 + x * sin + y * cos);
        let mut points = Vec::new();
        for x in 0..=40_u8 {
            for y in 0..=10_u8 {
                points.push(turn(f32::from(x), f32::from(y)));
            }
        }
        let quad = Quad::around(&points).unwrap();
        let (long, short) = (
            quad.width().max(quad.height()),
            quad.width().min(quad.height()),
        );
        assert!(
            (long - 40.0).abs() < 0.01 && (short - 10.0).abs() < 0.01,
            "{quad:?}"
        );
        assert!(Quad::around(&points[..2]).is_none());
    }

    #[test]
    fn a_projection_takes_corners_onto_corners() {
        let quad = Quad([
            Point::new(10.0, 12.0),
            Point::new(90.0, 5.0),
            Point::new(95.0, 60.0),
            Point::new(4.0, 70.0),
        ]);
        let map = quad.projection(200.0, 50.0);
        let corners = [(0.0, 0.0), (200.0, 0.0), (200.0, 50.0), (0.0, 50.0)];
        for ((x, y), expected) in corners.into_iter().zip(quad.0) {
            assert!(map.apply(x, y).distance(expected) < 1e-3);
        }
        assert!(quad.holds(map.apply(100.0, 25.0)));
        assert!(!quad.holds(Point::new(0.0, 0.0)));
    }

    #[test]
    fn overlap_of_halves() {
        let a = Area::new(0.0, 0.0, 10.0, 10.0);
        let b = Area::new(5.0, 0.0, 10.0, 10.0);
        assert!((a.overlap(&b) - 1.0 / 3.0).abs() < 1e-6);
        assert!(a.overlap(&Area::new(20.0, 0.0, 5.0, 5.0)).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_rectangle_holds_every_point(
            points in proptest::collection::vec((-500.0_f32..500.0, -500.0_f32..500.0), 3..40),
        ) {
            let points: Vec<Point> = points.into_iter().map(|(x, y)| Point::new(x, y)).collect();
            if let Some(quad) = Quad::around(&points) {
                let wide = quad.grown(0.5, 0.5);
                for &point in &points {
                    prop_assert!(wide.holds(point), "{point:?} {quad:?}");
                }
            }
        }
    }
}
