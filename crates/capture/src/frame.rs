//! What was measured in one frame, and numbers of a head made of it.

use crate::rules::Rules;

/// A place in a picture, in pixels, `y` downwards.
pub type Point = [f64; 2];

/// One frame, as whoever looked at it measured it. No pixel of it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Milliseconds since the plan began, as the recorder says.
    pub ms: u32,
    /// Its right eye, left eye, tip of the nose, right and left corner of the mouth, where exactly one
    /// face shows (the person's own right, which is left in the picture).
    pub landmarks: Option<[Point; 5]>,
    /// Mean red, green, blue of the face in linear light, 0 to 1.
    pub face: [f64; 3],
    /// A sum of its bytes, by which equal frames are known.
    pub sum: u64,
    /// Mean difference from the frame before in brightness, in steps of 255; nothing for the first.
    pub change: Option<f64>,
    /// How much the face looks alive to the opt-in network, 0 to 1; nothing where it was not asked.
    pub passive: Option<f64>,
}

impl Frame {
    /// Where the nose stands: to the person's left and down from the middle of eyes and mouth, in
    /// distances between the eyes or from eyes to mouth, whichever shows longer.
    pub(crate) fn nose(&self) -> Option<Point> {
        let [right, left, nose, mouth_right, mouth_left] = self.landmarks?;
        let eyes = middle(right, left);
        let mouth = middle(mouth_right, mouth_left);
        // Down the face; sideways is across it. A turned face shows its eyes nearer to each other, a
        // nodding one its mouth nearer to the eyes, so that the larger of both is the scale.
        let down = minus(mouth, eyes);
        let length = norm(down);
        let scale = length.max(norm(minus(left, right)));
        if length < 1.0 || scale < 8.0 {
            return None;
        }
        let unit = [down[0] / length, down[1] / length];
        let across = [unit[1], -unit[0]];
        let from = minus(nose, middle(eyes, mouth));
        Some([dot(from, across) / scale, dot(from, unit) / scale])
    }
}

/// How far five landmarks are from an affine picture of five others, as the root of the mean square
/// in distances between the eyes, the larger of both; nothing where they span no plane.
pub(crate) fn apart(from: &[Point; 5], to: &[Point; 5]) -> Option<f64> {
    let scale = norm(minus(from[1], from[0])).max(norm(minus(to[1], to[0])));
    let centre = |points: &[Point; 5]| {
        let sum = points
            .iter()
            .fold([0.0, 0.0], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
        [sum[0] / 5.0, sum[1] / 5.0]
    };
    let (a, b) = (centre(from), centre(to));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    let mut cross = [[0.0; 2]; 2];
    for (p, q) in from.iter().zip(to) {
        let (p, q) = (minus(*p, a), minus(*q, b));
        xx += p[0] * p[0];
        xy += p[0] * p[1];
        yy += p[1] * p[1];
        for (row, q) in cross.iter_mut().zip(q) {
            row[0] += q * p[0];
            row[1] += q * p[1];
        }
    }
    let determinant = xx * yy - xy * xy;
    if scale < 8.0 || determinant <= 1e-6 * (xx + yy) * (xx + yy) {
        return None;
    }
    let rest: f64 = from
        .iter()
        .zip(to)
        .map(|(p, q)| {
            let (p, q) = (minus(*p, a), minus(*q, b));
            let at = cross.map(|row| {
                let x = (row[0] * yy - row[1] * xy) / determinant;
                let y = (row[1] * xx - row[0] * xy) / determinant;
                x * p[0] + y * p[1]
            });
            let off = minus(q, at);
            dot(off, off)
        })
        .sum();
    Some((rest / 5.0).sqrt() / scale)
}

fn middle(a: Point, b: Point) -> Point {
    [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])]
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

fn norm(a: Point) -> f64 {
    dot(a, a).sqrt()
}

/// The middle of some numbers; nothing of none.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// Frames a second.
pub(crate) fn rate(frames: &[Frame]) -> f64 {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return 0.0;
    };
    let seconds = f64::from(last.ms.saturating_sub(first.ms)) / 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred frames")]
    let count = frames.len() as f64;
    if seconds > 0.0 { count / seconds } else { 0.0 }
}

/// Whether times rise and enough frames lie close enough for anything to be said.
pub(crate) fn are_enough(frames: &[Frame], rules: &Rules) -> bool {
    let asked = &rules.challenge;
    frames.len() >= asked.least_frames
        && rate(frames) >= asked.least_rate
        && frames.windows(2).all(|pair| pair[0].ms < pair[1].ms)
}
