//! Many words looked for at once, and numerals on the way.
//!
//! Every word has at least six bytes (two Chinese characters, six letters), so
//! a table of bits says of the six bytes at a place whether a word may begin
//! there. The census asks it at the beginning of every character of several
//! bytes and of every run of letters and digits, and nowhere else. Nothing
//! depends on the place before, so the processor looks at many at once.

use super::census::{self, BLOCK};
use super::glyph::{self, Glyph};

/// Fewest bytes of a word.
pub(super) const LEAST: usize = 6;

/// Bits of a hash by which entries are found.
const HEAD: u32 = 16;
/// Bits of a hash in the table of what may begin a word.
const TABLE: u32 = 18;

/// What may begin a word: a bit for each hash of six bytes.
#[derive(Debug)]
pub(super) struct Heads(Box<[u64; 1 << (TABLE - 6)]>);

impl Default for Heads {
    fn default() -> Heads {
        Heads(Box::new([0; 1 << (TABLE - 6)]))
    }
}

impl Heads {
    fn add(&mut self, six: [u8; LEAST]) {
        let [hash, _] = hashes(six);
        self.0[hash / 64] |= 1 << (hash % 64);
    }

    /// Those of the places `starts` of a block, which begins at `at`, where a
    /// word may begin.
    #[inline(always)]
    pub(super) fn among(
        &self,
        view: &[u8; BLOCK + 16],
        starts: u64,
        at: usize,
        heads: &mut Vec<usize>,
    ) {
        for place in census::each(starts, 0) {
            let Some(eight) = view.get(place..).and_then(<[u8]>::first_chunk::<8>) else {
                break;
            };
            let hash = table(u64::from_le_bytes(*eight));
            if self.0[hash / 64] >> (hash % 64) & 1 == 1 {
                heads.push(at + place);
            }
        }
    }
}

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of the lower six of eight bytes in the table of beginnings.
#[inline(always)]
fn table(eight: u64) -> usize {
    ((eight << 16).wrapping_mul(FACTOR) >> (64 - TABLE)) as usize
}

/// Hashes of six bytes: in the table of beginnings, and by which entries are found.
#[inline(always)]
fn hashes(six: [u8; LEAST]) -> [usize; 2] {
    let [a, b, c, d, e, f] = six;
    let hash = table(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]));
    [hash, hash >> (TABLE - HEAD)]
}

/// Words, ready to be looked for.
#[derive(Debug)]
pub(super) struct Words {
    /// What may begin a word or be a numeral with another behind it.
    pub(super) heads: Heads,
    /// Where in `entries` the words begin whose first six bytes have a hash.
    starts: Box<[u16]>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    bytes: Box<[u8]>,
    word: u16,
}

/// A word found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    /// Its first byte.
    pub(super) start: usize,
    /// Behind its last byte.
    pub(super) end: usize,
    /// Which word.
    pub(super) word: u16,
}

/// What may stand between two numerals of one number and is looked for: nothing,
/// a sign, a sign with a space, what takes no room.
const JOINTS: [&str; 35] = [
    "", " ", "-", ".", "_", "+", "(", ")", "\n", "\r", "  ", " -", "- ", " .", ". ", "\r\n", "\n ", "\u{3000}",
    "\u{A0}", "\u{AD}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{200E}", "\u{200F}", "\u{2060}", "\u{FEFF}", "－", "—",
    "–", "·", "•", "．", "（", "）",
];

/// The six bytes that `bytes` begin with.
fn six(bytes: &[u8]) -> Option<[u8; LEAST]> {
    bytes.first_chunk().copied()
}

impl Words {
    /// Prepares words, each with its number, and numerals. Words shorter than
    /// six bytes are left out; Latin ones are found in lower case, capitalised
    /// and in capitals.
    pub(super) fn new<'w>(words: impl Iterator<Item = (&'w str, u16)>, numerals: &str) -> Words {
        let mut forms: Vec<(usize, Box<[u8]>, u16)> = Vec::new();
        let mut heads = Heads::default();
        for (text, word) in words {
            let upper = text.to_uppercase();
            let mut title = String::new();
            let mut letters = text.chars();
            title.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            title.push_str(letters.as_str());
            for form in [text.to_owned(), title, upper] {
                let Some(six) = six(form.as_bytes()) else {
                    continue;
                };
                heads.add(six);
                forms.push((hashes(six)[1], form.into_bytes().into(), word));
            }
        }
        // The longer before the shorter with the same beginning.
        forms.sort_by(|a, b| {
            (a.0, b.1.len(), &a.1)
                .cmp(&(b.0, a.1.len(), &b.1))
                .then(a.2.cmp(&b.2))
        });
        forms.dedup_by(|a, b| a.1 == b.1);
        let mut counts = vec![0_u16; (1 << HEAD) + 1];
        for (head, ..) in &forms {
            counts[head + 1] += 1;
        }
        for slot in 0..1 << HEAD {
            counts[slot + 1] += counts[slot];
        }
        for numeral in numerals.chars() {
            for (joint, next) in JOINTS
                .iter()
                .flat_map(|joint| numerals.chars().map(move |next| (joint, next)))
            {
                let pair = format!("{numeral}{joint}{next}");
                six(pair.as_bytes()).into_iter().for_each(|six| heads.add(six));
            }
        }
        let entry = |(_, bytes, word)| Entry { bytes, word };
        Words {
            heads,
            starts: counts.into(),
            entries: forms.into_iter().map(entry).collect(),
        }
    }

    /// Of the places where a word may begin, in order, the longest word at each,
    /// and those where a numeral stands.
    pub(super) fn find(
        &self,
        text: &[u8],
        heads: &[usize],
        mentions: &mut Vec<Mention>,
        numerals: &mut Vec<usize>,
    ) {
        for start in heads.iter().copied() {
            mentions.extend(self.word_at(text, start));
            if text[start] >= 0x80 && matches!(glyph::at(text, start).0, Glyph::Numeral(_)) {
                numerals.push(start);
            }
        }
    }

    /// The longest word that begins at `start`.
    fn word_at(&self, text: &[u8], start: usize) -> Option<Mention> {
        let [_, head] = hashes(six(&text[start..])?);
        let range = usize::from(self.starts[head])..usize::from(self.starts[head + 1]);
        let entry = self.entries[range].iter().find(|entry| {
            text[start..].starts_with(&entry.bytes) && is_whole(text, start, entry.bytes.len())
        })?;
        Some(Mention {
            start,
            end: start + entry.bytes.len(),
            word: entry.word,
        })
    }
}

/// Whether a Latin word is not part of a longer one.
fn is_whole(text: &[u8], start: usize, len: usize) -> bool {
    let letter = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let begins = text[start].is_ascii() && letter(start.checked_sub(1));
    let ends = text[start + len - 1].is_ascii() && letter(Some(start + len));
    !begins && !ends
}

#[cfg(test)]
mod tests {
    use super::super::census::Survey;
    use super::*;

    fn look(words: &Words, text: &str) -> (Vec<Mention>, Vec<usize>) {
        let mut survey = Survey::default();
        let (mut mentions, mut numerals) = (Vec::new(), Vec::new());
        survey.reach(text.as_bytes(), text.len(), &words.heads);
        words.find(text.as_bytes(), &survey.heads, &mut mentions, &mut numerals);
        (mentions, numerals)
    }

    fn found(words: &[&str], text: &str) -> Vec<(usize, usize)> {
        let words = Words::new((0..).zip(words).map(|(n, word)| (*word, n)), "");
        let (mentions, _) = look(&words, text);
        mentions.iter().map(|m| (m.start, m.end)).collect()
    }

    #[test]
    fn words_are_found_at_every_offset() {
        for pad in 0..70 {
            let text = format!("{}联系电话：", "a".repeat(pad));
            assert_eq!(
                found(&["联系电话", "电话"], &text),
                [(pad, pad + 12), (pad + 6, pad + 12)]
            );
            assert_eq!(found(&["电话"], &text[..pad + 12]), [(pad + 6, pad + 12)]);
        }
    }

    #[test]
    fn latin_words_stand_alone() {
        assert_eq!(
            found(&["passport"], "PASSPORT no, passports, Passport"),
            [(0, 8), (24, 32)]
        );
        assert_eq!(found(&["ab"], "ab"), []);
        assert_eq!(found(&["手机"], "手"), []);
    }

    #[test]
    fn the_longest_word_wins() {
        assert_eq!(found(&["手机", "手机号码"], "我的手机号码是"), [(6, 18)]);
    }

    #[test]
    fn four_numerals_in_a_row_are_seen_somewhere() {
        let words = Words::new(std::iter::empty(), "一三八零");
        for pad in 0..12 {
            for number in ["一三八零零一三", "一 三 八 零 零", "一-三-八-零-零"] {
                let text = format!("{}{number}", "a".repeat(pad));
                let (_, spots) = look(&words, &text);
                assert!(!spots.is_empty(), "{number} behind {pad}");
            }
        }
    }
}
