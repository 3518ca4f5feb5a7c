//! The text of a file, taken apart into what can be changed and joined again to be looked at.
//!
//! A leaf is a stretch of text that the format keeps in one place: a run, a cell, an attribute. A
//! block is a text or a table made of leaves; a leaf may stand in several blocks. What was found
//! in a block is written back to its leaves: the answer where the value began, nothing where it
//! went on.

mod joined;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, MatchKind};
use liuhen_document::{Row, Text};
use liuhen_kinds::Kind;

use self::joined::{Edits, Joined, Piece, edited, stands_alone};
use crate::replace::Run;
use crate::report::{is_distinctive, is_heading};
use crate::{Finder, Refusal, Report, Spot, Written};

/// Times that a file is looked through: what was hidden changes what stands around it.
const ROUNDS: usize = 4;

/// Rows that the columns of delimited text are judged by, as a scan does.
pub(crate) const AHEAD_TEXT: usize = 1000;
/// Rows that the columns of a sheet or a document's table are judged by, as a scan does.
pub(crate) const AHEAD_SHEET: usize = 64;

/// A stretch of text that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LeafId(usize);

#[derive(Default)]
struct Leaf {
    pieces: Vec<Piece>,
    changed: bool,
}

/// What a block is made of.
pub(crate) enum Part {
    Leaf(LeafId),
    /// Stands between, and is not changed.
    Fixed(Cow<'static, str>),
}

pub(crate) type Cell = Vec<Part>;

enum Block {
    Text(Vec<Part>),
    Words(Vec<Part>),
    Table { rows: Vec<Vec<Cell>>, ahead: usize },
}

/// A file taken apart.
#[derive(Default)]
pub(crate) struct Draft {
    leaves: Vec<Leaf>,
    blocks: Vec<Block>,
    /// What the format itself says of a leaf, whoever finds or does not.
    told: Vec<(LeafId, Vec<Spot>)>,
}

/// What a draft is settled with.
pub(crate) struct Hands<'h, 'a> {
    pub(crate) run: &'h mut Run<'a>,
    pub(crate) finder: &'h dyn Finder,
    pub(crate) report: &'h mut Report,
    pub(crate) written: &'h mut Written,
    /// What may be written in this file.
    pub(crate) fits: &'h dyn Fn(&str) -> bool,
}

impl Draft {
    pub(crate) fn leaf(&mut self, text: impl Into<String>) -> LeafId {
        self.leaves.push(Leaf {
            pieces: vec![Piece::Kept(text.into())],
            changed: false,
        });
        LeafId(self.leaves.len() - 1)
    }

    /// A text; one that has no leaf is none.
    pub(crate) fn text(&mut self, parts: Vec<Part>) {
        if parts.iter().any(|part| matches!(part, Part::Leaf(_))) {
            self.blocks.push(Block::Text(parts));
        }
    }

    /// Words in which only what was found elsewhere is hidden.
    pub(crate) fn words(&mut self, parts: Vec<Part>) {
        if !parts.is_empty() {
            self.blocks.push(Block::Words(parts));
        }
    }

    pub(crate) fn table(&mut self, rows: Vec<Vec<Cell>>, ahead: usize) {
        self.blocks.push(Block::Table { rows, ahead });
    }

    /// Says what a leaf holds: the name in front of a mail address is a person's, whatever it is.
    pub(crate) fn tell(&mut self, leaf: LeafId, spots: Vec<Spot>) {
        self.told.push((leaf, spots));
    }

    /// Writes another text into a leaf, as one that came so.
    pub(crate) fn set(&mut self, id: LeafId, text: impl Into<String>) {
        if let Some(leaf) = self.leaves.get_mut(id.0) {
            leaf.pieces = vec![Piece::Kept(text.into())];
            leaf.changed = true;
        }
    }

    pub(crate) fn get(&self, id: LeafId) -> String {
        let pieces = self.leaves.get(id.0).map(|leaf| leaf.pieces.as_slice());
        pieces.unwrap_or_default().iter().map(Piece::text).collect()
    }

    pub(crate) fn is_changed(&self, id: LeafId) -> bool {
        self.leaves.get(id.0).is_some_and(|leaf| leaf.changed)
    }

    /// Looks through every block, and hides what is found, until nothing more is.
    pub(crate) fn settle(&mut self, hands: &mut Hands<'_, '_>) -> Result<(), Refusal> {
        let blocks = std::mem::take(&mut self.blocks);
        let mut known = HashMap::new();
        for (leaf, spots) in std::mem::take(&mut self.told) {
            let joined = self.join(&[Part::Leaf(leaf)]);
            let groups = groups(&spots, &joined.text, hands);
            let mut edits = Edits::default();
            for spot in &spots {
                let who = groups.get(&spot.person).copied();
                answer(spot, &joined, who, hands, &mut known, &mut edits)?;
            }
            self.apply(edits);
        }
        for _ in 0..ROUNDS {
            let mut more = false;
            for block in &blocks {
                more |= self.look(block, hands, &mut known)?;
            }
            self.everywhere(&blocks, hands, &known);
            if !more {
                break;
            }
        }
        self.blocks = blocks;
        Ok(())
    }

    fn look(
        &mut self,
        block: &Block,
        hands: &mut Hands<'_, '_>,
        known: &mut HashMap<String, (Kind, String)>,
    ) -> Result<bool, Refusal> {
        let mut edits = Edits::default();
        match block {
            Block::Words(_) => {}
            Block::Text(parts) => {
                let joined = self.join(parts);
                let spots = hands.finder.in_text(&joined.text);
                let groups = groups(&spots, &joined.text, hands);
                for spot in &spots {
                    let who = groups.get(&spot.person).copied();
                    answer(spot, &joined, who, hands, known, &mut edits)?;
                }
            }
            Block::Table { rows, ahead } => {
                let said = |cell: &Cell| Text::from(self.join(cell).text);
                let table: Vec<Row> = (1..)
                    .zip(rows)
                    .map(|(number, row)| Row {
                        number,
                        cells: row.iter().map(said).collect(),
                    })
                    .collect();
                let mut found: BTreeMap<usize, Vec<(usize, Spot)>> = BTreeMap::new();
                for (row, column, spot) in hands.finder.in_table(&table, *ahead) {
                    found.entry(row).or_default().push((column, spot));
                }
                for (at, spots) in found {
                    let Some((row, cells)) = table.get(at).zip(rows.get(at)) else {
                        continue;
                    };
                    let values: Vec<(Kind, &str)> = spots
                        .iter()
                        .filter(|(_, spot)| hands.run.policy.hides(spot.kind))
                        .filter_map(|(column, spot)| {
                            Some((spot.kind, row.cell(*column).get(spot.start..spot.end)?))
                        })
                        .collect();
                    let who = hands.run.who(&values);
                    for (column, spot) in &spots {
                        if let Some(cell) = cells.get(*column) {
                            answer(spot, &self.join(cell), who, hands, known, &mut edits)?;
                        }
                    }
                }
            }
        }
        Ok(self.apply(edits))
    }

    /// Hides what was found in one place wherever else it stands, also where nobody would find it.
    fn everywhere(
        &mut self,
        blocks: &[Block],
        hands: &mut Hands<'_, '_>,
        known: &HashMap<String, (Kind, String)>,
    ) {
        let (values, answers): (Vec<&String>, Vec<&(Kind, String)>) = known.iter().unzip();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&values);
        let Ok(finder) = finder else { return };
        for block in blocks {
            let mut edits = Edits::default();
            let cells: Vec<&Vec<Part>> = match block {
                Block::Text(parts) | Block::Words(parts) => vec![parts],
                Block::Table { rows, .. } => rows.iter().flatten().collect(),
            };
            for parts in cells {
                let joined = self.join(parts);
                for found in finder.find_iter(&joined.text) {
                    let Some((kind, answer)) = answers.get(found.pattern().as_usize()) else {
                        continue;
                    };
                    let (start, end) = (found.start(), found.end());
                    if !stands_alone(&joined.text, start, end) {
                        continue;
                    }
                    let covered = joined.cover(start, end);
                    if covered.put || !covered.letters {
                        continue;
                    }
                    hands.count(*kind);
                    edits.put(&covered.kept, answer);
                }
            }
            self.apply(edits);
        }
    }

    fn join(&self, parts: &[Part]) -> Joined {
        let mut joined = Joined::default();
        for part in parts {
            match part {
                Part::Fixed(text) => joined.push(text, None, 0, false),
                Part::Leaf(id) => {
                    let Some(leaf) = self.leaves.get(id.0) else {
                        continue;
                    };
                    let mut at = 0;
                    for piece in &leaf.pieces {
                        let text = piece.text();
                        joined.push(text, Some(*id), at, matches!(piece, Piece::Put(_)));
                        at += text.len();
                    }
                }
            }
        }
        joined
    }

    /// Whether anything was changed.
    fn apply(&mut self, edits: Edits) -> bool {
        let any = !edits.0.is_empty();
        for (id, mut list) in edits.0 {
            let Some(leaf) = self.leaves.get_mut(id.0) else {
                continue;
            };
            list.sort_by_key(|edit| (edit.start, edit.end));
            leaf.pieces = edited(std::mem::take(&mut leaf.pieces), &list);
            leaf.changed = true;
        }
        any
    }
}

impl Hands<'_, '_> {
    fn count(&mut self, kind: Kind) {
        let action = self.run.policy.action(kind);
        *self.report.hidden.entry((kind, action)).or_insert(0) += 1;
    }
}

/// Who answers for each person of a text.
fn groups(spots: &[Spot], text: &str, hands: &mut Hands<'_, '_>) -> HashMap<u64, u64> {
    let mut values: BTreeMap<u64, Vec<(Kind, &str)>> = BTreeMap::new();
    for spot in spots {
        if spot.person != 0
            && hands.run.policy.hides(spot.kind)
            && let Some(text) = text.get(spot.start..spot.end)
        {
            values
                .entry(spot.person)
                .or_default()
                .push((spot.kind, text));
        }
    }
    let who = |(person, values): (u64, Vec<(Kind, &str)>)| Some((person, hands.run.who(&values)?));
    values.into_iter().filter_map(who).collect()
}

fn answer(
    spot: &Spot,
    joined: &Joined,
    who: Option<u64>,
    hands: &mut Hands<'_, '_>,
    known: &mut HashMap<String, (Kind, String)>,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    if !hands.run.policy.hides(spot.kind) {
        return Ok(());
    }
    let Some(text) = joined.text.get(spot.start..spot.end) else {
        return Ok(());
    };
    let covered = joined.cover(spot.start, spot.end);
    if !covered.letters || is_heading(spot.kind, text) {
        return Ok(());
    }
    if covered.put {
        // What was left beside an answer goes with it: part of a name, the end of an address.
        edits.put(&covered.kept, "");
        return Ok(());
    }
    let answer = hands.run.answer(spot.kind, text, who, hands.fits)?;
    hands.count(spot.kind);
    hands.written.note(spot.kind, text, &answer);
    if is_distinctive(spot.kind, text) {
        let value = text.trim().to_owned();
        known
            .entry(value)
            .or_insert_with(|| (spot.kind, answer.clone()));
    }
    edits.put(&covered.kept, &answer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Policy};

    struct Words(&'static [(&'static str, Kind)]);

    impl Finder for Words {
        fn in_text(&self, text: &str) -> Vec<Spot> {
            let mut spots: Vec<Spot> = self
                .0
                .iter()
                .flat_map(|(word, kind)| {
                    text.match_indices(word)
                        .map(|(at, word)| Spot::new(*kind, at, at + word.len()))
                })
                .collect();
            spots.sort_by_key(|spot| spot.start);
            spots
        }

        fn in_table(&self, rows: &[Row], _: usize) -> Vec<(usize, usize, Spot)> {
            let mut found = Vec::new();
            for (at, row) in rows.iter().enumerate() {
                for (column, cell) in row.cells.iter().enumerate() {
                    let spots = self.in_text(cell.as_str());
                    found.extend(spots.into_iter().map(|spot| (at, column, spot)));
                }
            }
            found
        }
    }

    fn settled(draft: &mut Draft, words: &'static [(&'static str, Kind)]) -> Report {
        let policy = Policy::default();
        let mut run = Run::new(&policy, Key::new([0; 32]));
        let (mut report, mut written) = (Report::default(), Written::default());
        let mut hands = Hands {
            run: &mut run,
            finder: &Words(words),
            report: &mut report,
            written: &mut written,
            fits: &|_| true,
        };
        draft.settle(&mut hands).unwrap();
        report
    }

    #[test]
    fn a_value_split_over_leaves_goes_from_all_of_them() {
        let mut draft = Draft::default();
        let ids: Vec<LeafId> = ["请找", "欧", "阳", "小", "明先生"]
            .into_iter()
            .map(|text| draft.leaf(text))
            .collect();
        let alone = draft.leaf("欧阳小明");
        draft.text(ids.iter().map(|id| Part::Leaf(*id)).collect());
        draft.text(vec![Part::Leaf(alone)]);
        settled(&mut draft, &[("找欧阳小明", Kind::PERSON_NAME)]);
        let texts: Vec<String> = ids.iter().map(|id| draft.get(*id)).collect();
        assert_eq!(texts, ["请【姓名】", "", "", "", "先生"]);
    }

    #[test]
    fn a_value_found_once_goes_everywhere() {
        struct Labelled;
        impl Finder for Labelled {
            fn in_text(&self, text: &str) -> Vec<Spot> {
                let at = text.find("姓名：").map(|at| at + "姓名：".len());
                at.and_then(|at| {
                    text.get(at..)
                        .filter(|rest| rest.starts_with("某人甲"))
                        .map(|_| at)
                })
                .map(|at| Spot::new(Kind::PERSON_NAME, at, at + "某人甲".len()))
                .into_iter()
                .collect()
            }
            fn in_table(&self, _: &[Row], _: usize) -> Vec<(usize, usize, Spot)> {
                Vec::new()
            }
        }
        let mut draft = Draft::default();
        let (one, two, three) = (
            draft.leaf("姓名：某人甲"),
            draft.leaf("某人"),
            draft.leaf("甲来过"),
        );
        draft.text(vec![Part::Leaf(one)]);
        draft.text(vec![Part::Leaf(two), Part::Leaf(three)]);
        let policy = Policy::default();
        let mut run = Run::new(&policy, Key::new([0; 32]));
        let (mut report, mut written) = (Report::default(), Written::default());
        let mut hands = Hands {
            run: &mut run,
            finder: &Labelled,
            report: &mut report,
            written: &mut written,
            fits: &|_| true,
        };
        draft.settle(&mut hands).unwrap();
        assert_eq!(draft.get(two) + &draft.get(three), "【姓名】来过");
        assert_eq!(report.hidden.values().sum::<u64>(), 2);
    }

    #[test]
    fn what_stays_beside_an_answer_goes_too() {
        let mut draft = Draft::default();
        let id = draft.leaf("电话13800138000");
        draft.text(vec![Part::Leaf(id)]);
        let report = settled(
            &mut draft,
            &[
                ("13800138000", Kind::MOBILE),
                ("电话【手机号】", Kind::MESSAGE_CONTENT),
            ],
        );
        assert_eq!(draft.get(id), "【手机号】");
        assert_eq!(report.hidden.len(), 1);
    }
}
