//! Reading order: rows from the top, each from the left.

use super::Line;

/// Sorts lines into rows: two whose middles lie within half a line's height share a row.
pub(super) fn sort(lines: &mut Vec<Line>) {
    let middle = |line: &Line| line.quad.bounds().centre();
    lines.sort_by(|a, b| middle(a).y.total_cmp(&middle(b).y));
    let mut rows: Vec<Vec<Line>> = Vec::new();
    for line in lines.drain(..) {
        let fits = rows.last().and_then(|row| row.last()).is_some_and(|last| {
            let height = last.quad.bounds().height.min(line.quad.bounds().height);
            (middle(&line).y - middle(last).y).abs() < height / 2.0
        });
        match rows.last_mut() {
            Some(row) if fits => row.push(line),
            _ => rows.push(vec![line]),
        }
    }
    for (number, mut row) in rows.into_iter().enumerate() {
        row.iter_mut().for_each(|line| line.row = number);
        row.sort_by(|a, b| middle(a).x.total_cmp(&middle(b).x));
        lines.extend(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Quad;

    #[test]
    fn rows_from_the_top_and_each_from_the_left() {
        let line = |text: &str, left: f32, top: f32| Line {
            text: text.into(),
            quad: Quad::upright(left, top, 50.0, 20.0),
            score: 1.0,
            row: 0,
            letters: Vec::new(),
        };
        let mut lines = vec![
            line("d", 100.0, 43.0),
            line("b", 100.0, 8.0),
            line("c", 10.0, 40.0),
            line("a", 10.0, 12.0),
        ];
        sort(&mut lines);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d"]);
    }
}
