//! Whom a picture is about: what it shows, as rows of a count.
//!
//! A document of one person (`one` in `sight/cards.toml`) is a row, or as many as it shows holders'
//! numbers. A table has a person to each row. In everything else a row goes on until somebody else
//! begins: another name or document, or, where no name stands, another telephone or account; two
//! names beside each other are two people. So a form is a row, a waybill one for each party, and a
//! list one for each line. Whoever is told by nothing that identifies is no row.
//!
//! Rule: design (D); no law says how many items a picture is. `docs/counting.md` says it for users.

use std::collections::HashSet;

use liuhen_detect::normalise;
use liuhen_forensics::{Judge as _, Rules, Shown, Verdict};
use liuhen_judge::Validators;
use liuhen_kinds::Kind;

use crate::sight::{Area, Form, Seen, Spot, What, gutters, pixels};

/// What a finding must be believed for, 0 to 1, as in running text.
const LEAST: f32 = 0.5;

/// How much of what two papers beside each other tell they must tell both, 0 to 1.
const ALIKE: f32 = 0.5;

/// Somebody in a picture.
pub(super) struct Person {
    /// One value of a kind.
    pub(super) cells: Vec<(Kind, String)>,
    pub(super) shown: Shown,
}

impl Person {
    /// Whether a direct identifier is told of him, or two indirect ones.
    pub(super) fn is_identified(&self) -> bool {
        let told = |direct| {
            let kinds = self.cells.iter().map(|(kind, _)| *kind);
            kinds
                .filter(|kind| rules().identifies(*kind) == Some(direct))
                .count()
        };
        told(true) > 0 || told(false) > 1
    }
}

fn rules() -> &'static Rules {
    Rules::builtin()
}

/// The people of a picture, from the top.
pub(super) fn people(seen: &Seen) -> Vec<Person> {
    let items = items(seen);
    let records = match seen.form {
        Form::One(number) => one(&items, number),
        Form::Table => {
            let rows = items.chunk_by(|a, b| a.row == b.row);
            rows.map(|row| Record::of(row.iter())).collect()
        }
        Form::Free => free(&items, &gutters(&seen.rows)),
    };
    let document = matches!(seen.form, Form::One(_));
    let mut people: Vec<Person> = records
        .into_iter()
        .filter(|record| document || record.tells())
        .filter(|record| !record.0.is_empty())
        .map(Record::person)
        .collect();
    if let Form::One(Some(number)) = seen.form {
        people.iter_mut().for_each(|person| keyed(person, number));
    }
    let sure = |spot: &Spot| spot.what == What::Face && spot.hit.confidence >= LEAST;
    // Whose a face is can be told where there is but one to whom it may belong.
    if let [person] = people.as_mut_slice()
        && seen.spots.iter().any(sure)
    {
        person.cells.push((Kind::FACE_IMAGE, "face".to_owned()));
    }
    people
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
struct Item<'a> {
    spot: &'a Spot,
    /// Its row; codes stand in none, and come last.
    row: usize,
    /// How far along it its line begins.
    along: f32,
    area: Area,
}

impl Item<'_> {
    fn kind(&self) -> Kind {
        self.spot.hit.kind
    }

    /// The form in which it is compared.
    fn value(&self) -> String {
        let text = &self.spot.text;
        normalise(self.kind(), text)
            .unwrap_or_else(|| text.chars().filter(|c| !c.is_whitespace()).collect())
    }

    fn is_name(&self) -> bool {
        self.kind() == Kind::PERSON_NAME
    }

    /// Whether it begins somebody: a name or a direct identifier.
    fn begins(&self) -> bool {
        self.is_name() || rules().identifies(self.kind()) == Some(true)
    }
}

/// Values in the order of reading. What only the file says is about whoever took the picture.
fn items(seen: &Seen) -> Vec<Item<'_>> {
    let believed = |spot: &&Spot| {
        matches!(spot.what, What::Words | What::Code) && spot.hit.confidence >= LEAST
    };
    let mut items: Vec<Item<'_>> = seen
        .spots
        .iter()
        .filter(believed)
        .filter_map(|spot| {
            let row = spot.at.and_then(|at| seen.rows.get(at));
            Some(Item {
                spot,
                row: row.map_or(usize::MAX, |row| row.number),
                along: row.map_or(0.0, |row| row.along[0]),
                area: spot.area()?,
            })
        })
        .collect();
    // What stands on one line is in the order of its letters; a value told by its place has no
    // letters of its own, and the line's beginning.
    let letter = |item: &Item<'_>| item.spot.hit.span.bytes.0;
    items.sort_by(|a, b| {
        let rows = a.row.cmp(&b.row).then(a.along.total_cmp(&b.along));
        rows.then(letter(a).cmp(&letter(b)))
    });
    items
}

/// What is told of one person.
#[derive(Default)]
struct Record<'a>(Vec<Item<'a>>);

impl<'a> Record<'a> {
    fn of<'b>(items: impl Iterator<Item = &'b Item<'a>>) -> Record<'a>
    where
        'a: 'b,
    {
        let mut record = Record::default();
        items.for_each(|item| record.take(item));
        record
    }

    fn get(&self, kind: Kind) -> Option<&Item<'a>> {
        self.0.iter().find(|item| item.kind() == kind)
    }

    /// Adds a value unless one of its kind is there.
    fn take(&mut self, item: &Item<'a>) {
        if self.get(item.kind()).is_none() {
            self.0.push(*item);
        }
    }

    /// Whether it has another value of this kind.
    fn differs(&self, item: &Item<'_>) -> bool {
        let own = self.get(item.kind());
        own.is_some_and(|own| own.value() != item.value())
    }

    /// Whether a value says that it is about somebody else.
    fn refuses(&self, item: &Item<'_>) -> bool {
        let other = |known: &Item<'_>| known.value() != item.value();
        if !item.begins() || !self.get(item.kind()).is_some_and(other) {
            return false;
        }
        item.is_name() || rules().is_document(item.kind()) || self.get(Kind::PERSON_NAME).is_none()
    }

    /// Whether anything in it could tell who it is.
    fn tells(&self) -> bool {
        self.0
            .iter()
            .any(|item| rules().identifies(item.kind()).is_some())
    }

    fn person(self) -> Person {
        let mut all: Option<[f32; 4]> = None;
        let mut unsure = false;
        for Item { spot, area, .. } in &self.0 {
            let [left, top] = [area.left, area.top];
            let [right, bottom] = [left + area.width, top + area.height];
            let known = all.unwrap_or([left, top, right, bottom]);
            all = Some([
                known[0].min(left),
                known[1].min(top),
                known[2].max(right),
                known[3].max(bottom),
            ]);
            unsure |= spot.score < rules().unsure_below();
        }
        let [left, top, right, bottom] = all.unwrap_or_default();
        let cells = self.0.iter();
        Person {
            cells: cells
                .map(|item| (item.kind(), item.spot.text.clone()))
                .collect(),
            shown: Shown {
                area: pixels(&Area::new(left, top, right - left, bottom - top)),
                unsure,
            },
        }
    }
}

/// A document of one person; several where it shows several holders' numbers.
fn one<'a>(items: &[Item<'a>], number: Option<Kind>) -> Vec<Record<'a>> {
    let mut values: Vec<String> = Vec::new();
    let mut holders: Vec<&Item<'a>> = Vec::new();
    for item in items.iter().filter(|item| Some(item.kind()) == number) {
        let value = item.value();
        if !values.contains(&value) {
            values.push(value);
            holders.push(item);
        }
    }
    let mut names: Vec<String> = items
        .iter()
        .filter(|item| item.is_name())
        .map(Item::value)
        .collect();
    names.sort_unstable();
    names.dedup();
    // More names than a document of one person has: it only looks like one.
    if names.len() > holders.len().max(1) {
        return free(items, &[]);
    }
    if holders.len() < 2 {
        return vec![Record::of(items.iter())];
    }
    let mut records: Vec<Record<'a>> = holders.iter().map(|_| Record::default()).collect();
    for (record, holder) in records.iter_mut().zip(&holders) {
        record.take(holder);
    }
    for item in items {
        let far = |holder: &&Item<'_>| distance(item, holder);
        let nearest =
            (0..holders.len()).min_by(|a, b| far(&holders[*a]).total_cmp(&far(&holders[*b])));
        if let Some(record) = nearest.and_then(|at| records.get_mut(at)) {
            record.take(item);
        }
    }
    records
}

/// How far a value stands from its card's number, which is the last line of a card: what stands
/// below it is more likely the next one's.
fn distance(item: &Item<'_>, number: &Item<'_>) -> f32 {
    let (from, to) = (item.area.centre(), number.area.centre());
    let down = to.y - from.y;
    let down = if down < 0.0 { -6.0 * down } else { down };
    (to.x - from.x).hypot(down)
}

/// Values as they are read, until somebody else begins; papers beside each other one by one.
fn free<'a>(items: &[Item<'a>], gutters: &[[f32; 2]]) -> Vec<Record<'a>> {
    let (written, codes) = items.split_at(items.partition_point(|item| item.row < usize::MAX));
    let papers = papers(written, gutters);
    let mut records: Vec<Vec<Record<'a>>> = papers.iter().map(|paper| read(paper)).collect();
    for code in codes {
        let known = |record: &Record<'_>| {
            record
                .get(code.kind())
                .is_some_and(|item| item.value() == code.value())
        };
        if records.iter().flatten().any(known) {
            continue;
        }
        let aside = |paper: &&mut Vec<Record<'_>>| {
            let values = paper.iter().flat_map(|record| &record.0);
            let far = values.map(|item| (item.area.centre().x - code.area.centre().x).abs());
            far.fold(f32::INFINITY, f32::min)
        };
        let nearest = records
            .iter_mut()
            .min_by(|a, b| aside(a).total_cmp(&aside(b)));
        let Some(paper) = nearest else { continue };
        match paper.as_mut_slice() {
            [record] if !record.refuses(code) => record.take(code),
            _ if code.begins() => paper.push(Record::of([code].into_iter())),
            [record, ..] => record.take(code),
            [] => {}
        }
    }
    records.into_iter().flatten().collect()
}

/// The values of each paper, where several lie beside each other: cut along strips that no line
/// crosses, if on both sides somebody is named and told about, and much the same is told on both.
fn papers<'a>(items: &[Item<'a>], gutters: &[[f32; 2]]) -> Vec<Vec<Item<'a>>> {
    let sides = |at: f32| -> [Vec<Item<'a>>; 2] {
        let (left, right) = items.iter().partition(|item| item.along < at);
        [left, right]
    };
    let cut = |[from, to]: &[f32; 2]| (alike(&sides(*to)), to - from, *to);
    let best = gutters
        .iter()
        .map(cut)
        .filter(|(alike, ..)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    match best {
        Some((_, _, at)) => {
            let sides = sides(at);
            let papers = sides.iter().flat_map(|side| papers(side, gutters));
            papers.collect()
        }
        None => vec![items.to_vec()],
    }
}

/// How much of what is told on either side is told on both, 0 to 1; 0 where one of them names nobody
/// or tells nothing else by which he is known.
fn alike(sides: &[Vec<Item<'_>>; 2]) -> f32 {
    let [one, two] = sides
        .each_ref()
        .map(|side| side.iter().map(Item::kind).collect::<HashSet<Kind>>());
    let identifies = |kind: &&Kind| rules().identifies(**kind).is_some();
    let stands = |side: &HashSet<Kind>| {
        side.contains(&Kind::PERSON_NAME) && side.iter().filter(identifies).count() > 1
    };
    if !stands(&one) || !stands(&two) {
        return 0.0;
    }
    one.intersection(&two).count() as f32 / one.union(&two).count() as f32
}

/// Values of one paper as they are read, until somebody else begins.
fn read<'a>(items: &[Item<'a>]) -> Vec<Record<'a>> {
    let mut records: Vec<Record<'a>> = Vec::new();
    for row in items.chunk_by(|a, b| a.row == b.row) {
        let first = row.iter().position(Item::begins);
        let leads = first.map(|first| row[first].kind());
        let another = records
            .last()
            .is_some_and(|record| row.iter().any(|item| record.refuses(item)));
        for (at, item) in row.iter().enumerate() {
            let starts = records.is_empty() || another && Some(at) == first;
            let again = Some(item.kind()) == leads
                && first.is_some_and(|first| at > first)
                && records.last().is_some_and(|record| record.differs(item));
            if starts || again {
                records.push(Record::default());
            }
            if let Some(record) = records.last_mut() {
                record.take(item);
            }
        }
    }
    records
}

/// On a card whose number fails its check nothing else is a key: it was read as badly, and the
/// next photograph of the card would be another person.
fn keyed(person: &mut Person, number: Kind) {
    let untrue = |(kind, text): &(Kind, String)| {
        *kind == number
            && matches!(
                verdict(*kind, text),
                Verdict::BadCheck | Verdict::ImpossibleDate
            )
    };
    if person.cells.iter().any(untrue) {
        person
            .cells
            .retain(|(kind, _)| rules().identifies(*kind) != Some(false));
    }
}

fn verdict(kind: Kind, text: &str) -> Verdict {
    Validators.judge(kind, text, &mut String::new())
}

#[cfg(test)]
mod tests {
    use liuhen_detect::{Hit, Reasons};
    use liuhen_document::Span;
    use liuhen_picture::Picture;
    use liuhen_vision::{Hidden, Quad};

    use crate::sight::Row;

    use super::*;
    use Kind as K;

    const IDS: [&str; 2] = ["440308199902038818", "110105200001019133"];

    /// A value at a row and a place along it; its letters are 20 high.
    fn spot(kind: Kind, text: &str, at: usize, left: u16) -> Spot {
        let top = 40.0 * f32::from(u8::try_from(at).unwrap());
        Spot {
            what: What::Words,
            hit: Hit {
                kind,
                span: Span {
                    bytes: (u64::from(left), u64::from(left) + 1),
                    chars: (0, 0),
                    utf16: (0, 0),
                },
                confidence: 0.8,
                reasons: Reasons::LABEL,
                word: None,
                person: 0,
            },
            places: vec![Quad::upright(f32::from(left), top, 100.0, 20.0)],
            text: text.to_owned(),
            line: String::new(),
            at: Some(at),
            score: 0.99,
        }
    }

    fn seen(form: Form, spots: Vec<Spot>) -> Seen {
        let lines = spots.iter().filter_map(|spot| spot.at).max();
        Seen {
            picture: Picture::blank(1, 1, [0; 3]).unwrap(),
            spots,
            faces: Vec::new(),
            codes: Vec::new(),
            lines: Vec::new(),
            numbers: Vec::new(),
            unread: Vec::new(),
            hidden: Hidden::default(),
            // Each line of these tests is a row.
            rows: (0..=lines.unwrap_or(0))
                .map(|number| Row {
                    number,
                    ..Row::default()
                })
                .collect(),
            form,
        }
    }

    fn told(form: Form, spots: Vec<Spot>) -> Vec<String> {
        let people = people(&seen(form, spots));
        let words = |person: &Person| {
            let cells = person.cells.iter();
            let words: Vec<&str> = cells.map(|(_, text)| text.as_str()).collect();
            words.join(" ")
        };
        people.iter().map(words).collect()
    }

    #[test]
    fn a_form_is_one_person_and_a_second_name_in_it_another() {
        let form = vec![
            spot(K::PERSON_NAME, "周晓燕", 0, 0),
            spot(K::GENDER, "女", 0, 200),
            spot(K::RESIDENT_ID, IDS[0], 1, 0),
            spot(K::ETHNICITY, "汉", 2, 0),
            spot(K::PERSON_NAME, "周大海", 2, 200),
            spot(K::MOBILE, "15412345678", 3, 0),
        ];
        let expected = [
            format!("周晓燕 女 {} 汉", IDS[0]),
            "周大海 15412345678".into(),
        ];
        assert_eq!(told(Form::Free, form), expected);
    }

    #[test]
    fn a_list_has_a_person_to_each_line_and_two_beside_each_other() {
        let list = vec![
            spot(K::MOBILE, "15412345678", 0, 0),
            spot(K::PERSON_NAME, "周晓燕", 0, 200),
            spot(K::MOBILE, "15412345679", 1, 0),
            spot(K::PERSON_NAME, "周大海", 1, 200),
            spot(K::MOBILE, "15412345670", 1, 400),
            spot(K::PERSON_NAME, "周小海", 1, 600),
            spot(K::ADDRESS, "某路1号", 2, 0),
            spot(K::DATE_OF_BIRTH, "2000-01-01", 9, 0),
        ];
        let expected = [
            "15412345678 周晓燕",
            "15412345679 周大海",
            "15412345670 周小海 某路1号 2000-01-01",
        ];
        assert_eq!(told(Form::Free, list), expected);
        // Without a name every number is somebody; with one a second number is his.
        let numbers = |name: Option<&str>| {
            let name = name.map(|name| spot(K::PERSON_NAME, name, 0, 0));
            let mut all: Vec<Spot> = name.into_iter().collect();
            all.push(spot(K::MOBILE, "15412345678", 1, 0));
            all.push(spot(K::MOBILE, "15412345679", 2, 0));
            told(Form::Free, all)
        };
        assert_eq!(numbers(None).len(), 2);
        assert_eq!(numbers(Some("周晓燕")), ["周晓燕 15412345678"]);
    }

    #[test]
    fn papers_beside_each_other_are_read_one_by_one() {
        // The lines of each paper, and how far from the left it lies; every line is 180 long.
        let paper = |at: usize, left: u16, names: [&str; 2], phones: [&str; 2]| {
            let mut lines = Vec::new();
            for (party, (name, phone)) in names.into_iter().zip(phones).enumerate() {
                let values = [
                    (K::PERSON_NAME, name),
                    (K::MOBILE, phone),
                    (K::ADDRESS, phone),
                ];
                for (line, (kind, text)) in values.into_iter().enumerate() {
                    let number = party * 3 + line;
                    let from = f32::from(left);
                    let along = [from, from + 180.0];
                    let row = Row { number, along };
                    lines.push((row, spot(kind, text, at + number, left)));
                }
            }
            lines
        };
        let left = paper(0, 0, ["周晓燕", "周大海"], ["15412345670", "15412345671"]);
        let right = paper(6, 240, ["吴晓燕", "吴大海"], ["15412345672", "15412345673"]);
        let (rows, spots): (Vec<_>, Vec<_>) = [left, right].concat().into_iter().unzip();
        let both = Seen {
            rows,
            ..seen(Form::Free, spots)
        };
        let told = |seen: &Seen| -> Vec<Vec<String>> {
            let texts = |person: Person| person.cells.into_iter().map(|(_, text)| text).collect();
            people(seen).into_iter().map(texts).collect()
        };
        let expected = [
            ["周晓燕", "15412345670", "15412345670"],
            ["周大海", "15412345671", "15412345671"],
            ["吴晓燕", "15412345672", "15412345672"],
            ["吴大海", "15412345673", "15412345673"],
        ];
        assert_eq!(told(&both), expected);
        // Names on one side and numbers on the other are one list.
        let list: Vec<Spot> = ["周晓燕", "15412345670", "周大海", "15412345671"]
            .into_iter()
            .enumerate()
            .map(|(at, text)| match at % 2 {
                0 => spot(K::PERSON_NAME, text, at, 0),
                _ => spot(K::MOBILE, text, at, 240),
            })
            .collect();
        let row = |at: usize| Row {
            number: at / 2,
            along: [[0.0, 180.0], [240.0, 420.0]][at % 2],
        };
        let list = Seen {
            rows: (0..4).map(row).collect(),
            ..seen(Form::Free, list)
        };
        let expected = [["周晓燕", "15412345670"], ["周大海", "15412345671"]];
        assert_eq!(told(&list), expected);
    }

    #[test]
    fn a_row_of_a_table_stays_one_and_one_that_tells_nobody_is_none() {
        let table = vec![
            spot(K::GENDER, "女", 0, 0),
            spot(K::MOBILE, "15412345678", 1, 0),
            spot(K::PERSON_NAME, "周晓燕", 2, 0),
            spot(K::PERSON_NAME, "周大海", 2, 200),
        ];
        assert_eq!(told(Form::Table, table), ["15412345678", "周晓燕"]);
    }

    #[test]
    fn two_cards_are_two_people_and_what_stands_beneath_a_number_is_the_next_ones() {
        let card = |from: usize, name: &str, id: &str| {
            [
                spot(K::PERSON_NAME, name, from, 0),
                spot(K::ADDRESS, name, from + 2, 0),
                spot(K::RESIDENT_ID, id, from + 4, 0),
            ]
        };
        let both = [card(0, "周晓燕", IDS[0]), card(5, "周大海", IDS[1])].concat();
        let expected = [
            format!("{} 周晓燕 周晓燕", IDS[0]),
            format!("{} 周大海 周大海", IDS[1]),
        ];
        assert_eq!(told(Form::One(Some(K::RESIDENT_ID)), both), expected);
    }

    #[test]
    fn a_number_that_fails_leaves_a_card_without_a_key() {
        let card = |id: &str| {
            vec![
                spot(K::PERSON_NAME, "周晓燕", 0, 0),
                spot(K::ADDRESS, "某路1号", 1, 0),
                spot(K::RESIDENT_ID, id, 2, 0),
            ]
        };
        let one = Form::One(Some(K::RESIDENT_ID));
        assert_eq!(
            told(one, card("440308199902038819")),
            ["440308199902038819"]
        );
        assert_eq!(told(one, card(IDS[0])).len(), 1);
        assert!(told(one, card(IDS[0]))[0].contains("某路1号"));
        // As on other papers, where it is no key by itself.
        assert_eq!(
            told(Form::Free, card("440308199902038819")),
            ["周晓燕 某路1号 440308199902038819"]
        );
    }

    #[test]
    fn a_face_is_his_to_whom_alone_it_can_belong() {
        let face = |sure: f32| Spot {
            what: What::Face,
            hit: Hit {
                confidence: sure,
                ..spot(K::FACE_IMAGE, "", 0, 0).hit
            },
            text: String::new(),
            at: None,
            ..spot(K::FACE_IMAGE, "", 0, 0)
        };
        let with = |spots: Vec<Spot>| told(Form::Free, spots);
        let name = spot(K::PERSON_NAME, "周晓燕", 0, 0);
        let other = spot(K::PERSON_NAME, "周大海", 1, 0);
        assert_eq!(with(vec![name.clone(), face(0.9)]), ["周晓燕 face"]);
        assert_eq!(with(vec![name.clone(), face(0.4)]), ["周晓燕"]);
        assert_eq!(with(vec![name, other, face(0.9)]), ["周晓燕", "周大海"]);
        assert!(with(vec![face(0.9)]).is_empty());
    }

    #[test]
    fn a_code_that_repeats_is_the_same_and_a_row_read_badly_is_unsure() {
        let code = Spot {
            what: What::Code,
            at: None,
            ..spot(K::WAYBILL, "LH0123456789012", 0, 300)
        };
        let mut spots = vec![
            spot(K::WAYBILL, "LH0123456789012", 0, 0),
            spot(K::PERSON_NAME, "周晓燕", 1, 0),
            spot(K::PERSON_NAME, "周大海", 2, 0),
            code,
        ];
        spots[2].score = 0.6;
        let people = people(&seen(Form::Free, spots));
        assert_eq!(people.len(), 2);
        assert_eq!(people[0].cells.len(), 2, "the number is the first party's");
        let unsure: Vec<bool> = people.iter().map(|person| person.shown.unsure).collect();
        assert_eq!(unsure, [false, true]);
        assert_eq!(people[0].shown.area, [0, 0, 100, 60]);
        assert!(!people[0].is_identified() && !people[1].is_identified());
    }
}
