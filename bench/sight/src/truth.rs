//! What stands where, against what was found.

use liuhen_service::sight::{Area, Quad, Seen, What};
use liuhen_testkit::pictures::{Field, Photo};
use liuhen_vision::Point;

/// What became of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Findings cover it.
    Found,
    /// It is covered as text, or as a place that looks like text, that says nothing about a person.
    Line,
    /// Part of it is covered by nothing.
    Nothing,
}

/// Below this share of a line covered, it is not.
pub(crate) const ENOUGH: f32 = 0.9;

/// Whether `redact` would paint over a field at its first look: findings, codes, long numbers and
/// what could not be read, each with its margin.
pub(crate) fn hidden(field: &Field, seen: &Seen) -> bool {
    let painted: Vec<Quad> = seen
        .spots
        .iter()
        .flat_map(|spot| &spot.places)
        .chain(seen.numbers.iter().flatten())
        .chain(&seen.unread)
        .copied()
        .chain(seen.codes.iter().map(|code| upright(&code.area)))
        .map(|quad| {
            let margin = quad.height().min(quad.width()) * MARGIN;
            quad.grown(margin, margin)
        })
        .collect();
    field
        .places
        .iter()
        .all(|place| covered(place, &painted) >= ENOUGH)
}

/// As `liuhen_service::sight` paints.
const MARGIN: f32 = 0.15;

pub(crate) fn judge(field: &Field, seen: &Seen) -> Outcome {
    let mut found: Vec<Quad> = seen
        .spots
        .iter()
        .flat_map(|spot| spot.places.clone())
        .collect();
    if field.code {
        found.extend(seen.codes.iter().map(|code| upright(&code.area)));
    }
    let lines: Vec<Quad> = seen.lines.iter().chain(&seen.unread).copied().collect();
    let whole = |by: &[Quad]| {
        field
            .places
            .iter()
            .all(|place| covered(place, by) >= ENOUGH)
    };
    if whole(&found) {
        Outcome::Found
    } else if whole(&[found, lines].concat()) {
        Outcome::Line
    } else {
        Outcome::Nothing
    }
}

/// The kinds of findings that stand where nothing about a person does.
pub(crate) fn strays(photo: &Photo, seen: &Seen) -> Vec<&'static str> {
    let truth: Vec<Quad> = photo
        .fields
        .iter()
        .flat_map(|field| &field.places)
        .map(|place| quad(place).grown(4.0, 4.0))
        .collect();
    let stray = |place: &Quad| covered(&place.0.map(|p| [p.x, p.y]), &truth) < 0.25;
    seen.spots
        .iter()
        // The portraits are drawn, and to take one for a face is no error.
        .filter(|spot| spot.what != What::Face)
        .filter(|spot| !spot.places.is_empty() && spot.places.iter().all(stray))
        .map(|spot| spot.hit.kind.name())
        .collect()
}

pub(crate) fn quad(place: &[[f32; 2]; 4]) -> Quad {
    Quad(place.map(|[x, y]| Point::new(x, y)))
}

fn upright(area: &Area) -> Quad {
    Quad::upright(area.left, area.top, area.width, area.height)
}

/// The share of a place that lies within any of these, by sixty points along and eight across.
pub(crate) fn covered(place: &[[f32; 2]; 4], by: &[Quad]) -> f32 {
    const ALONG: u8 = 60;
    const ACROSS: u8 = 8;
    let [a, b, c, d] = quad(place).0;
    let mut within = 0_u16;
    for column in 0..ALONG {
        let along = (f32::from(column) + 0.5) / f32::from(ALONG);
        let (top, low) = (a.between(b, along), d.between(c, along));
        for row in 0..ACROSS {
            let point = top.between(low, (f32::from(row) + 0.5) / f32::from(ACROSS));
            within += u16::from(by.iter().any(|quad| quad.holds(point)));
        }
    }
    f32::from(within) / (f32::from(ALONG) * f32::from(ACROSS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_place_is_half_covered() {
        let place = [[0.0, 0.0], [100.0, 0.0], [100.0, 10.0], [0.0, 10.0]];
        let half = Quad::upright(0.0, 0.0, 50.0, 10.0);
        assert!((covered(&place, &[half]) - 0.5).abs() < 0.01);
        let both = [half, Quad::upright(50.0, -5.0, 60.0, 30.0)];
        assert!(covered(&place, &both) > 0.99);
        assert!(covered(&place, &[]) < 0.01);
    }
}
