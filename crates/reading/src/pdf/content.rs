//! What a page shows: runs of text with their places, and pictures.
//!
//! Rule: ISO 32000-1, 8.2 (operators), 9.4 (text), 14.9.4 (replacement text). Seen or unseen counts
//! alike: what lies invisibly over a scanned page is the text we want. Colours, paths and clipping
//! are not looked at.

use std::collections::HashMap;
use std::sync::Arc;

use super::file::{File, Page};
use super::font::{Font, narrow};
use super::object::{Dict, Object, Parser, is_space};
use crate::ReadError;

/// Forms within forms.
const FORMS: u32 = 8;
/// Runs of a page, and bytes of its text.
const RUNS: usize = 200_000;
const TEXT: usize = 8 << 20;
/// Operands that an operator may have.
const OPERANDS: usize = 100_000;

/// A piece of text on a line, and where it lies: lengths in points, upwards positive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    /// Where it begins and ends along its line.
    pub(super) left: f32,
    pub(super) right: f32,
    /// Of the baseline.
    pub(super) y: f32,
    /// Of the letters.
    pub(super) size: f32,
    /// Quarter turns of the line against the page.
    turn: u8,
}

/// What a page shows.
#[derive(Debug, Default)]
pub(super) struct Shows {
    /// In the order in which they are drawn.
    pub(super) runs: Vec<Run>,
    /// Numbers of the objects of its pictures, each once.
    pub(super) pictures: Vec<u32>,
}

type Matrix = [f32; 6];

const ONE: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `a`, then `b`.
fn then(a: &Matrix, b: &Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Arc<Font>>,
    size: f32,
    character: f32,
    word: f32,
    scale: f32,
    leading: f32,
    rise: f32,
}

/// Fonts that pages share, by the number of their object.
pub(super) type Fonts = HashMap<u32, Arc<Font>>;

struct Reader<'a> {
    file: &'a File,
    fonts: &'a mut Fonts,
    shows: Shows,
    bytes: usize,
    state: State,
    stack: Vec<State>,
    text: Matrix,
    line: Matrix,
    /// Marked content: what each stretch is to be read as, and the runs it began at.
    marked: Vec<Option<(String, usize)>>,
    /// The forms that are being drawn: none draws itself.
    open: Vec<u32>,
}

/// Reads what a page shows.
pub(super) fn read(file: &File, page: &Page, fonts: &mut Fonts) -> Result<Shows, ReadError> {
    let mut content = Vec::new();
    let streams = match page.dict.get(b"Contents".as_slice()) {
        Some(Object::Ref(number)) => match file.object(*number) {
            Object::Array(items) => items,
            _ => vec![Object::Ref(*number)],
        },
        Some(Object::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    for stream in streams {
        if let Object::Ref(number) = stream
            && let Some((_, plain)) = file.stream(number)?
            && plain.coded.is_none()
        {
            content.extend_from_slice(&plain.bytes);
            content.push(b'\n');
            if content.len() > file.fuel.stream() {
                break;
            }
        }
    }
    let mut reader = Reader {
        file,
        fonts,
        shows: Shows::default(),
        bytes: 0,
        state: State {
            ctm: ONE,
            font: None,
            size: 0.0,
            character: 0.0,
            word: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        },
        stack: Vec::new(),
        text: ONE,
        line: ONE,
        marked: Vec::new(),
        open: Vec::new(),
    };
    reader.run(&content, &page.resources, 0)?;
    let mut shows = reader.shows;
    upright(&mut shows.runs);
    Ok(shows)
}

/// Keeps the lines of the commonest direction.
fn upright(runs: &mut Vec<Run>) {
    let mut count = [0_usize; 4];
    for run in runs.iter() {
        count[usize::from(run.turn & 3)] += run.text.len();
    }
    let most = (0..4).max_by_key(|turn| (count[usize::from(*turn)], 4 - *turn));
    runs.retain(|run| Some(run.turn) == most);
}

impl Reader<'_> {
    fn run(&mut self, content: &[u8], resources: &Dict, depth: u32) -> Result<(), ReadError> {
        let file = self.file;
        let mut parser = Parser::new(content, 0, &file.fuel, false);
        let mut operands: Vec<Object> = Vec::new();
        while let Some(object) = parser.next()? {
            let Object::Word(word) = object else {
                if operands.len() < OPERANDS {
                    operands.push(object);
                }
                continue;
            };
            if word == b"ID" {
                skip_picture(&mut parser);
            } else if word == b"Do" {
                self.draw(&operands, resources, depth)?;
            } else {
                self.operate(&word, &operands, resources)?;
            }
            operands.clear();
            if self.shows.runs.len() > RUNS || self.bytes > TEXT {
                return Err(ReadError::TooLarge {
                    budget: TEXT as u64,
                });
            }
        }
        Ok(())
    }

    fn operate(&mut self, word: &[u8], held: &[Object], resources: &Dict) -> Result<(), ReadError> {
        let number = |at: usize| held.get(at).and_then(Object::number).map_or(0.0, narrow);
        match word {
            b"q" if self.stack.len() < 256 => self.stack.push(self.state.clone()),
            b"Q" => {
                if let Some(state) = self.stack.pop() {
                    self.state = state;
                }
            }
            b"cm" => {
                let matrix = std::array::from_fn(number);
                self.state.ctm = then(&matrix, &self.state.ctm);
            }
            b"BT" => (self.text, self.line) = (ONE, ONE),
            b"Tf" => {
                self.state.size = number(1);
                self.state.font = match held.first() {
                    Some(Object::Name(name)) => self.font(name, resources)?,
                    _ => None,
                };
            }
            b"Tc" => self.state.character = number(0),
            b"Tw" => self.state.word = number(0),
            b"Tz" => self.state.scale = number(0) / 100.0,
            b"TL" => self.state.leading = number(0),
            b"Ts" => self.state.rise = number(0),
            b"Td" => self.next_line(number(0), number(1)),
            b"TD" => {
                self.state.leading = -number(1);
                self.next_line(number(0), number(1));
            }
            b"Tm" => {
                self.line = std::array::from_fn(number);
                self.text = self.line;
            }
            b"T*" => self.next_line(0.0, -self.state.leading),
            b"Tj" => self.show(held),
            b"TJ" => {
                if let Some(Object::Array(items)) = held.first() {
                    self.show(items);
                }
            }
            b"'" => {
                self.next_line(0.0, -self.state.leading);
                self.show(held);
            }
            b"\"" => {
                (self.state.word, self.state.character) = (number(0), number(1));
                self.next_line(0.0, -self.state.leading);
                self.show(held.get(2..).unwrap_or_default());
            }
            b"BMC" if self.marked.len() < 256 => self.marked.push(None),
            b"BDC" if self.marked.len() < 256 => {
                let actual = self.actual(held.get(1), resources);
                let from = self.shows.runs.len();
                self.marked.push(actual.map(|actual| (actual, from)));
            }
            b"EMC" => self.end_marked(),
            _ => {}
        }
        Ok(())
    }

    fn next_line(&mut self, x: f32, y: f32) {
        self.line = then(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }

    fn font(&mut self, name: &[u8], resources: &Dict) -> Result<Option<Arc<Font>>, ReadError> {
        let fonts = self.file.get_dict(resources, "Font");
        let Some(named) = fonts.get(name) else {
            return Ok(None);
        };
        let number = match named {
            Object::Ref(number) => Some(*number),
            _ => None,
        };
        if let Some(known) = number.and_then(|number| self.fonts.get(&number)) {
            return Ok(Some(Arc::clone(known)));
        }
        let Object::Dict(dict) = self.file.resolved(named) else {
            return Ok(None);
        };
        let font = Arc::new(Font::read(self.file, &dict)?);
        if let Some(number) = number {
            // Many fonts in memory at once are an attack, or a catalogue whose pages can pay again.
            if self.fonts.len() >= 64 {
                self.fonts.clear();
            }
            self.fonts.insert(number, Arc::clone(&font));
        }
        Ok(Some(font))
    }

    /// Shows strings, numbers between them moving along the line.
    fn show(&mut self, items: &[Object]) {
        let Some(font) = self.state.font.clone() else {
            return;
        };
        let mut run: Option<(String, Matrix)> = None;
        for item in items {
            match item {
                Object::Number(back) => {
                    let back = narrow(*back) / 1000.0 * self.state.size;
                    // A wide gap ends the run: what stands behind it may be another cell.
                    if back < -0.3 * self.state.size
                        && let Some((text, start)) = run.take()
                    {
                        self.finish(text, &start);
                    }
                    self.advance(-back * self.state.scale);
                }
                Object::String(string) => {
                    for shown in font.shown(string) {
                        if run.is_none() {
                            run = Some((String::new(), self.text));
                        }
                        if let Some((text, _)) = &mut run {
                            text.push_str(&shown.text);
                        }
                        let word = if shown.space { self.state.word } else { 0.0 };
                        let along =
                            shown.width / 1000.0 * self.state.size + self.state.character + word;
                        self.advance(along * self.state.scale);
                    }
                }
                _ => {}
            }
        }
        if let Some((text, start)) = run {
            self.finish(text, &start);
        }
    }

    fn advance(&mut self, along: f32) {
        self.text = then(&[1.0, 0.0, 0.0, 1.0, along, 0.0], &self.text);
    }

    /// Ends a run that began where `start` says.
    fn finish(&mut self, text: String, start: &Matrix) {
        let place = |matrix: &Matrix| {
            let raised = then(&[1.0, 0.0, 0.0, 1.0, 0.0, self.state.rise], matrix);
            then(&raised, &self.state.ctm)
        };
        let (from, to) = (place(start), place(&self.text));
        let (along, up) = ((from[0], from[1]), (from[2], from[3]));
        let turn: u8 = match (
            along.0.abs() >= along.1.abs(),
            along.0 >= 0.0,
            along.1 >= 0.0,
        ) {
            (true, true, _) => 0,
            (false, _, true) => 1,
            (true, false, _) => 2,
            (false, _, false) => 3,
        };
        let straight = |x: f32, y: f32| match turn {
            0 => (x, y),
            1 => (y, -x),
            2 => (-x, -y),
            _ => (-y, x),
        };
        let (left, y) = straight(from[4], from[5]);
        let (right, _) = straight(to[4], to[5]);
        let size = self.state.size.abs() * up.0.hypot(up.1);
        let sound = [left, right, y, size]
            .iter()
            .all(|number| number.is_finite());
        if sound && (!text.is_empty() || self.marked.iter().any(Option::is_some)) {
            self.bytes += text.len() + 16;
            self.shows.runs.push(Run {
                text,
                left: left.min(right),
                right: left.max(right),
                y,
                size,
                turn,
            });
        }
    }

    /// What a stretch of marked content is to be read as.
    fn actual(&self, properties: Option<&Object>, resources: &Dict) -> Option<String> {
        let dict = match properties? {
            Object::Dict(dict) => dict.clone(),
            Object::Name(name) => {
                let named = self.file.get_dict(resources, "Properties");
                self.file
                    .resolved(named.get(name.as_slice())?)
                    .dict()?
                    .clone()
            }
            _ => return None,
        };
        match self.file.get(&dict, "ActualText") {
            Object::String(text) => Some(text_string(&text)),
            _ => None,
        }
    }

    /// Puts the replacement text in place of the runs of its stretch.
    fn end_marked(&mut self) {
        let Some(Some((actual, from))) = self.marked.pop() else {
            return;
        };
        let covered = self.shows.runs.split_off(from.min(self.shows.runs.len()));
        let Some(mut first) = covered.first().cloned() else {
            return;
        };
        let same = covered.iter().filter(|run| (run.y - first.y).abs() < 0.5);
        first.right = same.map(|run| run.right).fold(first.right, f32::max);
        first.text = actual;
        self.bytes += first.text.len();
        if !first.text.is_empty() {
            self.shows.runs.push(first);
        }
    }

    fn draw(&mut self, held: &[Object], resources: &Dict, depth: u32) -> Result<(), ReadError> {
        let Some(Object::Name(name)) = held.first() else {
            return Ok(());
        };
        let named = self.file.get_dict(resources, "XObject");
        let Some(Object::Ref(number)) = named.get(name.as_slice()) else {
            return Ok(());
        };
        let Object::Dict(dict) = self.file.object(*number) else {
            return Ok(());
        };
        match self.file.get(&dict, "Subtype").name() {
            Some(b"Image")
                if self.shows.pictures.len() < 1000 && !self.shows.pictures.contains(number) =>
            {
                self.shows.pictures.push(*number);
            }
            Some(b"Form") if depth < FORMS && !self.open.contains(number) => {
                let Some((dict, plain)) = self.file.stream(*number)? else {
                    return Ok(());
                };
                let before = (self.state.clone(), self.stack.len(), self.marked.len());
                if let Object::Array(matrix) = self.file.get(&dict, "Matrix") {
                    let number =
                        |at: usize| matrix.get(at).and_then(Object::number).map_or(0.0, narrow);
                    self.state.ctm = then(&std::array::from_fn(number), &self.state.ctm);
                }
                let own = match self.file.get(&dict, "Resources") {
                    Object::Dict(own) => own,
                    _ => resources.clone(),
                };
                self.open.push(*number);
                self.run(&plain.bytes, &own, depth + 1)?;
                self.open.pop();
                self.state = before.0;
                self.stack.truncate(before.1);
                while self.marked.len() > before.2 {
                    self.end_marked();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Passes over the bytes of a picture in the stream itself (8.9.7): up to `EI` between spaces.
fn skip_picture(parser: &mut Parser<'_>) {
    let mut from = parser.at;
    while let Some(found) = memchr::memmem::find(&parser.bytes[from..], b"EI") {
        let at = from + found;
        let around = |place: Option<usize>| {
            let byte = place.and_then(|place| parser.bytes.get(place));
            byte.is_none_or(|byte| is_space(*byte))
        };
        from = at + 2;
        if around(at.checked_sub(1)) && around(Some(at + 2)) {
            break;
        }
    }
    parser.at = from.min(parser.bytes.len());
}

/// A text string (7.9.2.2): UTF-16 or UTF-8 behind their marks, Latin else.
fn text_string(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE
            .decode_without_bom_handling(rest)
            .0
            .into_owned(),
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE
            .decode_without_bom_handling(rest)
            .0
            .into_owned(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}
