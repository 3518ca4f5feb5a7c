//! Which lines of a picture stand in one row, also where it was taken at an angle: a line goes on
//! in the nearest one to its right, in the direction in which the writing around it runs.

use liuhen_vision::{Line, Point, Quad};

/// How far beside a line's middle the next may begin, in heights of the smaller of the two.
const BESIDE: f32 = 0.5;
/// How far away, in heights of a line, others still tell its direction at half weight.
const NEAR: f32 = 2.0;

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// Its row, from 0 at the top.
    pub(crate) number: usize,
    /// From where to where it goes in the direction of the writing, in pixels.
    pub(crate) along: [f32; 2],
}

/// Where each line stands.
pub(super) fn rows(lines: &[Line]) -> Vec<Row> {
    let strokes: Vec<Stroke> = lines.iter().map(|line| Stroke::of(&line.quad)).collect();
    let whole = sum(strokes.iter().map(|stroke| stroke.along(stroke.length)));
    let Some(whole) = unit(whole) else {
        return vec![Row::default(); lines.len()];
    };
    let mut row: Vec<usize> = (0..lines.len()).collect();
    for from in 0..strokes.len() {
        let along = direction(&strokes, from, whole);
        if let Some(next) = next(&strokes, from, along) {
            let (kept, gone) = (row[from].min(row[next]), row[from].max(row[next]));
            row.iter_mut()
                .filter(|row| **row == gone)
                .for_each(|row| *row = kept);
        }
    }
    let numbers = numbered(&row, &strokes, whole).into_iter();
    let row = |(number, stroke): (usize, &Stroke)| Row {
        number,
        along: [stroke.from, stroke.to].map(|end| dot(whole, end)),
    };
    numbers.zip(&strokes).map(row).collect()
}

/// The strips that no line crosses, from the left, each as from where to where along the writing.
pub(crate) fn gutters(rows: &[Row]) -> Vec<[f32; 2]> {
    let mut spans: Vec<[f32; 2]> = rows.iter().map(|row| row.along).collect();
    spans.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut reached = f32::INFINITY;
    let mut gutters = Vec::new();
    for [from, to] in spans {
        if from > reached {
            gutters.push([reached, from]);
        }
        reached = if reached.is_finite() {
            reached.max(to)
        } else {
            to
        };
    }
    gutters
}

/// A line of text as a stroke through its middle.
struct Stroke {
    from: Point,
    to: Point,
    length: f32,
    height: f32,
}

impl Stroke {
    fn of(quad: &Quad) -> Stroke {
        let [a, b, c, d] = quad.0;
        let (from, to) = (a.between(d, 0.5), b.between(c, 0.5));
        Stroke {
            from,
            to,
            length: from.distance(to),
            height: quad.height().max(1.0),
        }
    }

    /// Its direction, this long.
    fn along(&self, length: f32) -> Point {
        let share = length / self.length.max(1e-3);
        Point::new(
            (self.to.x - self.from.x) * share,
            (self.to.y - self.from.y) * share,
        )
    }
}

/// The direction of the writing around a line: long lines and near ones tell most.
fn direction(strokes: &[Stroke], of: usize, whole: Point) -> Point {
    let down = |stroke: &Stroke| cross(whole, stroke.from.between(stroke.to, 0.5));
    let (own, height) = (down(&strokes[of]), strokes[of].height);
    let told = strokes.iter().map(|stroke| {
        let apart = (down(stroke) - own) / (NEAR * height);
        stroke.along(stroke.length / (1.0 + apart * apart))
    });
    unit(sum(told)).unwrap_or(whole)
}

/// The nearest line that begins to the right of a line's end and at its height.
fn next(strokes: &[Stroke], from: usize, along: Point) -> Option<usize> {
    let line = &strokes[from];
    let mut best: Option<(f32, usize)> = None;
    for (at, other) in strokes.iter().enumerate() {
        let way = Point::new(other.from.x - line.to.x, other.from.y - line.to.y);
        let (far, aside) = (dot(along, way), cross(along, way).abs());
        let height = line.height.min(other.height);
        let follows = at != from && far > -0.6 * height && aside < BESIDE * height;
        if follows && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, at));
        }
    }
    best.map(|(_, at)| at)
}

/// Rows numbered from the top, by the mean height at which their lines stand.
fn numbered(row: &[usize], strokes: &[Stroke], whole: Point) -> Vec<usize> {
    let mut heights: Vec<(f32, usize)> = Vec::new();
    for name in 0..row.len() {
        let of = (0..row.len()).filter(|at| row[*at] == name);
        let downs: Vec<f32> = of
            .map(|at| cross(whole, strokes[at].from.between(strokes[at].to, 0.5)))
            .collect();
        if !downs.is_empty() {
            heights.push((downs.iter().sum::<f32>() / downs.len() as f32, name));
        }
    }
    heights.sort_by(|a, b| a.0.total_cmp(&b.0));
    let place = |name: &usize| heights.iter().position(|(_, other)| other == name);
    row.iter().map(|name| place(name).unwrap_or(0)).collect()
}

fn sum(points: impl Iterator<Item = Point>) -> Point {
    points.fold(Point::new(0.0, 0.0), |a, b| {
        Point::new(a.x + b.x, a.y + b.y)
    })
}

fn unit(point: Point) -> Option<Point> {
    let length = point.x.hypot(point.y);
    (length > 1e-3).then(|| Point::new(point.x / length, point.y / length))
}

fn dot(a: Point, b: Point) -> f32 {
    a.x * b.x + a.y * b.y
}

fn cross(a: Point, b: Point) -> f32 {
    a.x * b.y - a.y * b.x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three columns of a table of five rows, turned by so many degrees about the origin.
    fn table(degrees: f32) -> Vec<Line> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turn = |x: f32, y: f32| Point::new(x * cos - y * sin, x * sin + y * cos);
        let mut lines = Vec::new();
        for column in [0.0_f32, 200.0, 600.0] {
            for row in 0..5_u8 {
                let top = 40.0 * f32::from(row);
                let wide = if column > 500.0 { 300.0 } else { 80.0 };
                lines.push(Line {
                    text: row.to_string(),
                    quad: Quad([
                        turn(column, top),
                        turn(column + wide, top),
                        turn(column + wide, top + 24.0),
                        turn(column, top + 24.0),
                    ]),
                    score: 1.0,
                    row: 0,
                    letters: vec![(0.0, 1.0)],
                });
            }
        }
        lines
    }

    #[test]
    fn rows_of_a_table_are_the_same_at_any_angle() {
        for degrees in [0.0, 4.0, -7.0, 88.0, 180.0] {
            let lines = table(degrees);
            let rows = rows(&lines);
            for (line, row) in lines.iter().zip(&rows) {
                assert_eq!(line.text, row.number.to_string(), "{degrees} degrees");
            }
            let [one, two, three] = [0, 5, 10].map(|at| rows[at].along);
            assert!(one[0] < one[1] && one[1] < two[0] && two[1] < three[0]);
        }
        assert!(rows(&[]).is_empty());
    }

    #[test]
    fn a_gutter_is_crossed_by_no_line() {
        for degrees in [0.0, 30.0] {
            let mut lines = table(degrees);
            let round = |[from, to]: [f32; 2]| [from.round(), to.round()];
            let told: Vec<_> = gutters(&rows(&lines)).into_iter().map(round).collect();
            assert_eq!(told, [[80.0, 200.0], [280.0, 600.0]]);
            // One long line over all columns closes them.
            let (from, to) = (lines[0].quad.0, lines[10].quad.0);
            lines[0].quad = Quad([from[0], to[1], to[2], from[3]]);
            assert!(gutters(&rows(&lines)).is_empty());
        }
        assert!(gutters(&[]).is_empty());
    }
}
