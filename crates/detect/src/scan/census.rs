//! What the blocks of 64 bytes of a text hold, as masks with a bit for each byte.
//!
//! One look at a block answers where its digits, signs and letters are; a block
//! with too little of everything is passed over. Blocks begin at multiples of 64 from the beginning of the text, so that
//! nothing depends on how the text arrived.

use super::lanes::{Lanes, Plain};
use super::words::Characters;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// Letters and digits in a row that are worth a look of their own.
pub(super) const LONG_RUN: usize = 15;

/// Bytes that are looked at beyond a block: for what begins in it.
const BEYOND: usize = 16;

type View = [u8; BLOCK + BEYOND];

/// What one block holds; bit 0 is its first byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// Digits of ASCII and first bytes of digits of full width.
    pub(super) digits: u64,
    /// Letters of ASCII.
    pub(super) letters: u64,
    /// Circled, raised and mathematical digits, or what begins like one.
    pub(super) odd: u64,
    /// Asterisks and what begins like another mask.
    pub(super) masks: u64,
    /// `@`, half or full width.
    pub(super) ats: u64,
    /// Signs behind a key: `:`, `=`, `>` and `：`.
    pub(super) keys: u64,
    /// Further signs behind a label: `是`, `为`, `|`, a tab, `<`, ` is ` and their like.
    pub(super) signs: u64,
    /// Last bytes of Chinese and other characters with ASCII behind them.
    pub(super) leaves: u64,
    /// Colons and hyphens between hexadecimal digits, as addresses of devices have.
    pub(super) joints: u64,
    /// Last bytes of characters with a Latin letter, or a space and one, behind
    /// them, and letters of full width.
    pub(super) after_han: u64,
    /// Where one of a few spellings may stand that cannot be anything else.
    pub(super) literals: u64,
    /// Places from which a long run of letters and digits goes on.
    pub(super) runs: u64,
    /// Bytes of other characters than ASCII.
    high: u64,
    /// Their first bytes.
    leads: u64,
    /// Where a word may begin: first bytes of characters, of words and of numbers.
    pub(super) starts: u64,
    /// Some of them begin like signs and digits that are seldom seen.
    unusual: bool,
    /// Anything but letters and digits was seen.
    pub(super) rest: bool,
    /// How many digits, odd digits, masks and joints there are.
    pub(super) counts: Counts,
}

/// How many of something a block holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) digits: u8,
    pub(super) odd: u8,
    pub(super) masks: u8,
    pub(super) joints: u8,
}

/// Blocks of a stretch of text, and where numerals stand in it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Where the first block begins.
    start: usize,
    blocks: Vec<Block>,
    /// Characters, in order, since they were last taken: of seven in a row, one at least.
    pub(super) numerals: Vec<usize>,
}

impl Survey {
    /// Looks at the blocks up to `to` that were not looked at yet.
    pub(super) fn reach(&mut self, text: &[u8], to: usize, numerals: &Characters) {
        let look = Look {
            text,
            to,
            numerals,
            survey: self,
        };
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v4) = pulp::x86::V4::try_new() {
                return v4.vectorize(Over(v4, look));
            }
            if let Some(v3) = pulp::x86::V3::try_new() {
                return v3.vectorize(Over(v3, look));
            }
        }
        look.over(Plain);
    }

    /// The block that begins at `at`; none where none was looked at.
    #[inline]
    pub(super) fn block(&self, at: usize) -> Option<&Block> {
        self.blocks.get(at.checked_sub(self.start)? / BLOCK)
    }

    /// Where the blocks that were looked at end.
    fn end(&self) -> usize {
        self.start + self.blocks.len() * BLOCK
    }

    /// Blocks before `at` are needed no more.
    pub(super) fn forget(&mut self, at: usize) {
        let gone = (at.saturating_sub(self.start) / BLOCK).min(self.blocks.len());
        self.blocks.drain(..gone);
        self.start += gone * BLOCK;
    }

    /// The first `bytes` of the buffer are gone.
    pub(super) fn shift(&mut self, bytes: usize) {
        self.forget(bytes);
        self.start = self.start.saturating_sub(bytes);
        for numeral in &mut self.numerals {
            *numeral = numeral.saturating_sub(bytes);
        }
    }

    /// Ready for another text.
    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.blocks.clear();
        self.numerals.clear();
    }
}

/// The places of the bits of `mask`, in order, counted from `at`.
pub(super) fn each(mask: u64, at: usize) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let place = at + rest.trailing_zeros() as usize;
        (rest != 0).then(|| {
            rest &= rest - 1;
            place
        })
    })
}

/// A look at blocks, compiled once for each sort of processor.
struct Look<'t> {
    text: &'t [u8],
    to: usize,
    numerals: &'t Characters,
    survey: &'t mut Survey,
}

#[cfg(target_arch = "x86_64")]
struct Over<'t, L>(L, Look<'t>);

#[cfg(target_arch = "x86_64")]
impl<L: Lanes> pulp::NullaryFnOnce for Over<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.1.over(self.0);
    }
}

impl Look<'_> {
    /// Some rounds over the blocks, those with wide instructions without a branch
    /// within a block: across branches the compiler takes masks apart.
    #[inline(always)]
    fn over<L: Lanes>(self, lanes: L) {
        let Look {
            text, to, survey, ..
        } = self;
        let mut room = [0; BLOCK + BEYOND];
        let first = survey.blocks.len();
        let start = survey.end();
        let more = to.saturating_sub(start).div_ceil(BLOCK);
        survey.blocks.resize(first + more, Block::default());
        let new = &mut survey.blocks[first..];
        for (n, block) in new.iter_mut().enumerate() {
            let at = start + n * BLOCK;
            *block = narrow(Seen::of(lanes, view(text, at, &mut room)));
        }
        for (n, block) in new.iter_mut().enumerate().filter(|(_, b)| b.high != 0) {
            let at = start + n * BLOCK;
            wide(Seen::of(lanes, view(text, at, &mut room)), block);
        }
        for (n, block) in new.iter_mut().enumerate().filter(|(_, b)| b.unusual) {
            let view = view(text, start + n * BLOCK, &mut room);
            unusual(Seen::of(lanes, view), block);
        }
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        let mut before = before.copied().unwrap_or(0);
        for (n, block) in new.iter_mut().enumerate() {
            let at = start + n * BLOCK;
            let view = view(text, at, &mut room);
            block.finish(view, before);
            before = view[BLOCK - 1];
            if block.leads != 0 {
                let found = &mut survey.numerals;
                self.numerals.sample(view, block.leads, at, found);
            }
        }
    }
}

/// The block at `at` and what lies beyond it; beyond the text there are zeros.
#[inline(always)]
fn view<'t>(text: &'t [u8], at: usize, room: &'t mut View) -> &'t View {
    let rest = text.get(at..).unwrap_or(&[]);
    if let Some(view) = rest.first_chunk() {
        return view;
    }
    *room = [0; BLOCK + BEYOND];
    let rest = &rest[..rest.len().min(room.len())];
    room[..rest.len()].copy_from_slice(rest);
    room
}

/// A block, and the same one and two bytes further on.
#[derive(Clone, Copy)]
struct Seen<'v, L: Lanes> {
    lanes: L,
    view: &'v View,
    v0: L::Bytes,
    v1: L::Bytes,
    v2: L::Bytes,
}

impl<'v, L: Lanes> Seen<'v, L> {
    #[inline(always)]
    fn of(lanes: L, view: &'v View) -> Seen<'v, L> {
        let part = |from: usize| view[from..].first_chunk().unwrap_or(&[0; BLOCK]);
        Seen {
            lanes,
            view,
            v0: lanes.load(part(0)),
            v1: lanes.load(part(1)),
            v2: lanes.load(part(2)),
        }
    }

    /// Where three bytes stand in a row.
    #[inline(always)]
    fn three(self, [a, b, c]: [u8; 3]) -> u64 {
        let lanes = self.lanes;
        lanes.is(self.v0, a) & lanes.is(self.v1, b) & lanes.is(self.v2, c)
    }
}

/// What ASCII a block holds.
#[inline(always)]
fn narrow<L: Lanes>(seen: Seen<'_, L>) -> Block {
    let Seen {
        lanes, view, v0, ..
    } = seen;
    let small = lanes.small(v0);
    let numbers = lanes.within(v0, b'0', 10);
    let letters = lanes.within(small, b'a', 26);
    let colons = lanes.is(v0, b':');
    let joints = colons | lanes.is(v0, b'-');
    // A hexadecimal digit or the like on either side.
    let part = numbers | lanes.within(small, b'a', 6) | joints;
    let first = matches!(view[BLOCK], b'0'..=b'9' | b'A'..=b'F' | b'a'..=b'f' | b':' | b'-');
    Block {
        digits: numbers,
        letters,
        high: lanes.within(v0, 0x80, 0x80),
        masks: lanes.is(v0, b'*'),
        ats: lanes.is(v0, b'@'),
        keys: colons | lanes.is(v0, b'=') | lanes.is(v0, b'>'),
        signs: lanes.is(v0, b'<') | lanes.is(v0, b'|') | lanes.is(v0, b'\t') | seen.three(*b" is"),
        literals: seen.three(*b"xid") | seen.three(*b".me"),
        joints: joints & (part >> 1 | u64::from(first) << 63) & (part << 1 | 1),
        ..Block::default()
    }
}

/// What else a block with other characters than ASCII holds.
#[inline(always)]
fn wide<L: Lanes>(seen: Seen<'_, L>, block: &mut Block) {
    let Seen {
        lanes,
        view,
        v0,
        v1,
        v2,
    } = seen;
    // The bytes beyond the block, as bits behind its last.
    let is_letter = |at: usize| u64::from(view[at].is_ascii_alphabetic());
    let next = block.letters >> 1 | is_letter(BLOCK) << 63;
    let over_next = block.letters >> 2 | is_letter(BLOCK) << 62 | is_letter(BLOCK + 1) << 63;
    block.leaves = block.high & !(block.high >> 1 | u64::from(view[BLOCK] >= 0x80) << 63);
    // EF BC 81 to BF, EF BD 80 on; the commonest by far is the comma, EF BC 8C.
    let full = lanes.is(v0, 0xEF);
    let first = full & lanes.is(v1, 0xBC);
    let letters =
        first & lanes.within(v2, 0xA1, 26) | full & lanes.is(v1, 0xBD) & lanes.within(v2, 0x81, 26);
    block.after_han = block.high & (next | lanes.is(v1, b' ') & over_next) | letters;
    block.digits |= first & lanes.within(v2, 0x90, 10);
    block.masks |= first & lanes.is(v2, 0x8A);
    block.keys |= first & lanes.is(v2, 0x9A);
    block.ats |= first & lanes.is(v2, 0xA0);
    // 是, 为, ＝, ︰ and ﹕.
    block.signs |= seen.three([0xE6, 0x98, 0xAF])
        | seen.three([0xE4, 0xB8, 0xBA])
        | first & lanes.is(v2, 0x9D)
        | full & lanes.is(v1, 0xB8) & lanes.is(v2, 0xB0)
        | full & lanes.is(v1, 0xB9) & lanes.is(v2, 0x95);
    // 字 and 日.
    block.literals |= seen.three([0xE5, 0xAD, 0x97]) | seen.three([0xE6, 0x97, 0xA5]);
    let geometric = lanes.is(v0, 0xE2) & !lanes.is(v1, 0x80);
    block.unusual = geometric | lanes.within(v0, 0xC2, 2) | lanes.is(v0, 0xF0) != 0;
    block.leads = lanes.within(v0, 0xC0, 0x40);
}

/// Circled, raised and mathematical digits, masks, arrows.
#[inline(always)]
fn unusual<L: Lanes>(seen: Seen<'_, L>, block: &mut Block) {
    let Seen {
        lanes, v0, v1, v2, ..
    } = seen;
    let geometric = lanes.is(v0, 0xE2);
    block.odd = geometric
        & (lanes.within(v1, 0x81, 2) | lanes.within(v1, 0x91, 3) | lanes.within(v1, 0x9D, 2))
        | lanes.is(v0, 0xF0)
        | lanes.is(v0, 0xC2) & (lanes.within(v1, 0xB2, 2) | lanes.is(v1, 0xB9));
    block.masks |= geometric & lanes.within(v1, 0x96, 2) | lanes.is(v0, 0xC3) & lanes.is(v1, 0x97);
    // →
    block.signs |= geometric & lanes.is(v1, 0x86) & lanes.is(v2, 0x92);
}

impl Block {
    /// Counts what is there.
    #[inline(always)]
    fn finish(&mut self, view: &View, before: u8) {
        self.runs = runs(self, view);
        let numbers = self.digits & !self.high;
        let behind_letter = self.letters << 1 | u64::from(before.is_ascii_alphabetic());
        let behind_number = numbers << 1 | u64::from(before.is_ascii_digit());
        self.starts =
            self.leads | self.letters & !behind_letter | numbers & !(behind_letter | behind_number);
        let signs = self.keys | self.signs | self.leaves | self.after_han | self.literals;
        let others = self.odd | self.masks | self.ats | self.joints | self.runs;
        self.rest = (signs | others) != 0;
        // 64 at most.
        let count = |mask: u64| mask.count_ones().to_le_bytes()[0];
        self.counts = Counts {
            digits: count(self.digits),
            odd: count(self.odd),
            masks: count(self.masks),
            joints: count(self.joints),
        };
    }
}

/// Places that have [`LONG_RUN`] letters and digits from there on.
#[inline(always)]
fn runs(block: &Block, view: &View) -> u64 {
    // Every run that is long enough crosses one of these.
    const MARKS: u64 = 1 << 14 | 1 << 29 | 1 << 44 | 1 << 59 | 1 << 63;
    // Digits of full width stand apart by their second byte.
    let word = block.letters | block.digits & !block.high;
    if word & MARKS == 0 {
        return 0;
    }
    let mut run = u128::from(word);
    for (at, byte) in view[BLOCK..].iter().enumerate() {
        run |= u128::from(byte.is_ascii_alphanumeric()) << (BLOCK + at);
    }
    // Two, four, eight, fifteen in a row.
    for step in [1, 2, 4, LONG_RUN - 8] {
        run &= run >> step;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the block's own bits")]
    let block = run as u64;
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Block {
        let mut survey = Survey::default();
        survey.reach(text.as_bytes(), BLOCK, &Characters::default());
        assert_eq!(survey.blocks.len(), 1);
        survey.blocks[0]
    }

    fn at(mask: u64) -> Vec<usize> {
        each(mask, 0).collect()
    }

    #[test]
    fn blocks_are_counted() {
        let block = first("电话 138＊＊＊＊8000 ０１①² a@b：c=d\n京A京 B");
        assert_eq!((block.counts.digits, block.counts.odd), (9, 2));
        assert_eq!(block.counts.masks, 4);
        assert!(block.ats > 0 && block.keys > 0 && block.after_han > 0);
        assert_eq!(first(""), Block::default());
    }

    #[test]
    fn places_are_told_in_order() {
        let block = first("a1:２@22");
        assert_eq!(at(block.digits), [1, 3, 7, 8]);
        assert_eq!(at(block.keys), [2]);
        assert_eq!(at(block.masks), []);
    }

    #[test]
    fn joints_stand_between_hexadecimal_digits() {
        assert_eq!(at(first("3c:22-FB x:1 a:z 2001::1").joints), [2, 5, 21, 22]);
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
            assert_eq!(
                first(&text).runs.count_ones(),
                expected,
                "{len} behind {pad}"
            );
        }
        for len in 15..30 {
            for pad in 0..64 {
                let text = format!("{}{}", " ".repeat(pad), "7".repeat(len));
                assert!(first(&text).runs >> pad & 1 == 1, "{len} behind {pad}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_processor_sees_the_same() {
        let text =
            "手机１３８-00：a=b>c*＊●×①²𝟕ｘ３c:22:FB，“号”京A8 Ｂ wxid_abcdefghijklmnop 完。"
                .repeat(9);
        for from in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let text = &text.as_bytes()[from..];
            let numerals = Characters::default();
            let seen = |over: &dyn Fn(Look<'_>)| {
                let mut survey = Survey::default();
                over(Look {
                    text,
                    to: text.len(),
                    numerals: &numerals,
                    survey: &mut survey,
                });
                survey.blocks
            };
            let plain = seen(&|look| look.over(Plain));
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(seen(&|look| v3.vectorize(Over(v3, look))), plain);
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                assert_eq!(seen(&|look| v4.vectorize(Over(v4, look))), plain);
            }
        }
    }
}
