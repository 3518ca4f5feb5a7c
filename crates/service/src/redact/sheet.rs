//! The letters of a page as text, and where a stretch of that text stands on the page.

use liuhen_render::Letter;

/// Four corners in pixels, around.
pub(super) type Corners = [(f32, f32); 4];

/// The letters of a page as one text, in some order.
pub(super) struct Sheet {
    pub(super) text: String,
    /// Where each letter begins and ends in the text, and which it is.
    letters: Vec<(usize, usize, usize)>,
    /// The text without what lies between letters, each of its characters with its letter.
    squeezed: Vec<(char, usize)>,
}

impl Sheet {
    /// In the order in which they are drawn.
    pub(super) fn drawn(letters: &[Letter]) -> Sheet {
        Sheet::new(letters, (0..letters.len()).collect())
    }

    /// In the order in which they stand: rows from the top, each from the left.
    pub(super) fn placed(letters: &[Letter]) -> Sheet {
        let height = |letter: &Letter| {
            let [(x, y), .., (top_x, top_y)] = letter.corners;
            (top_x - x).hypot(top_y - y).max(1.0)
        };
        let mut order: Vec<usize> = (0..letters.len()).collect();
        order.sort_by(|&a, &b| letters[a].corners[0].1.total_cmp(&letters[b].corners[0].1));
        // A row ends where the next letter lies more than a third of its height below the first.
        let mut rows: Vec<Vec<usize>> = Vec::new();
        for at in order {
            let low = letters[at].corners[0].1;
            match rows.last_mut() {
                Some(row) if low - letters[row[0]].corners[0].1 < height(&letters[at]) / 3.0 => {
                    row.push(at);
                }
                _ => rows.push(vec![at]),
            }
        }
        for row in &mut rows {
            row.sort_by(|&a, &b| letters[a].corners[0].0.total_cmp(&letters[b].corners[0].0));
        }
        Sheet::new(letters, rows.concat())
    }

    /// A gap is a space, a new line a new line; what is drawn upon itself stands once.
    fn new(letters: &[Letter], order: Vec<usize>) -> Sheet {
        let mut sheet = Sheet {
            text: String::new(),
            letters: Vec::with_capacity(letters.len()),
            squeezed: Vec::with_capacity(letters.len()),
        };
        let mut before: Option<&Letter> = None;
        for at in order {
            let letter = &letters[at];
            if letter.again {
                continue;
            }
            if let Some(before) = before {
                match step(before, letter) {
                    Step::On => {}
                    Step::Gap => sheet.text.push(' '),
                    Step::Line => sheet.text.push('\n'),
                }
            }
            let start = sheet.text.len();
            sheet.text.push_str(&letter.text);
            sheet.letters.push((start, sheet.text.len(), at));
            let shown = letter.text.chars().filter(|letter| !letter.is_whitespace());
            sheet.squeezed.extend(shown.map(|letter| (letter, at)));
            before = Some(letter);
        }
        sheet
    }

    /// The letters that a stretch of the text touches.
    pub(super) fn within(&self, from: usize, to: usize) -> Vec<usize> {
        let first = self.letters.partition_point(|&(_, end, _)| end <= from);
        self.letters[first..]
            .iter()
            .take_while(|&&(start, ..)| start < to)
            .map(|&(.., at)| at)
            .collect()
    }

    /// The letters of every place where a value stands, whatever lies between them.
    pub(super) fn all(&self, value: &str) -> Vec<Vec<usize>> {
        let wanted: Vec<char> = value.chars().collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        self.squeezed
            .windows(wanted.len())
            .filter(|window| {
                window
                    .iter()
                    .map(|&(letter, _)| letter)
                    .eq(wanted.iter().copied())
            })
            .map(|window| window.iter().map(|&(_, at)| at).collect())
            .collect()
    }
}

/// Boxes that cover letters and what lies between them: one for each line they stand on, along its
/// first letter, with letters that were drawn again upon one of them.
pub(super) fn boxes(letters: &[Letter], stretch: &[usize]) -> Vec<Corners> {
    let mut lines: Vec<Vec<&Letter>> = Vec::new();
    for letter in stretch.iter().filter_map(|&at| letters.get(at)) {
        match lines.last_mut() {
            Some(line)
                if line
                    .last()
                    .is_some_and(|before| !matches!(step(before, letter), Step::Line)) =>
            {
                line.push(letter);
            }
            _ => lines.push(vec![letter]),
        }
    }
    lines.iter().map(|line| around(line, letters)).collect()
}

/// The box around letters of a line, turned as the first of them is.
fn around(line: &[&Letter], letters: &[Letter]) -> Corners {
    let upon = |one: &Letter, other: &Letter| {
        let [(x, y), .., (top_x, top_y)] = one.corners;
        let (other_x, other_y) = other.corners[0];
        (other_x - x).hypot(other_y - y) < 0.3 * (top_x - x).hypot(top_y - y)
    };
    let again = letters.iter().filter(|other| other.again);
    let again = again.filter(|other| line.iter().any(|one| upon(one, other)));
    let all: Vec<(f32, f32)> = (line.iter().copied().chain(again))
        .flat_map(|letter| widened(letter.corners))
        .collect();
    let [from, to, ..] = line.first().map_or([(0.0, 0.0); 4], |first| first.corners);
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let (x, y) = if length > 1e-3 {
        ((to.0 - from.0) / length, (to.1 - from.1) / length)
    } else {
        (1.0, 0.0)
    };
    // Along the line and across it, and back.
    let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
    for point in all {
        let (on, off) = (point.0 * x + point.1 * y, point.1 * x - point.0 * y);
        low = (low.0.min(on), low.1.min(off));
        high = (high.0.max(on), high.1.max(off));
    }
    let back = |on: f32, off: f32| (on * x - off * y, on * y + off * x);
    [
        back(low.0, low.1),
        back(high.0, low.1),
        back(high.0, high.1),
        back(low.0, high.1),
    ]
}

/// Corners moved along their line by a share of the letters' height.
fn widened([a, b, c, d]: Corners) -> Corners {
    const BEFORE: f32 = 0.1;
    const BEHIND: f32 = 0.15;
    let high = (d.0 - a.0).hypot(d.1 - a.1);
    let length = (b.0 - a.0).hypot(b.1 - a.1).max(1e-3);
    let along = ((b.0 - a.0) / length * high, (b.1 - a.1) / length * high);
    let moved = |point: (f32, f32), by: f32| (point.0 + along.0 * by, point.1 + along.1 * by);
    [
        moved(a, -BEFORE),
        moved(b, BEHIND),
        moved(c, BEHIND),
        moved(d, -BEFORE),
    ]
}

enum Step {
    On,
    Gap,
    Line,
}

/// How one letter follows another, by their corners: along the line of the first, and across it.
fn step(before: &Letter, letter: &Letter) -> Step {
    let [begin, end, top, _] = before.corners;
    let (along, high) = (
        (end.0 - begin.0, end.1 - begin.1),
        (top.0 - end.0, top.1 - end.1),
    );
    let size = high.0.hypot(high.1).max(1e-3);
    let wide = along.0.hypot(along.1).max(1e-3);
    let next = letter.corners[0];
    let (dx, dy) = (next.0 - end.0, next.1 - end.1);
    let on = (dx * along.0 + dy * along.1) / wide;
    let off = (dx * high.0 + dy * high.1) / size;
    // The box of a letter is 1.25 of its size high.
    if off.abs() > 0.4 * size || on < -2.0 * size || on > 8.0 * size {
        Step::Line
    } else if on > 0.2 * size {
        Step::Gap
    } else {
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use liuhen_picture::Picture;

    use super::*;

    fn letter(text: &str, left: f32, base: f32) -> Letter {
        Letter {
            text: text.into(),
            corners: [
                (left, base),
                (left + 10.0, base),
                (left + 10.0, base - 20.0),
                (left, base - 20.0),
            ],
            again: false,
        }
    }

    #[test]
    fn letters_become_lines_whichever_way_they_are_drawn() {
        // The digits are drawn after everything else.
        let letters = [
            letter("电", 0.0, 100.0),
            letter("话", 10.0, 100.0),
            letter("住", 0.0, 140.0),
            letter("1", 40.0, 100.0),
            Letter {
                again: true,
                ..letter("1", 40.5, 100.0)
            },
            letter("5", 50.0, 100.5),
        ];
        let drawn = Sheet::drawn(&letters);
        assert_eq!(drawn.text, "电话\n住\n15");
        assert_eq!(drawn.within(11, 13), [3, 5]);
        let placed = Sheet::placed(&letters);
        assert_eq!(placed.text, "电话 15\n住");
        assert_eq!(placed.all("话15"), [vec![1, 3, 5]]);
        assert!(placed.all("话6").is_empty());
    }

    #[test]
    fn every_letter_is_painted_and_what_was_drawn_upon_it() {
        let letters = [
            letter("1", 20.0, 60.0),
            // Larger than its neighbours, and drawn twice.
            Letter {
                text: "5".into(),
                corners: [(30.0, 70.0), (50.0, 70.0), (50.0, 20.0), (30.0, 20.0)],
                again: false,
            },
            Letter {
                text: "5".into(),
                corners: [(31.0, 71.0), (51.0, 71.0), (51.0, 21.0), (31.0, 21.0)],
                again: true,
            },
            letter("3", 52.0, 60.0),
        ];
        let mut picture = Picture::blank(90, 90, [255; 3]).unwrap();
        for corners in &boxes(&letters, &[0, 1, 3]) {
            picture.fill(corners, [0; 3]);
        }
        let black = |x: usize, y: usize| picture.pixels()[(y * 90 + x) * 3] == 0;
        for (x, y) in [(25, 50), (40, 22), (40, 69), (50, 70), (57, 45)] {
            assert!(black(x, y), "{x}, {y}");
        }
        assert!(!black(80, 50) && !black(5, 50));
    }

    #[test]
    fn a_box_is_turned_as_its_line_is_and_a_new_line_has_its_own() {
        // A line that falls to the right by half a right angle, then a level one.
        let turned = |step: f32| Letter {
            text: "7".into(),
            corners: [
                (20.0 + step, 20.0 + step),
                (30.0 + step, 30.0 + step),
                (40.0 + step, 20.0 + step),
                (30.0 + step, 10.0 + step),
            ],
            again: false,
        };
        let letters = [
            turned(0.0),
            turned(10.0),
            turned(20.0),
            letter("8", 0.0, 85.0),
        ];
        let painted = boxes(&letters, &[0, 1, 2, 3]);
        assert_eq!(painted.len(), 2);
        let mut picture = Picture::blank(90, 90, [255; 3]).unwrap();
        for corners in &painted {
            picture.fill(corners, [0; 3]);
        }
        let black = |x: usize, y: usize| picture.pixels()[(y * 90 + x) * 3] == 0;
        for (x, y) in [(30, 20), (45, 40), (50, 40), (5, 75)] {
            assert!(black(x, y), "{x}, {y}");
        }
        // An upright box around the turned line would hold these.
        assert!(!black(60, 15) && !black(22, 45));
    }
}
