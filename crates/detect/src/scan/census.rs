//! What a block of 64 bytes holds, counted without branches.
//!
//! A block that holds too little of everything is passed over. Blocks begin at
//! multiples of 64 from the beginning of the text, so that nothing depends on
//! how the text arrived. All counts of a block are sums of one loop over its
//! bytes, which becomes vector instructions of the widest sort that the
//! processor has.

use pulp::{Arch, Simd, WithSimd};

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// Letters and digits in a row that are worth a look of their own.
pub(super) const LONG_RUN: usize = 15;

/// Bytes that are looked at beyond a block: for characters and runs that begin in it.
const BEYOND: usize = LONG_RUN + 1;

/// What a byte may be, as bits: a digit of ASCII or of full width.
pub(super) const DIGIT: u8 = 1;
/// A circled, raised or mathematical digit, or what begins like one.
pub(super) const ODD: u8 = 2;
/// An asterisk, or what begins like another mask.
pub(super) const MASK: u8 = 4;
/// `@`, half or full width.
pub(super) const AT: u8 = 8;
/// A sign behind a key: `:`, `=`, `>` or `：`.
pub(super) const KEY: u8 = 16;
/// A colon or a hyphen, which addresses of devices have.
pub(super) const JOINT: u8 = 32;
/// The last byte of a character with a Latin letter, or a space and one, behind it.
pub(super) const AFTER: u8 = 64;
/// A letter or digit of ASCII.
const LATIN: u8 = 128;

/// Counts over one block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Digits of ASCII and of full width.
    pub(super) digits: u8,
    /// Circled, raised and mathematical digits, or what begins like them.
    pub(super) odd: u8,
    /// Asterisks and what begins like another mask.
    pub(super) masks: u8,
    /// Not zero: `@`, half or full width.
    pub(super) ats: u8,
    /// Not zero: signs behind a key: `:`, `=`, `>` and `：`.
    pub(super) keys: u8,
    /// Colons and hyphens, which addresses of devices have.
    pub(super) joints: u8,
    /// Not zero: Latin letters right behind a Chinese character, or a space behind one.
    pub(super) after_han: u8,
    /// Places at which a long run of letters and digits begins.
    pub(super) runs: u8,
}

type View = [u8; BLOCK + BEYOND];

/// Blocks with what their bytes may be.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) counts: Vec<Census>,
    /// The bits of every byte of every block.
    classes: Vec<[u8; BLOCK]>,
}

impl Survey {
    /// Looks at the blocks that begin in `from..to`; the first begins at `from`.
    pub(super) fn take(&mut self, text: &[u8], from: usize, to: usize) {
        self.counts.clear();
        self.classes.clear();
        Arch::new().dispatch(Look {
            text,
            from,
            to,
            survey: self,
        });
    }

    /// The places in block `block` whose byte has `bit`, counted from its beginning.
    pub(super) fn places(&self, block: usize, bit: u8) -> Places<'_> {
        Places {
            words: self.classes[block].as_chunks().0,
            bit: u64::from_ne_bytes([bit; 8]),
            word: 0,
            rest: None,
        }
    }
}

/// Places of a block, in order.
#[derive(Debug)]
pub(super) struct Places<'c> {
    words: &'c [[u8; 8]],
    bit: u64,
    word: usize,
    rest: Option<u64>,
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            let rest = match self.rest {
                Some(rest) => rest,
                None => u64::from_le_bytes(*self.words.get(self.word)?) & self.bit,
            };
            if rest != 0 {
                self.rest = Some(rest & (rest - 1));
                return Some(self.word * 8 + rest.trailing_zeros() as usize / 8);
            }
            self.rest = None;
            self.word += 1;
        }
    }
}

/// A look at blocks, compiled once for each sort of processor.
struct Look<'t> {
    text: &'t [u8],
    from: usize,
    to: usize,
    survey: &'t mut Survey,
}

impl WithSimd for Look<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut at = self.from;
        while at < self.to {
            let view = self.text.get(at..).and_then(<[u8]>::first_chunk);
            let (classes, census) = match view {
                Some(view) => over(view),
                None => at_end(self.text, at),
            };
            self.survey.classes.push(classes);
            self.survey.counts.push(census);
            at += BLOCK;
        }
    }
}

/// Looks at a block near the end of the text, beyond which there are zeros.
fn at_end(text: &[u8], at: usize) -> ([u8; BLOCK], Census) {
    let mut view = [0; BLOCK + BEYOND];
    let rest = text.get(at..).unwrap_or(&[]);
    let rest = &rest[..rest.len().min(view.len())];
    view[..rest.len()].copy_from_slice(rest);
    over(&view)
}

#[inline(always)]
fn over(view: &View) -> ([u8; BLOCK], Census) {
    let mut classes = [0_u8; BLOCK];
    for at in 0..BLOCK {
        classes[at] = class(view[at], view[at + 1], view[at + 2]);
    }
    let any = classes.iter().fold(0, |any, class| any | class);
    let count = |bit: u8| match any & bit {
        0 => 0,
        // A sum over all, and no early end, so that many are added at once.
        _ => classes
            .iter()
            .fold(0_u8, |sum, class| sum + u8::from(class & bit != 0)),
    };
    let census = Census {
        digits: count(DIGIT),
        odd: count(ODD),
        masks: count(MASK),
        ats: any & AT,
        keys: any & KEY,
        joints: count(JOINT),
        after_han: any & AFTER,
        runs: if any & LATIN == 0 { 0 } else { runs(view) },
    };
    (classes, census)
}

/// The bits of the byte `a`, given the two behind it.
#[inline(always)]
fn class(a: u8, b: u8, c: u8) -> u8 {
    let bit = |yes: bool, bit: u8| if yes { bit } else { 0 };
    let latin = |x: u8| (x | 0x20).wrapping_sub(b'a') < 26;
    let digit = a.wrapping_sub(b'0') < 10;
    // Forms of full width: EF BC 81 to BF, EF BD 80 on.
    let full = (a == 0xEF) & (b == 0xBC);
    let geometric = a == 0xE2;
    let odd = (geometric
        & ((b.wrapping_sub(0x81) < 2) | (b.wrapping_sub(0x91) < 3) | (b.wrapping_sub(0x9D) < 2)))
        | (a == 0xF0)
        | ((a == 0xC2) & ((b.wrapping_sub(0xB2) < 2) | (b == 0xB9)));
    let mask = (a == b'*')
        | (full & (c == 0x8A))
        | (geometric & (b.wrapping_sub(0x96) < 2))
        | ((a == 0xC3) & (b == 0x97));
    let colon = a == b':';
    let key = colon | (a == b'=') | (a == b'>') | (full & (c == 0x9A));
    let after = ((a >= 0x80) & (latin(b) | ((b == b' ') & latin(c))))
        | (full & (c.wrapping_sub(0xA1) < 26))
        | ((a == 0xEF) & (b == 0xBD) & (c.wrapping_sub(0x81) < 26));
    bit(digit | (full & (c.wrapping_sub(0x90) < 10)), DIGIT)
        | bit(odd, ODD)
        | bit(mask, MASK)
        | bit((a == b'@') | (full & (c == 0xA0)), AT)
        | bit(key, KEY)
        | bit(colon | (a == b'-'), JOINT)
        | bit(after, AFTER)
        | bit(latin(a) | digit, LATIN)
}

/// How many places have [`LONG_RUN`] letters and digits from there on.
#[inline(always)]
fn runs(view: &View) -> u8 {
    let mut run = [0_u8; BLOCK + BEYOND];
    for at in 0..BLOCK + BEYOND {
        let a = view[at];
        run[at] = u8::from(((a | 0x20).wrapping_sub(b'a') < 26) | (a.wrapping_sub(b'0') < 10));
    }
    // One, two, four, eight in a row; what lies beyond the view is no longer asked.
    for step in [1, 2, 4] {
        for at in 0..BLOCK + BEYOND - step {
            run[at] &= run[at + step];
        }
    }
    let mut count = 0;
    for at in 0..BLOCK {
        count += run[at] & run[at + LONG_RUN - 8];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Census {
        let mut survey = Survey::default();
        survey.take(text.as_bytes(), 0, BLOCK);
        assert_eq!(survey.counts.len(), 1);
        survey.counts[0]
    }

    #[test]
    fn blocks_are_counted() {
        let census = first("电话 138＊＊＊＊8000 ０１①² a@b：c=d\n京A京 B");
        assert_eq!((census.digits, census.odd), (9, 2));
        assert_eq!(census.masks, 4);
        assert!(census.ats > 0 && census.keys > 0 && census.after_han > 0);
        assert_eq!(first(""), Census::default());
    }

    #[test]
    fn places_are_told_in_order() {
        let mut survey = Survey::default();
        survey.take("a1:２@22".as_bytes(), 0, BLOCK);
        assert_eq!(survey.places(0, DIGIT).collect::<Vec<_>>(), [1, 3, 7, 8]);
        assert_eq!(survey.places(0, KEY).collect::<Vec<_>>(), [2]);
        assert_eq!(survey.places(0, MASK).count(), 0);
    }

    #[test]
    fn long_runs_are_counted_across_blocks() {
        let rows = [(14, 0, 0), (15, 0, 1), (21, 0, 7), (15, 60, 1), (15, 64, 0)];
        for (len, pad, expected) in rows {
            let text = format!(
                "{}{}{}",
                " ".repeat(pad),
                "a1".repeat(20).split_at(len).0,
                " ".repeat(99)
            );
            assert_eq!(first(&text).runs, expected, "{len} behind {pad}");
        }
    }
}
