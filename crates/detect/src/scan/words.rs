//! Many words, asked for at a place: which ends here, which begins here, which
//! stand nearby. The text as a whole is never searched for them.
//!
//! Every word has at least six bytes (two Chinese characters, six letters). A
//! table of bits says of six bytes whether a word may begin or end with them,
//! so that most questions are answered by one look.

use super::census::{BLOCK, Survey, each};
use super::glyph;

/// Fewest bytes of a word.
pub(super) const LEAST: usize = 6;

type Six = [u8; LEAST];

/// Bits of a hash of six bytes.
const HASH: u32 = 16;

/// The hash of six bytes.
#[inline(always)]
fn hash([a, b, c, d, e, f]: Six) -> usize {
    let six = u64::from_be_bytes([a, b, c, d, e, f, 0, 0]);
    (six.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - HASH)) as usize
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

/// Words, ready to be asked for.
#[derive(Debug)]
pub(super) struct Words {
    heads: Table,
    tails: Table,
    pub(super) numerals: Characters,
}

/// Words by the six bytes they begin or end with.
#[derive(Debug)]
struct Table {
    /// A bit for each hash that a word has.
    bits: Box<[u64; 1 << (HASH - 6)]>,
    /// Where in `entries` the words of a hash begin.
    starts: Box<[u16]>,
    entries: Vec<Form>,
}

/// A word as it may be written, and its number.
type Form = (Box<[u8]>, u16);

impl Table {
    /// Of `forms`, none shorter than six bytes; `key` is which six count.
    fn new(forms: &[Form], key: impl Fn(&[u8]) -> Option<Six>) -> Table {
        let mut keyed: Vec<(usize, &Form)> = forms
            .iter()
            .filter_map(|form| Some((hash(key(&form.0)?), form)))
            .collect();
        // The longer before the shorter with the same hash.
        keyed.sort_by_key(|(hash, form)| (*hash, std::cmp::Reverse(form.0.len()), &form.0));
        let mut bits = Box::new([0_u64; 1 << (HASH - 6)]);
        let mut starts = vec![0_u16; (1 << HASH) + 1];
        for (hash, _) in &keyed {
            bits[hash / 64] |= 1 << (hash % 64);
            starts[hash + 1] += 1;
        }
        for slot in 0..1 << HASH {
            starts[slot + 1] += starts[slot];
        }
        Table {
            bits,
            starts: starts.into(),
            entries: keyed.into_iter().map(|(_, form)| form.clone()).collect(),
        }
    }

    /// Words that may have these six bytes, the longer first.
    #[inline(always)]
    fn of(&self, six: Six) -> &[Form] {
        let hash = hash(six);
        if self.bits[hash / 64] >> (hash % 64) & 1 == 0 {
            return &[];
        }
        &self.entries[usize::from(self.starts[hash])..usize::from(self.starts[hash + 1])]
    }
}

impl Words {
    /// Prepares words, each with its number, and numerals. Words shorter than
    /// six bytes are left out; Latin ones are found in lower case, capitalised
    /// and in capitals.
    pub(super) fn new<'w>(words: impl Iterator<Item = (&'w str, u16)>, numerals: &str) -> Words {
        let mut forms: Vec<Form> = Vec::new();
        for (text, word) in words.filter(|(text, _)| text.len() >= LEAST) {
            let upper = text.to_uppercase();
            let mut title = String::new();
            let mut letters = text.chars();
            title.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            title.push_str(letters.as_str());
            for form in [text.to_owned(), title, upper] {
                forms.push((form.into_bytes().into(), word));
            }
        }
        forms.sort();
        forms.dedup_by(|a, b| a.0 == b.0);
        Words {
            heads: Table::new(&forms, |word| word.first_chunk().copied()),
            tails: Table::new(&forms, |word| word.last_chunk().copied()),
            numerals: Characters::new(numerals),
        }
    }

    /// The longest word that begins at `start`.
    #[inline]
    pub(super) fn beginning(&self, text: &[u8], start: usize) -> Option<Mention> {
        let six = text.get(start..)?.first_chunk()?;
        let whole = |bytes: &[u8]| {
            text[start..].starts_with(bytes) && is_whole(text, start, start + bytes.len())
        };
        let (bytes, word) = self.heads.of(*six).iter().find(|(bytes, _)| whole(bytes))?;
        Some(Mention {
            start,
            end: start + bytes.len(),
            word: *word,
        })
    }

    /// The longest word that ends at `end`, of those that are wanted.
    #[inline]
    pub(super) fn ending(
        &self,
        text: &[u8],
        end: usize,
        wanted: impl Fn(u16) -> bool,
    ) -> Option<Mention> {
        let before = text.get(..end)?;
        let whole =
            |bytes: &[u8]| before.ends_with(bytes) && is_whole(text, end - bytes.len(), end);
        let words = self.tails.of(*before.last_chunk()?);
        let (bytes, word) = words
            .iter()
            .find(|(bytes, word)| whole(bytes) && wanted(*word))?;
        Some(Mention {
            start: end - bytes.len(),
            end,
            word: *word,
        })
    }
}

/// Whether a Latin word is not part of a longer one.
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let letter = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let begins = text[start].is_ascii() && letter(start.checked_sub(1));
    let ends = text[end - 1].is_ascii() && letter(Some(end));
    !begins && !ends
}

/// The words of a stretch of text, looked for when somebody asks, and kept as long
/// as the next question overlaps the last.
#[derive(Debug, Default)]
pub(super) struct Nearby {
    /// The blocks that were searched.
    blocks: std::ops::Range<usize>,
    found: Vec<Mention>,
}

/// Blocks searched before the first that is asked for: questions go back a little.
const MARGIN: usize = 8;

impl Nearby {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.blocks = 0..0;
        self.found.clear();
    }

    /// The words that begin in the blocks of `from..to` and around, in order.
    pub(super) fn between(
        &mut self,
        words: &Words,
        survey: &Survey,
        text: &[u8],
        (from, to): (usize, usize),
    ) -> &[Mention] {
        let (first, end) = (from / BLOCK, to / BLOCK + 1);
        if first < self.blocks.start || first > self.blocks.end {
            let first = first.saturating_sub(MARGIN);
            self.blocks = first..first;
            self.found.clear();
        }
        for block in self.blocks.end..end {
            let at = block * BLOCK;
            let starts = survey.block(at).map_or(0, |block| block.starts);
            let mentions = each(starts, at).filter_map(|at| words.beginning(text, at));
            self.found.extend(mentions);
        }
        self.blocks.end = self.blocks.end.max(end);
        &self.found
    }
}

/// Groups of three bytes as a set of hashes: what is not in it is none of them.
#[derive(Debug)]
pub(super) struct Threes(Box<[u64; 64]>);

impl Threes {
    pub(super) fn new(threes: impl Iterator<Item = [u8; 3]>) -> Threes {
        let mut bits = Box::new([0; 64]);
        for three in threes {
            let slot = Threes::slot(three);
            bits[slot / 64] |= 1 << (slot % 64);
        }
        Threes(bits)
    }

    /// Whether it may be one of them.
    #[inline(always)]
    pub(super) fn may_be(&self, three: [u8; 3]) -> bool {
        let slot = Threes::slot(three);
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }

    #[inline(always)]
    fn slot([a, b, c]: [u8; 3]) -> usize {
        (u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9E37_79B1) >> 20) as usize
    }
}

/// A few characters of three bytes.
#[derive(Debug)]
pub(super) struct Characters(Threes);

impl Default for Characters {
    fn default() -> Characters {
        Characters::new("")
    }
}

impl Characters {
    /// Of `characters` those of three bytes.
    pub(super) fn new(characters: &str) -> Characters {
        let three = |character: char| {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            <[u8; 3]>::try_from(bytes).ok()
        };
        Characters(Threes::new(characters.chars().filter_map(three)))
    }

    /// Whether the character at `at` may be one of them.
    #[inline(always)]
    pub(super) fn may_stand(&self, text: &[u8], at: usize) -> bool {
        let three = text.get(at..).and_then(<[u8]>::first_chunk);
        three.is_some_and(|three| self.0.may_be(*three))
    }

    /// Looks at the first character from every sixteenth byte of a block on;
    /// `leads` are its first bytes of characters.
    #[inline(always)]
    pub(super) fn sample(
        &self,
        view: &[u8; BLOCK + 16],
        leads: u64,
        at: usize,
        found: &mut Vec<usize>,
    ) {
        for sample in [0, 16, 32, 48] {
            let near = (leads >> sample & 0xF).trailing_zeros();
            let place = sample + near as usize;
            if near < 4
                && self.may_stand(view, place)
                && matches!(glyph::at(view, place).0, glyph::Glyph::Numeral(_))
            {
                found.push(at + place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        Words::new((0..).zip(words).map(|(n, word)| (*word, n)), "")
    }

    fn found(list: &[&str], text: &str) -> Vec<(usize, usize)> {
        let words = words(list);
        let mut survey = Survey::default();
        survey.reach(text.as_bytes(), text.len(), &words.numerals);
        let mut nearby = Nearby::default();
        let mut between = |span| {
            let mentions = nearby.between(&words, &survey, text.as_bytes(), span);
            mentions.iter().map(|m| (m.start, m.end)).collect()
        };
        let all: Vec<_> = between((0, text.len()));
        // Whatever was asked before.
        assert_eq!(between((text.len(), text.len())), all);
        all
    }

    #[test]
    fn words_are_found_at_every_place() {
        for pad in 0..70 {
            let text = format!("{}联系电话：", " ".repeat(pad));
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
        let list = ["手机", "手机号码", "号码"];
        assert_eq!(found(&list, "我的手机号码是"), [(6, 18), (12, 18)]);
        let words = words(&list);
        let text = "我的手机号码是".as_bytes();
        let ending = |end, wanted: &dyn Fn(u16) -> bool| {
            words.ending(text, end, wanted).map(|m| (m.start, m.word))
        };
        assert_eq!(ending(18, &|_| true), Some((6, 1)));
        assert_eq!(ending(18, &|word| word == 2), Some((12, 2)));
        assert_eq!(ending(12, &|_| true), Some((6, 0)));
        assert_eq!(ending(15, &|_| true), None);
        assert_eq!(ending(3, &|_| true), None);
    }

    #[test]
    fn seven_numerals_in_a_row_are_seen_somewhere() {
        let words = Words::new(std::iter::empty(), "一三八零");
        for pad in 0..70 {
            for number in [
                "一三八零零一三",
                "一 三 八 零 零 一 三",
                "一-三-八-零-零-一-三",
            ] {
                let text = format!("{}{number}。", "a".repeat(pad));
                let mut survey = Survey::default();
                survey.reach(text.as_bytes(), text.len(), &words.numerals);
                assert!(!survey.numerals.is_empty(), "{number} behind {pad}");
            }
        }
    }
}
