//! Leaves joined to one text, and edits of that text led back to the leaves.

use std::collections::BTreeMap;

use super::LeafId;

/// A stretch of a leaf.
pub(super) enum Piece {
    /// As it came.
    Kept(String),
    /// Written in the place of something.
    Put(String),
}

impl Piece {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Kept(text) | Self::Put(text) => text,
        }
    }
}

/// Short words of Latin letters or digits are hidden elsewhere only where they stand alone.
pub(super) fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    if end - start >= 9 {
        return true;
    }
    let bytes = text.as_bytes();
    let plain = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    let before = plain(start.checked_sub(1)) && plain(Some(start));
    let after = plain(end.checked_sub(1)) && plain(Some(end));
    !before && !after
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    start: usize,
    end: usize,
    leaf: Option<LeafId>,
    /// Where it begins in the leaf.
    at: usize,
    put: bool,
}

/// The text of a block, and where each byte of it comes from.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) text: String,
    segments: Vec<Segment>,
}

/// What a span covers.
pub(super) struct Covered {
    /// Stretches of leaves as they came.
    pub(super) kept: Vec<(LeafId, usize, usize)>,
    /// Whether any of them holds a letter or digit.
    pub(super) letters: bool,
    /// Whether something that was written is covered too.
    pub(super) put: bool,
}

impl Joined {
    pub(super) fn push(&mut self, text: &str, leaf: Option<LeafId>, at: usize, put: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        self.segments.push(Segment {
            start,
            end: self.text.len(),
            leaf,
            at,
            put,
        });
    }

    pub(super) fn cover(&self, start: usize, end: usize) -> Covered {
        let mut covered = Covered {
            kept: Vec::new(),
            letters: false,
            put: false,
        };
        let first = self
            .segments
            .partition_point(|segment| segment.end <= start);
        let over = self.segments.get(first..).unwrap_or_default();
        for segment in over.iter().take_while(|segment| segment.start < end) {
            let (from, to) = (start.max(segment.start), end.min(segment.end));
            if segment.put {
                covered.put |= from < to;
                continue;
            }
            let Some(leaf) = segment.leaf else { continue };
            let text = self.text.get(from..to).unwrap_or_default();
            covered.letters |= text.chars().any(char::is_alphanumeric);
            let shift = segment.at + from - segment.start;
            covered.kept.push((leaf, shift, shift + to - from));
        }
        covered
    }
}

pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    put: String,
}

#[derive(Default)]
pub(super) struct Edits(pub(super) BTreeMap<LeafId, Vec<Edit>>);

impl Edits {
    /// The answer stands where the value began.
    pub(super) fn put(&mut self, kept: &[(LeafId, usize, usize)], answer: &str) {
        for (n, (leaf, start, end)) in kept.iter().enumerate() {
            self.0.entry(*leaf).or_default().push(Edit {
                start: *start,
                end: *end,
                put: if n == 0 {
                    answer.to_owned()
                } else {
                    String::new()
                },
            });
        }
    }
}

/// The pieces with these edits made; they are sorted, and the later of two that overlap only
/// takes away.
pub(super) fn edited(pieces: Vec<Piece>, edits: &[Edit]) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut at = 0;
    let mut next = 0;
    // Up to where the text was taken away.
    let mut gone = 0;
    for piece in pieces {
        let text = piece.text();
        let end = at + text.len();
        if let Piece::Put(_) = piece {
            at = end;
            gone = gone.max(end);
            out.push(piece);
            continue;
        }
        let mut from = at.max(gone.min(end));
        while let Some(edit) = edits.get(next).filter(|edit| edit.start < end) {
            let start = edit.start.max(from);
            if let Some(kept) = text
                .get(from - at..start - at)
                .filter(|kept| !kept.is_empty())
            {
                out.push(Piece::Kept(kept.to_owned()));
            }
            if edit.start >= gone && !edit.put.is_empty() {
                out.push(Piece::Put(edit.put.clone()));
            }
            gone = gone.max(edit.end);
            from = from.max(gone.min(end));
            next += 1;
        }
        if let Some(kept) = text.get(from - at..).filter(|kept| !kept.is_empty()) {
            out.push(Piece::Kept(kept.to_owned()));
        }
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_that_overlap_lose_nothing_and_leave_nothing() {
        let kept = |text: &str| vec![Piece::Kept(text.to_owned())];
        let edit = |start, end, put: &str| Edit {
            start,
            end,
            put: put.to_owned(),
        };
        let rows = [
            (vec![edit(1, 3, "X")], "aXde"),
            (vec![edit(1, 3, "X"), edit(2, 4, "Y")], "aXe"),
            (vec![edit(0, 5, "")], ""),
            (
                vec![edit(0, 1, "X"), edit(1, 2, "Y"), edit(4, 5, "Z")],
                "XYcdZ",
            ),
        ];
        for (edits, expected) in rows {
            let out = edited(kept("abcde"), &edits);
            assert_eq!(out.iter().map(Piece::text).collect::<String>(), expected);
        }
    }

    #[test]
    fn short_words_are_hidden_where_they_stand_alone() {
        assert!(!stands_alone("a123456 b", 1, 7));
        assert!(stands_alone("是123456吗", 3, 9));
        assert!(stands_alone("x13800138000y", 1, 12));
    }
}
