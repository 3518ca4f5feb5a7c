//! What the blocks of 64 bytes of a text hold, as masks with a bit for each byte.
//!
//! One look at a block answers where its digits, signs and letters are; a block
//! with too little of everything is passed over. Blocks begin at multiples of 64 from the beginning of the text, so that
//! nothing depends on how the text arrived. The look is written once, over an
//! interface of four operations, for AVX-512, AVX2 and plain code; all agree.

use super::words::Numerals;

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
    /// Further signs behind a label: `是`, `为`, `|`, a tab, `<` and their like.
    pub(super) signs: u64,
    /// Last bytes of Chinese and other characters with ASCII behind them.
    pub(super) leaves: u64,
    /// Colons and hyphens between hexadecimal digits, as addresses of devices have.
    pub(super) joints: u64,
    /// Last bytes of characters with a Latin letter, or a space and one, behind
    /// them, and letters of full width.
    pub(super) after_han: u64,
    /// Places from which a long run of letters and digits goes on.
    pub(super) runs: u64,
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
    /// Numerals, in order, since they were last taken: of seven in a row, one at least.
    pub(super) numerals: Vec<usize>,
}

impl Survey {
    /// Looks at the blocks up to `to` that were not looked at yet.
    pub(super) fn reach(&mut self, text: &[u8], to: usize, numerals: &Numerals) {
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

    /// The block that begins at `at`; an empty one where none was looked at.
    pub(super) fn block(&self, at: usize) -> Block {
        let n = at.checked_sub(self.start).map(|bytes| bytes / BLOCK);
        n.and_then(|n| self.blocks.get(n))
            .copied()
            .unwrap_or_default()
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

/// Sixty-four bytes at once.
trait Lanes: Copy {
    /// The bytes of a block.
    type Bytes: Copy;
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes;
    /// Where `value` stands.
    fn is(self, bytes: Self::Bytes, value: u8) -> u64;
    /// Where one of the `count` values from `first` on stands.
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64;
    /// The bytes with capitals made small, and other bytes changed.
    fn small(self, bytes: Self::Bytes) -> Self::Bytes;
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V4 {
    type Bytes = pulp::u8x64;

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        pulp::cast(*bytes)
    }

    #[inline(always)]
    fn is(self, bytes: Self::Bytes, value: u8) -> u64 {
        self.cmp_eq_u8x64(bytes, self.splat_u8x64(value)).0
    }

    #[inline(always)]
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64 {
        let from = self.wrapping_sub_u8x64(bytes, self.splat_u8x64(first));
        self.cmp_lt_u8x64(from, self.splat_u8x64(count)).0
    }

    #[inline(always)]
    fn small(self, bytes: Self::Bytes) -> Self::Bytes {
        self.or_u8x64(bytes, self.splat_u8x64(0x20))
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V3 {
    type Bytes = [pulp::u8x32; 2];

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        pulp::cast(*bytes)
    }

    #[inline(always)]
    fn is(self, bytes: Self::Bytes, value: u8) -> u64 {
        let value = self.splat_u8x32(value);
        join(bytes.map(|half| bits(self, self.cmp_eq_u8x32(half, value))))
    }

    #[inline(always)]
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64 {
        let (first, last) = (self.splat_u8x32(first), self.splat_u8x32(count - 1));
        join(bytes.map(|half| {
            let from = self.wrapping_sub_u8x32(half, first);
            bits(self, self.cmp_eq_u8x32(self.min_u8x32(from, last), from))
        }))
    }

    #[inline(always)]
    fn small(self, bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|half| self.or_u8x32(half, self.splat_u8x32(0x20)))
    }
}

/// The highest bit of every byte.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bits(v3: pulp::x86::V3, mask: pulp::m8x32) -> u32 {
    v3.avx2._mm256_movemask_epi8(pulp::cast(mask)).cast_unsigned()
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn join(halves: [u32; 2]) -> u64 {
    u64::from(halves[0]) | u64::from(halves[1]) << 32
}

/// Any processor.
#[derive(Clone, Copy)]
struct Plain;

impl Plain {
    #[inline(always)]
    fn every(bytes: [u8; BLOCK], test: impl Fn(u8) -> bool) -> u64 {
        let bit = |(at, byte): (usize, &u8)| u64::from(test(*byte)) << at;
        bytes.iter().enumerate().map(bit).fold(0, |mask, bit| mask | bit)
    }
}

impl Lanes for Plain {
    type Bytes = [u8; BLOCK];

    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> Self::Bytes {
        *bytes
    }

    #[inline(always)]
    fn is(self, bytes: Self::Bytes, value: u8) -> u64 {
        Plain::every(bytes, |byte| byte == value)
    }

    #[inline(always)]
    fn within(self, bytes: Self::Bytes, first: u8, count: u8) -> u64 {
        Plain::every(bytes, |byte| byte.wrapping_sub(first) < count)
    }

    #[inline(always)]
    fn small(self, bytes: Self::Bytes) -> Self::Bytes {
        bytes.map(|byte| byte | 0x20)
    }
}

/// A look at blocks, compiled once for each sort of processor.
struct Look<'t> {
    text: &'t [u8],
    to: usize,
    numerals: &'t Numerals,
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
    #[inline(always)]
    fn over<L: Lanes>(self, lanes: L) {
        let mut at = self.survey.end();
        while at < self.to {
            let mut end = [0; BLOCK + BEYOND];
            let view: &View = match self.text.get(at..).and_then(<[u8]>::first_chunk) {
                Some(view) => view,
                None => {
                    // Beyond the text there are zeros.
                    let rest = self.text.get(at..).unwrap_or(&[]);
                    let rest = &rest[..rest.len().min(end.len())];
                    end[..rest.len()].copy_from_slice(rest);
                    &end
                }
            };
            let (block, leads) = look(lanes, view);
            if leads != 0 {
                self.numerals
                    .sample(view, leads, at, &mut self.survey.numerals);
            }
            self.survey.blocks.push(block);
            at += BLOCK;
        }
    }
}

/// What a block holds, and where characters of several bytes begin.
#[inline(always)]
fn look<L: Lanes>(lanes: L, view: &View) -> (Block, u64) {
    let [v0, v1, v2] = [0, 1, 2].map(|from| {
        let bytes: &[u8; BLOCK] = view[from..].first_chunk().unwrap_or(&[0; BLOCK]);
        lanes.load(bytes)
    });
    let small = lanes.small(v0);
    let numbers = lanes.within(v0, b'0', 10);
    let letters = lanes.within(small, b'a', 26);
    let high = lanes.within(v0, 0x80, 0x80);
    let leads = lanes.within(v0, 0xC0, 0x40);
    let mut block = Block {
        digits: numbers,
        letters,
        masks: lanes.is(v0, b'*'),
        ats: lanes.is(v0, b'@'),
        ..Block::default()
    };
    let colons = lanes.is(v0, b':');
    block.keys = colons | lanes.is(v0, b'=') | lanes.is(v0, b'>');
    block.signs = lanes.is(v0, b'<') | lanes.is(v0, b'|') | lanes.is(v0, b'\t');
    // The bytes beyond the block, as bits behind its last.
    let is_letter = |at: usize| u64::from(view[at].is_ascii_alphabetic());
    let next = letters >> 1 | is_letter(BLOCK) << 63;
    let over_next = letters >> 2 | is_letter(BLOCK) << 62 | is_letter(BLOCK + 1) << 63;
    if high != 0 {
        block.after_han = high & (next | lanes.is(v1, b' ') & over_next);
        block.leaves = high & !(high >> 1 | u64::from(view[BLOCK] >= 0x80) << 63);
        wide(lanes, [v0, v1, v2], &mut block);
    }
    let joints = colons | lanes.is(v0, b'-');
    if joints != 0 {
        // A hexadecimal digit or the like on either side.
        let part = numbers | lanes.within(small, b'a', 6) | joints;
        let first = matches!(view[BLOCK], b'0'..=b'9' | b'A'..=b'F' | b'a'..=b'f' | b':' | b'-');
        block.joints = joints & (part >> 1 | u64::from(first) << 63) & (part << 1 | 1);
    }
    let word = letters | numbers;
    block.runs = runs(word, view);
    block.counts = Counts {
        digits: count(block.digits),
        odd: count(block.odd),
        masks: count(block.masks),
        joints: count(block.joints),
    };
    (block, leads)
}

#[inline(always)]
fn count(mask: u64) -> u8 {
    // 64 at most.
    mask.count_ones().to_le_bytes()[0]
}

/// Signs and digits of full width, circled and raised digits, masks.
#[inline(always)]
fn wide<L: Lanes>(lanes: L, [v0, v1, v2]: [L::Bytes; 3], block: &mut Block) {
    let three = |a: u8, b: u8, c: u8| lanes.is(v0, a) & lanes.is(v1, b) & lanes.is(v2, c);
    // 是 and 为.
    block.signs |= three(0xE6, 0x98, 0xAF) | three(0xE4, 0xB8, 0xBA);
    // EF BC 81 to BF, EF BD 80 on; the commonest by far is the comma, EF BC 8C.
    let full = lanes.is(v0, 0xEF);
    if full != 0 {
        let first = full & lanes.is(v1, 0xBC);
        let letters = first & lanes.within(v2, 0xA1, 26);
        block.digits |= first & lanes.within(v2, 0x90, 10);
        block.masks |= first & lanes.is(v2, 0x8A);
        block.keys |= first & lanes.is(v2, 0x9A);
        block.ats |= first & lanes.is(v2, 0xA0);
        // ＝, ︰ and ﹕.
        block.signs |= first & lanes.is(v2, 0x9D)
            | full & lanes.is(v1, 0xB8) & lanes.is(v2, 0xB0)
            | full & lanes.is(v1, 0xB9) & lanes.is(v2, 0x95);
        block.after_han |=
            letters | full & lanes.is(v1, 0xBD) & lanes.within(v2, 0x81, 26);
    }
    let geometric = lanes.is(v0, 0xE2) & !lanes.is(v1, 0x80);
    if geometric != 0 {
        block.odd |= geometric
            & (lanes.within(v1, 0x81, 2) | lanes.within(v1, 0x91, 3) | lanes.within(v1, 0x9D, 2));
        block.masks |= geometric & lanes.within(v1, 0x96, 2);
        // →
        block.signs |= geometric & lanes.is(v1, 0x86) & lanes.is(v2, 0x92);
    }
    let rare = lanes.within(v0, 0xC2, 2) | lanes.is(v0, 0xF0);
    if rare != 0 {
        block.odd |= lanes.is(v0, 0xF0)
            | lanes.is(v0, 0xC2) & (lanes.within(v1, 0xB2, 2) | lanes.is(v1, 0xB9));
        block.masks |= lanes.is(v0, 0xC3) & lanes.is(v1, 0x97);
    }
}

/// Places that have [`LONG_RUN`] letters and digits from there on.
#[inline(always)]
fn runs(word: u64, view: &View) -> u64 {
    // Every run that is long enough crosses one of these.
    const MARKS: u64 = 1 << 14 | 1 << 29 | 1 << 44 | 1 << 59 | 1 << 63;
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
        survey.reach(text.as_bytes(), BLOCK, &Numerals::default());
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
            assert_eq!(first(&text).runs.count_ones(), expected, "{len} behind {pad}");
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
        let text = "手机１３８-00：a=b>c*＊●×①²𝟕ｘ３c:22:FB，“号”京A8 Ｂ wxid_abcdefghijklmnop 完。".repeat(9);
        for from in (0..text.len() - BLOCK - BEYOND).filter(|at| text.is_char_boundary(*at)) {
            let view: &View = text.as_bytes()[from..].first_chunk().unwrap();
            let plain = look(Plain, view);
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(look(v3, view), plain);
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                assert_eq!(look(v4, view), plain);
            }
        }
    }
}
