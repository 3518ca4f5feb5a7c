//! Letters in a PDF: shown by glyph, embedded, and readable again.
//!
//! Rule: ISO 32000-1, 9.7 (composite fonts), 9.10.3 (ToUnicode), 14.9.4 (replacement text).
//! A glyph has one character in the ToUnicode map, the first it was used for; where another
//! character shares the glyph, or the font lacks it, the character itself is written as
//! replacement text (`ActualText`), which searching and copying take instead.

use std::collections::BTreeMap;

use liuhen_picture::Font;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish as _, Name, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use crate::PaperError;
use crate::ops::{Line, Measure, Op};
use crate::output::{Output, deflated};

/// The name of the font in each page's resources.
pub(crate) const FONT: Name<'static> = Name(b"F");
const SYSTEM: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// The letters that a document uses.
pub(crate) struct Letters<'f> {
    font: &'f Font,
    pub(crate) measure: Measure<'f>,
    remapper: GlyphRemapper,
    /// For each glyph as numbered in the document, its width in ems and its character.
    used: BTreeMap<u16, (f32, char)>,
}

impl<'f> Letters<'f> {
    pub(crate) fn new(font: &'f Font) -> Result<Letters<'f>, PaperError> {
        let measure = Measure::new(font)?;
        Ok(Letters {
            font,
            measure,
            remapper: GlyphRemapper::new(),
            used: BTreeMap::new(),
        })
    }

    /// Number of the glyph that shows a character, its width, and whether the map gives the
    /// character back.
    fn number(&mut self, character: char) -> (u16, f32, bool) {
        let (glyph, shown) = self.measure.glyphs.shown(character);
        let number = self.remapper.remap(glyph);
        let width = self.measure.glyphs.advance(glyph);
        let (_, known) = *self.used.entry(number).or_insert((width, shown));
        (number, width, known == character)
    }

    /// The content of a page of `height` points; `hidden` writes the text only, unseen.
    pub(crate) fn content(&mut self, content: &mut Content, ops: &[Op], height: f32, hidden: bool) {
        for op in ops {
            match op {
                Op::Fill(_, _) if hidden => {}
                Op::Fill([left, top, wide, high], grey) => {
                    content.set_fill_gray(f32::from(*grey) / 255.0);
                    content
                        .rect(*left, height - top - high, *wide, *high)
                        .fill_nonzero();
                }
                Op::Text(line) => self.line(content, line, height, hidden),
            }
        }
    }

    fn line(&mut self, content: &mut Content, line: &Line, height: f32, hidden: bool) {
        if line.text.is_empty() && line.actual.is_none() {
            return;
        }
        content
            .set_fill_gray(0.0)
            .begin_text()
            .set_font(FONT, line.size);
        if hidden {
            content.set_text_rendering_mode(TextRenderingMode::Invisible);
        }
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, line.left, height - line.baseline]);
        let whole = line.actual.as_ref().or(line.pitch.map(|_| &line.text));
        if let Some(whole) = whole {
            begin_actual(content, whole);
            self.glyphs(content, &line.text, line.pitch);
            content.end_marked_content();
        } else {
            for (plain, run) in self.runs(&line.text) {
                if plain {
                    self.glyphs(content, &run, None);
                } else {
                    begin_actual(content, &run);
                    self.glyphs(content, &run, None);
                    content.end_marked_content();
                }
            }
        }
        content.end_text();
    }

    /// The text in pieces that the map gives back, and pieces that it does not.
    fn runs(&mut self, text: &str) -> Vec<(bool, String)> {
        let mut runs: Vec<(bool, String)> = Vec::new();
        for character in text.chars() {
            let (.., plain) = self.number(character);
            match runs.last_mut() {
                Some((same, run)) if *same == plain => run.push(character),
                _ => runs.push((plain, character.to_string())),
            }
        }
        runs
    }

    fn glyphs(&mut self, content: &mut Content, text: &str, pitch: Option<f32>) {
        let numbered: Vec<_> = text
            .chars()
            .map(|character| self.number(character))
            .collect();
        let mut shown = content.show_positioned();
        let mut items = shown.items();
        if let Some(pitch) = pitch {
            for (number, width, _) in numbered {
                items.show(Str(&number.to_be_bytes()));
                items.adjust((width - pitch) * 1000.0);
            }
        } else {
            let bytes: Vec<u8> = numbered
                .iter()
                .flat_map(|(number, ..)| number.to_be_bytes())
                .collect();
            items.show(Str(&bytes));
        }
    }

    /// Writes the font as object `id`, cut down to the letters used.
    pub(crate) fn embed<W: std::io::Write>(
        self,
        output: &mut Output<W>,
        id: Ref,
    ) -> Result<(), PaperError> {
        let metrics = self.font.metrics();
        let refused = || PaperError::Embed {
            family: metrics.family.clone(),
        };
        let subset = subsetter::subset(self.font.data(), self.font.index(), &self.remapper)
            .map_err(|_| refused())?;
        let compact = metrics.post_script_outlines;
        let program = if compact {
            cff(&subset).ok_or_else(refused)?
        } else {
            &subset
        };
        let name = self.name();
        let [cid, descriptor, file, map] = [
            output.reserve()?,
            output.reserve()?,
            output.reserve()?,
            output.reserve()?,
        ];

        output.write(id, |chunk| {
            let full = if compact {
                format!("{name}-Identity-H")
            } else {
                name.clone()
            };
            chunk
                .type0_font(id)
                .base_font(Name(full.as_bytes()))
                .encoding_predefined(Name(b"Identity-H"))
                .descendant_font(cid)
                .to_unicode(map);
        })?;
        output.write(cid, |chunk| {
            let mut font = chunk.cid_font(cid);
            font.subtype(if compact {
                CidFontType::Type0
            } else {
                CidFontType::Type2
            });
            font.base_font(Name(name.as_bytes())).system_info(SYSTEM);
            font.font_descriptor(descriptor).default_width(0.0);
            if !compact {
                font.cid_to_gid_map_predefined(Name(b"Identity"));
            }
            let mut widths = font.widths();
            for (number, (width, _)) in &self.used {
                widths.consecutive(*number, [width * 1000.0]);
            }
        })?;
        output.write(descriptor, |chunk| {
            let thousand = |ems: f32| (ems * 1000.0).round();
            let [left, bottom, right, top] = metrics.bounds.map(thousand);
            let mut font = chunk.font_descriptor(descriptor);
            font.name(Name(name.as_bytes())).flags(FontFlags::SYMBOLIC);
            font.bbox(Rect::new(left, bottom, right, top))
                .italic_angle(metrics.italic);
            font.ascent(thousand(metrics.ascent))
                .descent(thousand(metrics.descent));
            font.cap_height(thousand(metrics.capitals)).stem_v(80.0);
            if compact {
                font.font_file3(file);
            } else {
                font.font_file2(file);
            }
        })?;
        let packed = deflated(program)?;
        output.write(file, |chunk| {
            let mut stream = chunk.stream(file, &packed);
            stream.filter(Filter::FlateDecode);
            if compact {
                stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
            } else {
                stream.pair(
                    Name(b"Length1"),
                    i32::try_from(program.len()).unwrap_or(i32::MAX),
                );
            }
            stream.finish();
        })?;
        let mut unicode = UnicodeCmap::<u16>::new(Name(b"Liuhen"), SYSTEM);
        for (number, (_, character)) in &self.used {
            unicode.pair(*number, *character);
        }
        let packed = deflated(unicode.finish().as_slice())?;
        output.write(map, |chunk| {
            chunk.cmap(map, &packed).filter(Filter::FlateDecode);
        })
    }

    /// The font's name behind the tag of its subset: six letters made of the characters used.
    fn name(&self) -> String {
        let mut mixed = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
        for (number, (_, character)) in &self.used {
            for part in [u32::from(*number), u32::from(*character)] {
                mixed = (mixed ^ u64::from(part)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        let mut name = String::new();
        for _ in 0..6 {
            name.push(char::from(b'A' + u8::try_from(mixed % 26).unwrap_or(0)));
            mixed /= 26;
        }
        format!("{name}+{}", self.font.metrics().post_script)
    }
}

/// What copying takes in place of the letters until the content's end is marked.
fn begin_actual(content: &mut Content, text: &str) {
    let clean = |character: char| {
        if character.is_control() {
            '\u{fffd}'
        } else {
            character
        }
    };
    let clean: String = text.chars().map(clean).collect();
    content
        .begin_marked_content_with_properties(Name(b"Span"))
        .properties()
        .actual_text(TextStr(&clean));
}

/// The table of PostScript outlines within an OpenType font.
///
/// Rule: OpenType 1.9, table directory: 12 bytes of head, then 16 for each table, its name first
/// and its place and length last.
fn cff(font: &[u8]) -> Option<&[u8]> {
    let entry = font
        .get(12..)?
        .chunks_exact(16)
        .find(|entry| entry.starts_with(b"CFF "))?;
    let word = |at: usize| {
        let bytes = entry.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let (start, length) = (word(8)?, word(12)?);
    font.get(start..start.checked_add(length)?)
}
