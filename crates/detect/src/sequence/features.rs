//! Characters and n-grams as rows of small tables.
//!
//! Full-width ASCII reads as ASCII and capitals as small letters. A character
//! without a row of its own shares that of its class; an n-gram without one has
//! none, which is itself a sign that the words are rare.

/// Width of a character's row, as many as a layer has channels.
pub(super) const EMBED: usize = 128;
/// Width of an n-gram's row: bigrams add to the first half, trigrams to the second.
pub(super) const HALF: usize = 64;
/// Classes that come before the characters with rows of their own.
pub(super) const CLASSES: usize = 9;

const HAN: u16 = 1;
const LATIN: u16 = 2;
const KANA: u16 = 3;
const HANGUL: u16 = 4;
const SPACE: u16 = 5;
const DIGIT: u16 = 6;
const SYMBOL: u16 = 7;
const OTHER: u16 = 8;

/// The tables of the first step.
#[derive(Default)]
pub(super) struct Features {
    /// Row of every character of the basic plane.
    ids: Vec<u16>,
    /// Whether a row is that of a Han character.
    han: Vec<bool>,
    chars: Vec<i8>,
    bigrams: Grams,
    trigrams: Grams,
}

impl Features {
    /// `chars` lists the characters with rows of their own; tables are row by row.
    pub(super) fn new(chars: &[char], table: Vec<i8>, bigrams: Grams, trigrams: Grams) -> Self {
        let mut ids: Vec<u16> = (0..=0xFFFF_u32)
            .map(|code| class_of(fold(char::from_u32(code).unwrap_or('\u{FFFD}'))))
            .collect();
        let mut han: Vec<bool> = (0..CLASSES)
            .map(|class| class == usize::from(HAN))
            .collect();
        for (row, &c) in (CLASSES..).zip(chars) {
            let row = u16::try_from(row).unwrap_or(OTHER);
            for alias in [
                Some(c),
                widened(c),
                Some(c.to_ascii_uppercase()),
                widened(c.to_ascii_uppercase()),
            ] {
                let slot = alias.and_then(|a| usize::try_from(u32::from(a)).ok());
                if let Some(id) = slot.and_then(|s| ids.get_mut(s)) {
                    *id = row;
                }
            }
            han.push(class_of(c) == HAN);
        }
        Self {
            ids,
            han,
            chars: table,
            bigrams,
            trigrams,
        }
    }

    /// Row of a character; never 0, which stands for what lies outside the text.
    pub(super) fn id(&self, c: char) -> u16 {
        let code = u32::from(c);
        usize::try_from(code)
            .ok()
            .and_then(|i| self.ids.get(i))
            .copied()
            .unwrap_or_else(|| class_of(c))
    }

    /// Whether a row belongs to Han characters.
    pub(super) fn is_han(&self, id: u16) -> bool {
        self.han.get(usize::from(id)).copied().unwrap_or(false)
    }

    /// Writes what the first block sees of the character `id` between two others.
    #[inline(always)]
    pub(super) fn embed(
        &self,
        before: u16,
        id: u16,
        after: u16,
        scale: f32,
        out: &mut [f32; EMBED],
    ) {
        let none = [0_i8; EMBED];
        let at = usize::from(id) * EMBED;
        let own = self.chars.get(at..at + EMBED).unwrap_or(&none);
        let pair = u64::from(id) << 13 | u64::from(after);
        let two = self.bigrams.row(pair).unwrap_or(&[0; HALF]);
        let three = self
            .trigrams
            .row(u64::from(before) << 26 | pair)
            .unwrap_or(&[0; HALF]);
        // Two loops of fixed length, so that each becomes a few wide additions.
        let (own_two, own_three) = own.split_at(HALF);
        let (out_two, out_three) = out.split_at_mut(HALF);
        add(out_two, own_two, two, scale);
        add(out_three, own_three, three, scale);
    }
}

#[inline(always)]
fn add(out: &mut [f32], own: &[i8], gram: &[i8; HALF], scale: f32) {
    for ((o, &a), &b) in out.iter_mut().zip(own).zip(gram) {
        *o = f32::from(i16::from(a) + i16::from(b)) * scale;
    }
}

/// N-grams with rows of their own, found through a table of open addresses.
#[derive(Default)]
pub(super) struct Grams {
    /// High half: sixteen bits of the key's hash; low half: row plus one, 0 when free.
    slots: Vec<u32>,
    rows: Vec<i8>,
}

impl Grams {
    /// `keys` in the order of `rows`; at most 65,535 of them.
    pub(super) fn new(keys: &[u64], rows: Vec<i8>) -> Self {
        let mut slots = vec![0_u32; (keys.len() * 2).next_power_of_two().max(2)];
        let mask = slots.len() - 1;
        for (row, &key) in (1_u32..).zip(keys) {
            let hash = hash(key);
            let mut at = place(hash) & mask;
            while slots.get(at).is_some_and(|&s| s != 0) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = sign(hash) | (row & 0xFFFF);
            }
        }
        Self { slots, rows }
    }

    #[inline(always)]
    fn row(&self, key: u64) -> Option<&[i8; HALF]> {
        let hash = hash(key);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = place(hash) & mask;
        // Half of the slots are free, so the walk is short and always ends.
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 {
                return None;
            }
            if slot & 0xFFFF_0000 == sign(hash) {
                let start = usize::try_from((slot & 0xFFFF) - 1).ok()? * HALF;
                return self.rows.get(start..start + HALF)?.try_into().ok();
            }
            at = (at + 1) & mask;
        }
        None
    }
}

#[inline(always)]
fn hash(key: u64) -> u64 {
    // One round of splitmix64 spreads the keys, which are small and dense.
    let x = key
        .wrapping_add(0x9E37_79B9_7F4A_7C15)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}

#[inline(always)]
fn place(hash: u64) -> usize {
    usize::try_from((hash >> 40) & 0x00FF_FFFF).unwrap_or(0)
}

#[inline(always)]
fn sign(hash: u64) -> u32 {
    u32::try_from(hash & 0xFFFF).unwrap_or(0) << 16
}

/// One character as the features see it.
fn fold(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0)
            .unwrap_or(c)
            .to_ascii_lowercase(),
        _ => c.to_ascii_lowercase(),
    }
}

/// The full-width twin of an ASCII character.
fn widened(c: char) -> Option<char> {
    c.is_ascii_graphic()
        .then(|| char::from_u32(u32::from(c) + 0xFEE0))
        .flatten()
}

/// Class of a folded character.
fn class_of(c: char) -> u16 {
    match c {
        ' ' | '\t' | '\r' | '\n' | '\u{3000}' | '\u{A0}' => SPACE,
        '0'..='9' => DIGIT,
        '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => HAN,
        '\u{3040}'..='\u{30FF}' => KANA,
        '\u{AC00}'..='\u{D7AF}' => HANGUL,
        'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{370}'..='\u{4FF}' => LATIN,
        '\0'..='\u{33FF}' | '\u{1F000}'..='\u{1FAFF}' => SYMBOL,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_and_capitals_share_a_row() {
        let features = Features::new(
            &['a', ',', '王'],
            Vec::new(),
            Grams::default(),
            Grams::default(),
        );
        let rows = [
            ("aAａＡ", 9),
            (",，", 10),
            ("王", 11),
            ("０9", DIGIT),
            ("\u{3000} \t", SPACE),
            ("龘\u{20001}", HAN),
        ];
        for (chars, id) in rows {
            for c in chars.chars() {
                assert_eq!(features.id(c), id, "{c:?}");
            }
        }
        assert!(features.is_han(11) && !features.is_han(10));
    }

    #[test]
    fn grams_are_found_by_their_key() {
        let keys: Vec<u64> = (0..1000).map(|k| k * 8192 + 77).collect();
        let rows: Vec<i8> = (0..1000)
            .flat_map(|k: i32| [i8::try_from(k % 100).unwrap(); HALF])
            .collect();
        let grams = Grams::new(&keys, rows);
        for (k, &key) in keys.iter().enumerate() {
            assert_eq!(grams.row(key).unwrap()[0], i8::try_from(k % 100).unwrap());
        }
        assert!(grams.row(5).is_none());
        assert!(Grams::default().row(5).is_none());
    }
}
