//! Documents known by their words: what stands behind a label is a finding even where a letter was
//! misread and no check digit is right any more.
//!
//! Rule: `cards.toml`. A document is one when enough of its anchors are read; its labels then lead
//! to their values by position: behind the label on its line, else the next line to the right, in
//! the direction in which the label itself is written. On any other picture a line that is nothing
//! but a header of `kinds.toml` is a cell of a form, or, beside another one, the head of a column.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use liuhen_detect::{Hit, Reasons};
use liuhen_kinds::{Kind, RulePack};
use liuhen_vision::{Line, Point, Quad};
use serde::Deserialize;

use super::{Spot, What, bare};

/// What `cards.toml` holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    version: String,
    form: Labels,
    plate: Plate,
    shapes: BTreeMap<String, Shape>,
    document: Vec<Document>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    #[expect(dead_code, reason = "for whoever reads the file")]
    source: String,
    labels: BTreeMap<String, Vec<String>>,
    numbering: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[expect(dead_code, reason = "for whoever reads the file")]
    name: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    source: String,
    anchors: Vec<String>,
    least: usize,
    #[serde(default)]
    labels: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    below: BTreeMap<String, usize>,
    #[serde(default)]
    alone: Vec<Alone>,
    #[serde(default)]
    holder: Vec<String>,
    /// Whatever it says is about one person.
    #[serde(default)]
    one: bool,
    /// Heights of a label that are hidden behind it where no value was read.
    #[serde(default)]
    empty: Option<f32>,
    /// The number of its holder: several of them are several such documents.
    #[serde(default)]
    number: Option<String>,
}

/// How many letters and digits a value has, and digits among them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    least: usize,
    most: usize,
    digits: usize,
}

/// How a plate looks whose province was not read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plate {
    #[expect(dead_code, reason = "for whoever reads the file")]
    source: String,
    dots: Vec<char>,
    least: usize,
    most: usize,
    left: f32,
}

/// A word that tells by its shape what it is, on a document that has such.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    kind: String,
    least: usize,
    most: usize,
    digits: usize,
    /// All words of a line count as one.
    #[serde(default)]
    joined: bool,
}

/// The rules, made ready; nothing where they cannot be read, which a test holds.
static RULES: LazyLock<Option<Ready>> = LazyLock::new(|| {
    toml::from_str(include_str!("cards.toml"))
        .ok()
        .map(Ready::new)
});

struct Ready {
    rules: Rules,
    /// Every header of every kind, without spaces, in small letters.
    headers: BTreeMap<String, Kind>,
}

impl Ready {
    fn new(rules: Rules) -> Ready {
        let mut headers = BTreeMap::new();
        for info in RulePack::builtin().iter() {
            for header in &info.headers {
                // A Latin header of a table is no label of a paper.
                if !header.is_ascii() {
                    headers.insert(header.to_lowercase(), info.kind);
                }
            }
        }
        for (kind, labels) in &rules.form.labels {
            if let Ok(kind) = Kind::parse(kind) {
                headers.extend(labels.iter().map(|label| (label.clone(), kind)));
            }
        }
        Ready { rules, headers }
    }

    /// What a line heads, if it is nothing but a label, and the letter at which that begins. The
    /// column of numbers before a table's first is often read with it.
    fn head(&self, row: &Row<'_>) -> Option<(Kind, usize)> {
        let plain = row.plain();
        if let Some(kind) = self.headers.get(&plain) {
            return Some((*kind, 0));
        }
        self.rules.form.numbering.iter().find_map(|word| {
            let rest = plain.strip_prefix(word.as_str())?;
            let kind = self.headers.get(rest)?;
            Some((*kind, *row.solid.get(word.chars().count())?))
        })
    }

    fn fits(&self, kind: Kind, text: &str) -> bool {
        let shape = self.rules.shapes.get(kind.name());
        shape.is_some_and(|shape| shape.fits(text))
    }
}

impl Shape {
    fn fits(&self, text: &str) -> bool {
        let letters = text.chars().filter(|c| c.is_alphanumeric() || *c == '*');
        let (mut all, mut digits) = (0, 0);
        for letter in letters {
            all += 1;
            digits += usize::from(letter.is_ascii_digit());
        }
        (self.least..=self.most).contains(&all) && digits >= self.digits
    }
}

/// What the words of a picture say by where they stand, as far as `known` does not cover it.
pub(super) fn fields(lines: &[Line], known: &[Spot]) -> Vec<Spot> {
    let Some(ready) = RULES.as_ref() else {
        return Vec::new();
    };
    let page = Page::new(lines);
    let mut out = Vec::new();
    let documents: Vec<&Document> = ready
        .rules
        .document
        .iter()
        .filter(|document| page.is(document))
        .collect();
    for document in &documents {
        page.labelled(ready, document, &mut out);
        page.alone(document, &mut out);
        page.below(document, known, &mut out);
    }
    page.cells(ready, &mut out);
    page.plates(&ready.rules.plate, &mut out);
    let mut added: Vec<Spot> = Vec::new();
    for mut value in out {
        value.places.retain(|place| {
            let places = known.iter().chain(&added).flat_map(|spot| &spot.places);
            !covers(places, place)
        });
        if let Some(place) = value.places.first() {
            let at = page.at(place);
            let score = at.map_or(1.0, |at| lines[at].score);
            added.push(Spot {
                at,
                score,
                ..value.spot()
            });
        }
    }
    added
}

/// Places of documents where a value belongs and none was read: a single letter is often not seen.
pub(super) fn empty(lines: &[Line]) -> Vec<Quad> {
    let Some(ready) = RULES.as_ref() else {
        return Vec::new();
    };
    let page = Page::new(lines);
    let mut out = Vec::new();
    for document in ready.rules.document.iter().filter(|one| page.is(one)) {
        let Some(heights) = document.empty else {
            continue;
        };
        let labels = page.labels(ready, document);
        for label in &labels {
            let row = &page.lines[label.row];
            let is_last = row.trimmed(label.to, row.letters.len()).is_none();
            if is_last && page.right_of(label.row).is_none() {
                out.push(row.line.part(label.from, label.to).behind(heights));
            }
        }
    }
    out
}

/// The version of the rules.
pub(super) fn version() -> &'static str {
    RULES
        .as_ref()
        .map_or("", |ready| ready.rules.version.as_str())
}

/// How the words of a picture belong to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// A document of one person, and the kind of its holder's number where it has one.
    One(Option<Kind>),
    /// A table: heads of columns, and below them a person to each row.
    Table,
    /// Anything else: a form, a waybill, a conversation.
    #[default]
    Free,
}

/// What the words of a picture look like as a whole.
pub(super) fn form(lines: &[Line]) -> Form {
    let Some(ready) = RULES.as_ref() else {
        return Form::Free;
    };
    let page = Page::new(lines);
    if page.is_table(ready) {
        return Form::Table;
    }
    let mut ones = ready.rules.document.iter().filter(|one| one.one);
    match ones.find(|document| page.is(document)) {
        Some(document) => Form::One(
            document
                .number
                .as_deref()
                .and_then(|kind| Kind::parse(kind).ok()),
        ),
        None => Form::Free,
    }
}

/// A value found by position.
struct Value {
    kind: Kind,
    places: Vec<Quad>,
    text: String,
    line: String,
}

impl Value {
    fn spot(self) -> Spot {
        Spot {
            what: What::Words,
            hit: Hit {
                reasons: Reasons::LABEL,
                ..bare(self.kind, CONFIDENCE)
            },
            places: self.places,
            text: self.text,
            line: self.line,
            at: None,
            score: 1.0,
        }
    }
}

/// As sure as `detect` is of a value behind its label whose own form says nothing.
const CONFIDENCE: f32 = 0.8;

/// How far a value may stand from its label, in heights of the label.
const FAR: f32 = 14.0;
/// How far pieces of one value may stand from each other.
const CLOSE: f32 = 1.6;
/// Pieces of a value at most.
const PIECES: usize = 6;

/// Lines, each with its letters.
struct Page<'a> {
    lines: Vec<Row<'a>>,
}

struct Row<'a> {
    line: &'a Line,
    letters: Vec<char>,
    /// Places among `letters` of those that are no space.
    solid: Vec<usize>,
}

/// A label upon a line, by its letters.
struct Label {
    row: usize,
    kind: Kind,
    from: usize,
    to: usize,
}

impl<'a> Page<'a> {
    fn new(lines: &'a [Line]) -> Page<'a> {
        let lines = lines
            .iter()
            .map(|line| {
                let letters: Vec<char> = line.text.chars().collect();
                let solid = (0..letters.len())
                    .filter(|&at| !letters[at].is_whitespace())
                    .collect();
                Row {
                    line,
                    letters,
                    solid,
                }
            })
            .collect();
        Page { lines }
    }

    /// The line that a part of it stands on.
    fn at(&self, part: &Quad) -> Option<usize> {
        let centre = middle(part.0[0], part.0[2]);
        self.lines
            .iter()
            .position(|row| row.line.quad.holds(centre))
    }

    fn is(&self, document: &Document) -> bool {
        let read = |anchor: &&String| self.lines.iter().any(|row| row.find(anchor).is_some());
        document.anchors.iter().filter(read).count() >= document.least
    }

    /// The labels of a document.
    fn labels(&self, ready: &Ready, document: &Document) -> Vec<Label> {
        let mut labels = Vec::new();
        for (kind, words) in &document.labels {
            let Ok(kind) = Kind::parse(kind) else {
                continue;
            };
            for (row, line) in self.lines.iter().enumerate() {
                // A cell that is a longer label, as 出生日期 for 出生, has its own meaning.
                let plain = line.plain();
                if ready.headers.contains_key(&plain) && !words.contains(&plain) {
                    continue;
                }
                let found = words.iter().find_map(|word| line.find(word));
                labels.extend(found.map(|(from, to)| Label {
                    row,
                    kind,
                    from,
                    to,
                }));
            }
        }
        labels
    }

    /// What stands behind the labels of a document.
    fn labelled(&self, ready: &Ready, document: &Document, out: &mut Vec<Value>) {
        let labels = self.labels(ready, document);
        for label in &labels {
            let row = &self.lines[label.row];
            let end = labels
                .iter()
                .filter(|other| other.row == label.row && other.from >= label.to)
                .map(|other| other.from)
                .min()
                .unwrap_or(row.letters.len());
            let Some((row, from, to)) = self.behind(label, end, &labels) else {
                continue;
            };
            let mut value = self.lines[row].value(label.kind, from, to);
            if to == self.lines[row].letters.len() {
                self.go_on(row, &labels, &mut value);
            }
            if !ready.fits(label.kind, &value.text) {
                continue;
            }
            let more = document.below.get(label.kind.name()).copied().unwrap_or(0);
            self.run_on(row, from, more, &labels, &mut value);
            out.push(value);
        }
    }

    /// The value of a label: the rest of its line, else the next line to the right.
    fn behind(&self, label: &Label, end: usize, labels: &[Label]) -> Option<(usize, usize, usize)> {
        let row = &self.lines[label.row];
        if let Some((from, to)) = row.trimmed(label.to, end) {
            return Some((label.row, from, to));
        }
        if end < row.letters.len() {
            return None;
        }
        let next = self.right_of(label.row)?;
        if labels
            .iter()
            .any(|other| other.row == next && other.from == 0)
        {
            return None;
        }
        let (from, to) = self.lines[next].trimmed(0, self.lines[next].letters.len())?;
        Some((next, from, to))
    }

    /// Adds lines that follow closely to the right: a date is often read in pieces.
    fn go_on(&self, row: usize, labels: &[Label], value: &mut Value) {
        let mut last = row;
        while let Some(next) = self.right_within(last, CLOSE) {
            if labels.iter().any(|label| label.row == next) || value.places.len() >= PIECES {
                return;
            }
            value.places.push(self.lines[next].line.quad);
            value.text.push_str(&self.lines[next].line.text);
            last = next;
        }
    }

    /// The nearest line to the right of a label: a cell may be wide.
    fn right_of(&self, row: usize) -> Option<usize> {
        self.right_within(row, FAR)
    }

    /// The nearest line that begins to the right of a line's end, at its height and no further
    /// away than `most` of its heights.
    fn right_within(&self, row: usize, most: f32) -> Option<usize> {
        let frame = Frame::of(&self.lines[row].line.quad);
        let mut best: Option<(f32, usize)> = None;
        for (index, other) in self.lines.iter().enumerate() {
            let start = frame.place(middle(other.line.quad.0[0], other.line.quad.0[3]));
            let along = start.x - frame.width;
            let beside = start.y.abs() < 0.6 && along > -0.6 && along < most;
            if index != row && beside && best.is_none_or(|(least, _)| along < least) {
                best = Some((along, index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// Adds up to `more` lines that stand below a value and begin where it does.
    fn run_on(&self, row: usize, from: usize, more: usize, labels: &[Label], value: &mut Value) {
        let mut above = row;
        let first = self.lines[row]
            .line
            .part(from, self.lines[row].letters.len());
        let mut left = middle(first.0[0], first.0[3]);
        for _ in 0..more {
            let frame = Frame::of(&self.lines[above].line.quad);
            let start = frame.place(left);
            let next = self.lines.iter().position(|other| {
                let place = frame.place(middle(other.line.quad.0[0], other.line.quad.0[3]));
                let (across, down) = (place.x - start.x, place.y - start.y);
                across.abs() < 1.2 && down > 0.6 && down < 2.0
            });
            let Some(next) = next.filter(|next| labels.iter().all(|label| label.row != *next))
            else {
                return;
            };
            let quad = self.lines[next].line.quad;
            value.places.push(quad);
            value.text.push_str(&self.lines[next].line.text);
            left = middle(quad.0[0], quad.0[3]);
            above = next;
        }
    }

    /// Words whose shape is enough on this document.
    fn alone(&self, document: &Document, out: &mut Vec<Value>) {
        for row in &self.lines {
            for rule in &document.alone {
                let Ok(kind) = Kind::parse(&rule.kind) else {
                    continue;
                };
                let shape = Shape {
                    least: rule.least,
                    most: rule.most,
                    digits: rule.digits,
                };
                for (from, to) in row.words(rule.joined) {
                    let value = row.value(kind, from, to);
                    if value.text.is_ascii() && shape.fits(&value.text) {
                        out.push(value);
                    }
                }
            }
            if !document.holder.is_empty() && row.is_holder(&document.holder) {
                out.push(row.value(Kind::PERSON_NAME, 0, row.letters.len()));
            }
        }
    }

    /// Lines that look like a plate without its province, which stands before them.
    fn plates(&self, rule: &Plate, out: &mut Vec<Value>) {
        for row in &self.lines {
            if let Some(has_province) = row.is_plate(rule) {
                let mut value = row.value(Kind::PLATE, 0, row.letters.len());
                if !has_province {
                    let place = value.places.iter_mut();
                    place.for_each(|place| *place = place.begun_before(rule.left));
                }
                out.push(value);
            }
        }
    }

    /// Lines that run on below what is known, an address above all.
    fn below(&self, document: &Document, known: &[Spot], out: &mut Vec<Value>) {
        for spot in known {
            let Some(&more) = document.below.get(spot.hit.kind.name()) else {
                continue;
            };
            let Some(place) = spot.places.last() else {
                continue;
            };
            let on = |row: &Row<'_>| row.line.quad.holds(middle(place.0[0], place.0[2]));
            let Some(row) = self.lines.iter().position(on) else {
                continue;
            };
            let mut value = Value {
                kind: spot.hit.kind,
                places: Vec::new(),
                text: String::new(),
                line: String::new(),
            };
            let from = self.lines[row].letter_at(place);
            self.run_on(row, from, more, &[], &mut value);
            // A line with a telephone number or a name of its own is another party's.
            if !value.places.is_empty() && value.text.chars().count() <= 24 {
                out.push(value);
            }
        }
    }

    /// Lines that are nothing but a label: a cell's value stands to its right, a column's below.
    fn cells(&self, ready: &Ready, out: &mut Vec<Value>) {
        let heads: Vec<Option<(Kind, usize)>> =
            self.lines.iter().map(|row| ready.head(row)).collect();
        let next: Vec<Option<usize>> = (0..self.lines.len())
            .map(|row| heads[row].and_then(|_| self.right_of(row)))
            .collect();
        let is_head = |row: usize| heads[row].is_some();
        for (row, kind) in heads.iter().enumerate() {
            let Some((kind, _)) = *kind else {
                continue;
            };
            let before_head = next[row].is_some_and(is_head);
            let behind_head = (0..heads.len()).any(|other| next[other] == Some(row));
            if before_head || behind_head {
                self.column(ready, row, &heads, out);
            } else if let Some(right) = next[row] {
                let value = self.lines[right].value(kind, 0, self.lines[right].letters.len());
                if ready.fits(kind, &value.text) {
                    out.push(value);
                }
            }
        }
    }

    /// Whether more heads stand beside each other than beside a value.
    fn is_table(&self, ready: &Ready) -> bool {
        let heads: Vec<bool> = self
            .lines
            .iter()
            .map(|row| ready.head(row).is_some())
            .collect();
        let (mut beside, mut before) = (0, 0);
        for row in (0..heads.len()).filter(|row| heads[*row]) {
            match self.right_of(row) {
                Some(next) if heads[next] => beside += 1,
                Some(_) => before += 1,
                None => {}
            }
        }
        beside > 0 && beside >= before
    }

    /// Every line below a head whose middle or beginning stands under it.
    fn column(
        &self,
        ready: &Ready,
        head: usize,
        heads: &[Option<(Kind, usize)>],
        out: &mut Vec<Value>,
    ) {
        let Some((kind, from)) = heads[head] else {
            return;
        };
        let line = self.lines[head].line;
        let frame = Frame::of(&line.part(from, line.letters.len()));
        for (index, row) in self.lines.iter().enumerate() {
            let quad = &row.line.quad;
            let start = frame.place(middle(quad.0[0], quad.0[3]));
            let centre = frame.place(middle(quad.0[0], quad.0[2]));
            // Rows further down drift, since a photographed column is not quite upright.
            let drift = 1.0 + 0.12 * start.y;
            let under = start.x.abs() < drift || (centre.x - frame.width / 2.0).abs() < drift;
            if heads[index].is_none() && start.y > 0.8 && under && ready.fits(kind, &row.line.text)
            {
                out.push(row.value(kind, 0, row.letters.len()));
            }
        }
    }
}

impl Row<'_> {
    /// Where a word stands on the line, spaces within it passed over; a word of four letters or
    /// more also with one of them misread.
    fn find(&self, word: &str) -> Option<(usize, usize)> {
        let word: Vec<char> = word.chars().collect();
        let wrong = usize::from(word.len() >= 4);
        self.solid.windows(word.len()).find_map(|places| {
            let differ = places
                .iter()
                .zip(&word)
                .filter(|&(&at, letter)| self.letters[at] != *letter)
                .count();
            (differ <= wrong).then(|| (places[0], places[places.len() - 1] + 1))
        })
    }

    /// `from..to` without signs and spaces at its ends; `None` if nothing is left.
    fn trimmed(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        let counts = |at: &usize| self.letters[*at].is_alphanumeric() || self.letters[*at] == '*';
        let first = (from..to).find(counts)?;
        let last = (from..to).rev().find(counts)?;
        Some((first, last + 1))
    }

    fn value(&self, kind: Kind, from: usize, to: usize) -> Value {
        Value {
            kind,
            places: vec![self.line.part(from, to)],
            text: self.letters[from..to].iter().collect(),
            line: self.line.text.clone(),
        }
    }

    /// Stretches of Latin letters, digits and what joins or covers them, or the whole line: a name
    /// and a number are often read without the space between.
    fn words(&self, joined: bool) -> Vec<(usize, usize)> {
        if joined {
            return self.trimmed(0, self.letters.len()).into_iter().collect();
        }
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '*');
        let places: Vec<usize> = (0..self.letters.len())
            .filter(|&at| inside(self.letters[at]))
            .collect();
        places
            .chunk_by(|a, b| a + 1 == *b)
            .filter_map(|word| self.trimmed(word[0], word[word.len() - 1] + 1))
            .collect()
    }

    /// Words of Latin capitals, none of them one that cards carry. Blanks are often not read, so that two
    /// words may be one, which then is no short one.
    fn is_holder(&self, others: &[String]) -> bool {
        let words: Vec<&str> = self.line.text.split_whitespace().collect();
        let latin = |word: &&str| word.bytes().all(|b| b.is_ascii_uppercase());
        let is_long_enough = match words.as_slice() {
            [word] => word.len() >= 7 && !others.iter().any(|other| word.contains(other.as_str())),
            words => self.solid.len() >= 4 && words.len() <= 4,
        };
        is_long_enough
            && words.iter().all(latin)
            && !words
                .iter()
                .any(|word| others.iter().any(|other| other == word))
    }

    /// Whether it is a letter, a dot and what follows on a plate; and if so, whether a Chinese letter
    /// stands before them.
    fn is_plate(&self, rule: &Plate) -> Option<bool> {
        let letters: Vec<char> = self.solid.iter().map(|&at| self.letters[at]).collect();
        let (has_province, rest) = match letters.as_slice() {
            [first, rest @ ..] if !first.is_ascii() => (true, rest),
            rest => (false, rest),
        };
        let [city, dot, rest @ ..] = rest else {
            return None;
        };
        let is_one = city.is_ascii_uppercase()
            && rule.dots.contains(dot)
            && (rule.least..=rule.most).contains(&rest.len())
            && rest
                .iter()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && rest.iter().any(char::is_ascii_digit);
        is_one.then_some(has_province)
    }

    fn plain(&self) -> String {
        self.solid
            .iter()
            .map(|&at| self.letters[at])
            .filter(|letter| !matches!(letter, ':' | '：' | '*'))
            .flat_map(char::to_lowercase)
            .collect()
    }

    /// The letter at which a part of the line begins.
    fn letter_at(&self, part: &Quad) -> usize {
        let frame = Frame::of(&self.line.quad);
        let start = frame.place(middle(part.0[0], part.0[3])).x / frame.width.max(1e-3);
        self.line
            .letters
            .iter()
            .position(|letter| letter.1 > start)
            .unwrap_or(0)
    }
}

/// A line's own axes: along its writing and down from its middle, in units of its height.
struct Frame {
    from: Point,
    along: Point,
    height: f32,
    /// Its length in those units.
    width: f32,
}

impl Frame {
    fn of(quad: &Quad) -> Frame {
        let [a, b, c, d] = quad.0;
        let (from, to) = (middle(a, d), middle(b, c));
        let length = from.distance(to).max(1e-3);
        let height = quad.height().max(1.0);
        Frame {
            from,
            along: Point::new((to.x - from.x) / length, (to.y - from.y) / length),
            height,
            width: length / height,
        }
    }

    fn place(&self, point: Point) -> Point {
        let (x, y) = (point.x - self.from.x, point.y - self.from.y);
        Point::new(
            (x * self.along.x + y * self.along.y) / self.height,
            (y * self.along.x - x * self.along.y) / self.height,
        )
    }
}

fn middle(one: Point, two: Point) -> Point {
    one.between(two, 0.5)
}

/// Whether nine tenths of a place, by thirty points along its middle, lie within any of these.
fn covers<'q>(places: impl Iterator<Item = &'q Quad>, place: &Quad) -> bool {
    const POINTS: u8 = 30;
    let places: Vec<&Quad> = places.collect();
    let [a, b, c, d] = place.0;
    let (from, to) = (middle(a, d), middle(b, c));
    let within = (0..POINTS).filter(|&step| {
        let point = from.between(to, (f32::from(step) + 0.5) / f32::from(POINTS));
        places.iter().any(|other| other.holds(point))
    });
    within.count() * 10 >= usize::from(POINTS) * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of letters 20 wide and 20 high.
    fn line(text: &str, left: f32, top: f32) -> Line {
        let count = u8::try_from(text.chars().count()).unwrap();
        let share = |at: u8| f32::from(at) / f32::from(count);
        Line {
            text: text.to_owned(),
            quad: Quad::upright(left, top, 20.0 * f32::from(count), 20.0),
            row: 0,
            score: 0.9,
            letters: (0..count).map(|at| (share(at), share(at + 1))).collect(),
        }
    }

    fn found(lines: &[Line]) -> Vec<(&'static str, String)> {
        fields(lines, &[])
            .into_iter()
            .map(|spot| (spot.hit.kind.name(), spot.text))
            .collect()
    }

    fn holds(found: &[(&'static str, String)], kind: &str, text: &str) -> bool {
        found.iter().any(|(a, b)| *a == kind && b == text)
    }

    #[test]
    fn what_stands_behind_the_labels_of_an_id_card_is_found_misread_as_it_may_be() {
        let lines = [
            line("姓名", 0.0, 0.0),
            line("马思浩", 80.0, 0.0),
            line("性别男 民族汉", 0.0, 50.0),
            line("出生", 0.0, 100.0),
            line("2006年", 80.0, 100.0),
            line("1月10日", 205.0, 101.0),
            line("住址", 0.0, 150.0),
            line("福建省长汀县星海", 80.0, 150.0),
            line("街128号", 80.0, 180.0),
            line("室", 80.0, 210.0),
            // One letter of the label is wrong, and so is one digit.
            line("公民身份号玛35272420060110235B", 0.0, 300.0),
        ];
        let found = found(&lines);
        assert!(holds(&found, "person_name", "马思浩"), "{found:?}");
        assert!(holds(&found, "gender", "男"));
        assert!(holds(&found, "ethnicity", "汉"));
        assert!(holds(&found, "date_of_birth", "2006年1月10日"));
        assert!(holds(&found, "address", "福建省长汀县星海街128号室"));
        assert!(holds(&found, "resident_id", "35272420060110235B"));
        let place = fields(&lines, &[])
            .into_iter()
            .find(|spot| spot.hit.kind == Kind::ADDRESS);
        assert_eq!(place.unwrap().places.len(), 3);
    }

    #[test]
    fn a_place_whose_letter_was_not_seen_is_hidden_behind_its_label() {
        let mut lines = vec![
            line("姓名", 0.0, 0.0),
            line("马思浩", 80.0, 0.0),
            line("性别男 民族", 0.0, 50.0),
            line("公民身份号码35272420060110235X", 0.0, 300.0),
        ];
        let places = empty(&lines);
        let [place] = places.as_slice() else {
            panic!("{places:?}");
        };
        let (place, line_of) = (place.bounds(), lines[2].quad.bounds());
        assert!(
            (place.left - line_of.left - line_of.width).abs() < 4.0,
            "{place:?}"
        );
        assert!(place.width > 2.0 * place.height, "{place:?}");
        lines.push(line("汉", place.left + 12.0, 50.0));
        assert!(empty(&lines).is_empty());
        // On anything but a card a label without a value is a blank form.
        assert!(empty(&lines[2..3]).is_empty());
    }

    #[test]
    fn plates_and_holders_read_badly() {
        let plate = [line("C·58DMF", 50.0, 0.0), line("HYBRID", 300.0, 50.0)];
        let read = found(&plate);
        assert!(holds(&read, "plate", "C·58DMF"), "{read:?}");
        assert_eq!(read.len(), 1);
        let place = fields(&plate, &[])[0].places[0].bounds();
        assert!(place.left < 40.0, "{place:?}");
        assert!(holds(
            &found(&[line("鄂A·3HJTO", 0.0, 0.0)]),
            "plate",
            "鄂A·3HJTO"
        ));
        assert!(found(&[line("A.NOTE", 0.0, 0.0)]).is_empty());
        let card = [
            line("DEMOBANK", 0.0, 0.0),
            line("信用卡", 300.0, 0.0),
            line("VALIDTHRU", 0.0, 50.0),
            line("WANGXIAOMING", 0.0, 100.0),
        ];
        let read = found(&card);
        assert!(holds(&read, "person_name", "WANGXIAOMING"), "{read:?}");
        assert_eq!(read.len(), 1, "{read:?}");
    }

    #[test]
    fn what_is_known_is_not_found_again() {
        let lines = [
            line("姓名", 0.0, 0.0),
            line("马思浩", 80.0, 0.0),
            line("性别", 0.0, 50.0),
        ];
        let known = fields(&lines, &[]);
        assert_eq!(known.len(), 1);
        assert!(fields(&lines, &known).is_empty());
    }

    #[test]
    fn cells_to_the_right_and_columns_below() {
        let form = [
            line("学号", 0.0, 0.0),
            line("2026967534", 100.0, 0.0),
            line("诊断", 0.0, 60.0),
            line("慢性胃炎", 100.0, 62.0),
            line("兴趣爱好", 0.0, 120.0),
            line("游泳", 100.0, 120.0),
        ];
        let read = found(&form);
        assert!(holds(&read, "student_id", "2026967534"), "{read:?}");
        assert!(holds(&read, "diagnosis", "慢性胃炎"));
        assert_eq!(read.len(), 2, "{read:?}");
        let table = [
            line("序号姓名", -40.0, 0.0),
            line("手机号", 150.0, 0.0),
            line("状态", 450.0, 0.0),
            line("王帅", 0.0, 60.0),
            line("17944133162", 150.0, 61.0),
            line("正常", 450.0, 60.0),
            line("17932979382", 152.0, 120.0),
        ];
        let read = found(&table);
        assert!(holds(&read, "person_name", "王帅"), "{read:?}");
        assert!(holds(&read, "mobile", "17944133162"));
        assert!(holds(&read, "mobile", "17932979382"));
        assert_eq!(read.len(), 3, "{read:?}");
    }

    #[test]
    fn a_longer_label_is_not_taken_for_a_shorter_one_and_its_value() {
        let form = [
            line("姓名", 0.0, 0.0),
            line("性别", 0.0, 50.0),
            line("民族", 0.0, 100.0),
            line("出生日期", 0.0, 150.0),
            line("1988-01-30", 100.0, 150.0),
        ];
        let read = found(&form);
        assert_eq!(read, [("date_of_birth", "1988-01-30".to_owned())]);
    }

    #[test]
    fn a_number_alone_is_one_only_on_a_document_that_has_such() {
        let ticket = [
            line("E932702", 0.0, 0.0),
            line("限乘当日当次车", 0.0, 40.0),
            line("二等座", 300.0, 40.0),
        ];
        assert!(holds(&found(&ticket), "ticket", "E932702"));
        assert!(found(&ticket[..2]).is_empty());
    }
}
