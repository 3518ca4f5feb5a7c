//! Names, addresses and organisations in running text: lines and sentences go
//! through the sequence model, one after the other.

use super::engine::{self, Engine};
use super::hit::Reasons;
use liuhen_kinds::lexicon::Surnames;

use crate::Verdict;
use crate::fold;
use crate::sequence::{Label, Model, Tagged, Workspace};

/// The most that the mention of a place, or a word in quotation marks, is trusted
/// to concern a person.
const MENTIONED: f32 = 0.75;

/// Most bytes of a sentence; a longer one is cut behind a comma or anywhere.
const LONGEST: usize = 600;

/// Goes through text sentence by sentence.
#[derive(Default)]
pub(super) struct Running {
    /// Where the next sentence begins.
    at: usize,
    workspace: Workspace,
    tagged: Vec<Tagged>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Tags every sentence that ends before `to`.
    pub(super) fn segments(
        &mut self,
        text: &[u8],
        from: usize,
        to: usize,
        last: bool,
        engine: &mut Engine,
    ) {
        self.at = self.at.max(from.saturating_sub(LONGEST + 8));
        while self.at < to {
            let Some((end, next)) = sentence(text, self.at, to, last) else {
                break;
            };
            self.tag(text, self.at, end, engine);
            self.at = next;
        }
    }

    fn tag(&mut self, text: &[u8], start: usize, end: usize, engine: &mut Engine) {
        // Names in Latin letters are left to labels: without a Chinese character there is nothing to do.
        if text[start..end].iter().all(|b| *b < 0xE3) {
            return;
        }
        let Ok(sentence) = str::from_utf8(&text[start..end]) else {
            return;
        };
        self.tagged.clear();
        Model::builtin().tag(sentence, &mut self.workspace, &mut self.tagged);
        for tagged in &self.tagged {
            let text = sentence.get(tagged.start..tagged.end).unwrap_or("");
            if !text.chars().any(fold::is_han) {
                continue;
            }
            let reasons = judge(text, tagged.label);
            let doubtful = reasons.has(Reasons::PLACE_ONLY) || is_quoted(sentence, tagged);
            let confidence = if doubtful {
                tagged.confidence.min(MENTIONED)
            } else {
                tagged.confidence
            };
            let (start, end) = (start + tagged.start, start + tagged.end);
            engine.add(engine::modelled(
                tagged.label,
                start,
                end,
                confidence,
                reasons,
            ));
        }
    }

    /// The first byte that is still needed.
    pub(super) fn pending(&self) -> usize {
        self.at
    }

    /// The first `bytes` of the buffer are gone.
    pub(super) fn shift(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }

    /// Ready for another text.
    pub(super) fn clear(&mut self) {
        self.at = 0;
    }
}

/// What the validators of this crate say of what the model found.
fn judge(text: &str, label: Label) -> Reasons {
    match label {
        Label::Address => match crate::address::check(text) {
            Verdict::Valid(_) => Reasons::LEVELS,
            _ => Reasons::PLACE_ONLY,
        },
        Label::Person if Surnames::builtin().prefix(text) > 0 => Reasons::SURNAME,
        Label::Person | Label::Organisation => Reasons::NONE,
    }
}

/// Whether the span stands within straight quotation marks, as texts in code do, or
/// right beside one: a sentence may begin between two of them.
fn is_quoted(sentence: &str, tagged: &Tagged) -> bool {
    let before = sentence.get(..tagged.start).unwrap_or("");
    let behind = sentence.get(tagged.end..).unwrap_or("");
    before.ends_with('"')
        || behind.starts_with('"')
        || !before.matches('"').count().is_multiple_of(2)
}

/// Where the sentence that begins at `start` ends, and where the next begins.
///
/// `None` when it reaches beyond `to` and the text goes on.
fn sentence(text: &[u8], start: usize, to: usize, last: bool) -> Option<(usize, usize)> {
    let limit = text.len().min(start + LONGEST);
    let mut comma = None;
    let mut at = start;
    while at < limit {
        match text[at] {
            b'\n' => return settled(at, at + 1, to, last),
            0xE3 if text[at..].starts_with("。".as_bytes()) => {
                return settled(at + 3, at + 3, to, last);
            }
            0xEF if matches!(text.get(at..at + 3), Some([0xEF, 0xBC, 0x81 | 0x9B | 0x9F])) => {
                return settled(at + 3, at + 3, to, last);
            }
            0xEF if text[at..].starts_with("，".as_bytes()) => comma = Some(at + 3),
            b',' | b'\t' => comma = Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    if limit == text.len() {
        return if last { Some((limit, limit)) } else { None };
    }
    let mut cut = limit;
    while text[cut] & 0xC0 == 0x80 {
        cut -= 1;
    }
    let cut = comma
        .filter(|comma| comma - start > LONGEST / 2)
        .unwrap_or(cut);
    settled(cut, cut, to, last)
}

fn settled(end: usize, next: usize, to: usize, last: bool) -> Option<(usize, usize)> {
    (last || end <= to).then_some((end, next))
}
