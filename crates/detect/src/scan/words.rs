//! Many words looked for at once, and numerals on the way.
//!
//! Every word has at least six bytes (two Chinese characters, six letters), so
//! that each occurrence covers one block of three bytes that begins at a
//! multiple of four. Only those blocks are looked at: a table of 32 KiB says at
//! which offsets a word may lie around a block, a second of 8 KiB whether six
//! bytes begin a word. Nothing depends on the block before, so the processor
//! looks at many at once.

/// Fewest bytes of a word.
pub(super) const LEAST: usize = 6;

const STEP: usize = 4;
const SLOTS: usize = 1 << 15;
const HEADS: usize = 1 << 16;
/// In the filter: the block is a numeral.
const NUMERAL: u8 = 1 << STEP;

/// Words, ready to be looked for.
#[derive(Debug)]
pub(super) struct Words {
    /// For each hash of three bytes, at which offsets 0 to 3 of a word they stand.
    filter: Box<[u8; SLOTS]>,
    /// For each hash of six bytes, whether a word begins with them.
    heads: Box<[u64; HEADS / 64]>,
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

#[inline(always)]
fn hash(bytes: u32) -> usize {
    ((bytes & 0x00FF_FFFF).wrapping_mul(0x9E37_79B1) >> 17) as usize
}

#[inline(always)]
fn hash_at(bytes: &[u8], at: usize) -> usize {
    hash(u32::from(bytes[at]) | u32::from(bytes[at + 1]) << 8 | u32::from(bytes[at + 2]) << 16)
}

/// The hash of the six bytes from `at` on.
#[inline(always)]
fn head(bytes: &[u8]) -> Option<usize> {
    let six: &[u8; 6] = bytes.first_chunk()?;
    let bytes = u64::from_le_bytes([six[0], six[1], six[2], six[3], six[4], six[5], 0, 0]);
    Some((bytes.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as usize)
}

impl Words {
    /// Prepares words, each with its number, and numerals. Words shorter than
    /// six bytes are left out; Latin ones are found in lower case, capitalised
    /// and in capitals.
    pub(super) fn new<'w>(words: impl Iterator<Item = (&'w str, u16)>, numerals: &str) -> Words {
        let mut forms: Vec<(Box<[u8]>, u16)> = Vec::new();
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
        // The longer before the shorter with the same beginning.
        forms.sort_by(|a, b| {
            head(&a.0)
                .cmp(&head(&b.0))
                .then(b.0.len().cmp(&a.0.len()))
                .then(a.cmp(b))
        });
        forms.dedup_by(|a, b| a.0 == b.0);
        let mut filter = Box::new([0; SLOTS]);
        let mut heads = Box::new([0_u64; HEADS / 64]);
        let mut counts = vec![0_u16; HEADS + 1];
        for (bytes, _) in &forms {
            for offset in 0..STEP {
                filter[hash_at(bytes, offset)] |= 1 << offset;
            }
            if let Some(head) = head(bytes) {
                heads[head / 64] |= 1 << (head % 64);
                counts[head + 1] += 1;
            }
        }
        for slot in 0..HEADS {
            counts[slot + 1] += counts[slot];
        }
        for numeral in numerals.chars().filter(|c| c.len_utf8() == 3) {
            // Alone, and where signs stand between the numerals at every place of the block.
            let pair = |gap: char, next: char| format!("{numeral}{gap}{next}").into_bytes();
            filter[hash_at(&pair(' ', ' '), 0)] |= NUMERAL;
            for gap in [' ', '-', '.'] {
                filter[hash_at(&pair(gap, numeral), 1)] |= NUMERAL;
                filter[hash_at(&pair(gap, numeral), 3)] |= NUMERAL;
                for next in numerals.chars() {
                    filter[hash_at(&pair(gap, next), 2)] |= NUMERAL;
                }
            }
        }
        let entry = |(bytes, word)| Entry { bytes, word };
        Words {
            filter,
            heads,
            starts: counts.into(),
            entries: forms.into_iter().map(entry).collect(),
        }
    }

    /// Every word that begins in `from..to`, in order of place, of words that
    /// begin together the longest; and places where a numeral may stand.
    pub(super) fn find(
        &self,
        text: &[u8],
        from: usize,
        to: usize,
        mentions: &mut Vec<Mention>,
        numerals: &mut Vec<usize>,
    ) {
        let first = mentions.len();
        let mut at = from.next_multiple_of(STEP);
        // A word that begins before `to` may be caught by the block behind it only.
        let last = (to + STEP).min(text.len().saturating_sub(2));
        let mut see = |at: usize, bits: u8| {
            if bits & NUMERAL != 0 && at < to {
                numerals.push(at);
            }
            let mut offsets = bits & (NUMERAL - 1);
            while offsets != 0 {
                let start = at.wrapping_sub(offsets.trailing_zeros() as usize);
                offsets &= offsets - 1;
                if start >= from
                    && start < to
                    && let Some(head) = text.get(start..).and_then(head)
                    && self.heads[head / 64] >> (head % 64) & 1 == 1
                    && let Some(mention) = self.word_at(text, start, head)
                {
                    mentions.push(mention);
                }
            }
        };
        while at + 36 <= last {
            // Eight blocks at a time, for hits are few.
            let Some(window) = text[at..].first_chunk::<36>() else {
                break;
            };
            let mut bits = [0_u8; 8];
            for (block, bits) in bits.iter_mut().enumerate() {
                let bytes = u32::from_le_bytes([
                    window[block * 4],
                    window[block * 4 + 1],
                    window[block * 4 + 2],
                    window[block * 4 + 3],
                ]);
                *bits = self.filter[hash(bytes)];
            }
            let mut any = u64::from_le_bytes(bits);
            while any != 0 {
                let block = any.trailing_zeros() as usize / 8;
                see(at + block * STEP, bits[block]);
                any &= !(0xFF << (block * 8));
            }
            at += 32;
        }
        while at < last {
            see(at, self.filter[hash_at(text, at)]);
            at += STEP;
        }
        mentions[first..].sort_unstable_by_key(|mention| mention.start);
    }

    /// The longest word that begins at `start`, given the hash of its head.
    fn word_at(&self, text: &[u8], start: usize, head: usize) -> Option<Mention> {
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
    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<(usize, usize)> {
        let words = Words::new((0..).zip(words).map(|(n, word)| (*word, n)), "");
        let mut mentions = Vec::new();
        words.find(
            text.as_bytes(),
            0,
            text.len(),
            &mut mentions,
            &mut Vec::new(),
        );
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
                let mut spots = Vec::new();
                words.find(text.as_bytes(), 0, text.len(), &mut Vec::new(), &mut spots);
                assert!(!spots.is_empty(), "{number} behind {pad}");
            }
        }
    }
}
