//! Lines of a picture become one text, and places in it places in the picture.

use liuhen_vision::{Line, Quad};

/// The text of a picture: rows from the top, each line of a row after a space.
pub(super) struct Sheet<'a> {
    pub(super) text: String,
    /// Where each line begins in the text, in bytes.
    starts: Vec<(u64, &'a Line)>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(lines: &'a [Line]) -> Sheet<'a> {
        let mut text = String::new();
        let mut starts = Vec::with_capacity(lines.len());
        let mut before: Option<&Line> = None;
        for line in lines {
            if let Some(before) = before {
                text.push(if before.row == line.row { ' ' } else { '\n' });
            }
            starts.push((text.len() as u64, line));
            text.push_str(&line.text);
            before = Some(line);
        }
        Sheet { text, starts }
    }

    /// The first line that a stretch of the text stands on, and the confidence of the least sure.
    pub(super) fn read(&self, (from, to): (u64, u64)) -> (Option<usize>, f32) {
        let touches =
            |(start, line): &(u64, &Line)| to > *start && from < start + line.text.len() as u64;
        let on = self.starts.iter().filter(|one| touches(one));
        let score = on.fold(1.0_f32, |least, (_, line)| least.min(line.score));
        (self.starts.iter().position(touches), score)
    }

    /// Where a stretch of the text stands: a part of each line it touches.
    pub(super) fn places(&self, (from, to): (u64, u64)) -> Vec<Quad> {
        let mut out = Vec::new();
        for &(start, line) in &self.starts {
            let end = start + line.text.len() as u64;
            if to <= start || from >= end {
                continue;
            }
            let letter = |at: u64| {
                line.text
                    .char_indices()
                    .filter(|&(byte, _)| (byte as u64) + start < at)
                    .count()
            };
            out.push(line.part(letter(from), letter(to)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, left: f32, top: f32) -> Line {
        let count = text.chars().count();
        let share = |at: usize| {
            f32::from(u16::try_from(at).unwrap()) / f32::from(u16::try_from(count).unwrap())
        };
        Line {
            text: text.into(),
            quad: Quad::upright(
                left,
                top,
                10.0 * share(count) * f32::from(u16::try_from(count).unwrap()),
                20.0,
            ),
            score: 1.0,
            row: if top < 20.0 { 0 } else { 1 },
            letters: (0..count).map(|at| (share(at), share(at + 1))).collect(),
        }
    }

    #[test]
    fn a_stretch_is_found_again_on_each_of_its_lines() {
        let lines = [
            line("电话", 0.0, 0.0),
            line("15412345678", 100.0, 2.0),
            line("住址", 0.0, 50.0),
        ];
        let sheet = Sheet::new(&lines);
        assert_eq!(sheet.text, "电话 15412345678\n住址");
        let places = sheet.places((7, 18));
        assert_eq!(places.len(), 1);
        let bounds = places[0].bounds();
        assert!((bounds.left - 100.0).abs() < 0.1 && (bounds.width - 110.0).abs() < 0.1);
        // Over the end of a row: two places.
        assert_eq!(sheet.places((12, 22)).len(), 2);
        assert!(sheet.places((6, 7)).is_empty());
    }
}
