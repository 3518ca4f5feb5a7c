//! Which encoding a text is in.
//!
//! Marks first (the byte order marks of Unicode and of GB 18030), then UTF-16 by where its zero
//! bytes lie, then UTF-8 by validity, then GB 18030 against its rivals by how common the
//! characters would be: GB 2312 orders its first level (rows 16 to 55) by use, and so does Big5
//! (rows 0xA4 to 0xC6), so text read in the wrong one falls outside its first level.
//! `chardetng` is asked only when the bytes make no sense as Chinese.
//!
//! Judging needs characters, and a file may begin with a million rows of digits: [`Evidence`] is
//! therefore gathered over the whole source until enough of them were seen.
//! Decoding belongs to `transcode`.

use std::io;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};
use memchr::memchr;

use crate::source::{Source, read_up_to};

/// An encoding of text, by its name in the WHATWG Encoding Standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(pub(crate) &'static Encoding);

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);
    /// UTF-16, little end first.
    pub const UTF_16LE: Self = Self(UTF_16LE);
    /// UTF-16, big end first.
    pub const UTF_16BE: Self = Self(UTF_16BE);
    /// GB 18030, of which GBK and GB 2312 are subsets.
    pub const GB18030: Self = Self(GB18030);
    /// Big5.
    pub const BIG5: Self = Self(BIG5);

    /// The encoding that a label such as `gbk` or `utf-8` names.
    pub fn parse(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(|encoding| {
            // GB 18030 decodes every GBK text alike and some that GBK does not.
            Self(if encoding == encoding_rs::GBK {
                GB18030
            } else {
                encoding
            })
        })
    }

    /// A text in this encoding, without a byte order mark; nothing when it has a character that the
    /// encoding has not.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        // The standard's encoders write UTF-8 where UTF-16 is asked for.
        if self == Self::UTF_16LE {
            return Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        }
        if self == Self::UTF_16BE {
            return Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        let (bytes, _, unmapped) = self.0.encode(text);
        (!unmapped).then(|| bytes.into_owned())
    }

    /// The byte order mark that a text begins with, in bytes; nothing when it has none.
    #[must_use]
    pub fn mark_of(bytes: &[u8]) -> &[u8] {
        by_mark(bytes).map_or(&[], |(_, length)| bytes.get(..length).unwrap_or_default())
    }

    /// The name in the WHATWG Encoding Standard.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// Byte order marks, longest first where one begins another.
const MARKS: [(&[u8], &Encoding); 4] = [
    (b"\xEF\xBB\xBF", UTF_8),
    (b"\x84\x31\x95\x33", GB18030),
    (b"\xFF\xFE", UTF_16LE),
    (b"\xFE\xFF", UTF_16BE),
];

/// The encoding that a byte order mark states, and the mark's length in bytes.
pub(crate) fn by_mark(head: &[u8]) -> Option<(Charset, usize)> {
    MARKS
        .iter()
        .find(|(mark, _)| head.starts_with(mark))
        .map(|(mark, encoding)| (Charset(encoding), mark.len()))
}

/// UTF-16 without a mark: in a table, delimiters, digits and line ends put zero bytes at one
/// parity only.
///
/// A stray NUL in a text of bytes must not pass for that: two bytes of ASCII side by side, or a
/// character of the private use area, speak for bytes.
/// `head` begins at an even offset of the file.
pub(crate) fn by_zero_bytes(head: &[u8]) -> Option<Charset> {
    let (pairs, _) = head.as_chunks::<2>();
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let clear = |many: usize, few: usize| many >= 2 && many * 10 >= pairs.len() && many > few * 20;
    let charset = match (clear(odd, even), clear(even, odd)) {
        (true, _) => Charset::UTF_16LE,
        (_, true) => Charset::UTF_16BE,
        _ => return None,
    };
    let is_ascii_text = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    let bytes = pairs.iter().filter(|pair| pair.iter().all(is_ascii_text));
    let (text, broken) = charset.0.decode_without_bom_handling(pairs.as_flattened());
    let odd_one =
        |c: char| c.is_control() && !"\t\r\n".contains(c) || ('\u{E000}'..='\u{F8FF}').contains(&c);
    // A head cut inside a surrogate pair is broken at its end; a short text is whole.
    let believable = bytes.count() * 2 < pairs.len() && !text.chars().any(odd_one);
    (believable && (!broken || pairs.len() > 100)).then_some(charset)
}

/// Lines that hold bytes above 0x7F, out of which an encoding is judged.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    lines: Vec<Vec<u8>>,
    high_bytes: usize,
}

/// Enough bytes above 0x7F to judge by: some thousand characters.
const ENOUGH: usize = 8 << 10;
/// A line is judged by its first bytes.
const LINE: usize = 4 << 10;

impl Evidence {
    /// Gathers lines from the source's present position until there are enough or it ends.
    pub(crate) fn gather(source: &mut dyn Source) -> io::Result<Self> {
        let mut evidence = Self::default();
        let mut buffer = vec![0; 128 << 10];
        // The line that the last buffer broke off.
        let mut carried: Vec<u8> = Vec::new();
        loop {
            let n = read_up_to(source, &mut buffer)?;
            evidence.add(&buffer[..n], &mut carried);
            if n < buffer.len() || evidence.high_bytes >= ENOUGH {
                evidence.push(&carried);
                return Ok(evidence);
            }
        }
    }

    /// Gathers from bytes at hand, of lines of any length.
    ///
    /// A line longer than what is judged is looked at where its bytes above 0x7F begin and again
    /// after each stretch judged; a stretch begins behind an ASCII byte that ends no character of
    /// two bytes, so that it is read in step.
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut evidence = Self::default();
        for line in data.split(|byte| *byte == b'\n') {
            let mut rest = line;
            while let Some(high) = rest.iter().position(|byte| *byte >= 0x80) {
                let stretch = &rest[high..];
                evidence.push(stretch);
                if evidence.high_bytes >= ENOUGH {
                    return evidence;
                }
                let after = stretch.get(LINE..).unwrap_or(&[]);
                let step = after.iter().position(|byte| *byte < 0x30);
                rest = step.map_or(&[], |step| &after[step..]);
            }
        }
        evidence
    }

    fn add(&mut self, mut data: &[u8], carried: &mut Vec<u8>) {
        if data.is_ascii() && carried.is_ascii() {
            carried.clear();
            return;
        }
        while let Some(end) = memchr(b'\n', data) {
            if carried.is_empty() {
                self.push(&data[..end]);
            } else {
                carried.extend_from_slice(&data[..end.min(LINE)]);
                self.push(carried);
                carried.clear();
            }
            data = &data[end + 1..];
            if self.high_bytes >= ENOUGH {
                return;
            }
        }
        let room = LINE.saturating_sub(carried.len());
        carried.extend_from_slice(&data[..data.len().min(room)]);
    }

    fn push(&mut self, line: &[u8]) {
        let line = &line[..line.len().min(LINE)];
        let high = line.iter().filter(|byte| **byte >= 0x80).count();
        if high > 0 {
            self.high_bytes += high;
            self.lines.push(line.to_vec());
        }
    }

    /// The likeliest encoding, by the rules of the module.
    pub(crate) fn judge(&self) -> Charset {
        if self.lines.is_empty() {
            return Charset::UTF_8;
        }
        let unicode = self
            .lines
            .iter()
            .filter(|line| valid_but_for_a_cut(line))
            .count();
        // A stray line in another encoding must not take the others with it; text in GBK is
        // hardly ever valid as UTF-8, line after line.
        if unicode * 2 > self.lines.len() && !self.is_gb2312_that_looks_like_utf8() {
            return Charset::UTF_8;
        }
        let gb = self.commonness(GB18030, gb_weight);
        let rivals = [
            (BIG5, self.commonness(BIG5, big5_weight)),
            (EUC_KR, self.korean(gb)),
        ];
        let (rival, best) =
            rivals.into_iter().fold(
                (GB18030, gb),
                |best, rival| {
                    if rival.1 > best.1 { rival } else { best }
                },
            );
        if best >= PLAUSIBLE {
            Charset(rival)
        } else {
            self.ask_chardetng()
        }
    }

    /// Whether every character would be one of two bytes in UTF-8, and a common one in GB 2312.
    ///
    /// Such is a short GBK text whose bytes happen to form UTF-8. Accented Latin letters, which
    /// stand among unaccented ones, are what real UTF-8 of two bytes looks like.
    fn is_gb2312_that_looks_like_utf8(&self) -> bool {
        self.lines.iter().all(|line| {
            let Ok(text) = std::str::from_utf8(line) else {
                return false;
            };
            let mut before = ' ';
            let suspicious = text.chars().all(|c| {
                let word = before.is_ascii_alphabetic() && c.is_alphabetic();
                before = c;
                c.is_ascii() || (c.len_utf8() == 2 && !word)
            });
            suspicious && weigh(line, GB18030, gb_weight).is_some_and(|(sum, n)| sum >= n as f64)
        })
    }

    /// How common the characters are on average if read in `encoding`: 1 is all of its first
    /// level; lines that do not decode count against it.
    fn commonness(&self, encoding: &'static Encoding, weight: fn(u8, u8) -> f64) -> f64 {
        let (mut sum, mut count) = (0.0, 0usize);
        for line in &self.lines {
            match weigh(line, encoding, weight) {
                Some((line_sum, n)) => {
                    sum += line_sum;
                    count += n;
                }
                None => {
                    let pairs = line
                        .iter()
                        .filter(|byte| **byte >= 0x80)
                        .count()
                        .div_ceil(2);
                    sum -= pairs as f64;
                    count += pairs;
                }
            }
        }
        if count == 0 { 0.0 } else { sum / count as f64 }
    }

    /// Korean lies wholly within GB 2312's first level, but only in its rows 0xB0 to 0xC8: a
    /// longer text that never leaves them is Korean.
    fn korean(&self, gb: f64) -> f64 {
        let (mut inside, mut all) = (0usize, 0usize);
        for line in &self.lines {
            for pair in pairs(line) {
                all += 1;
                inside += usize::from((0xB0..=0xC8).contains(&pair.0) && pair.1 >= 0xA1);
            }
        }
        if all >= 40 && inside * 100 >= all * 97 {
            gb + 1.0
        } else {
            0.0
        }
    }

    fn ask_chardetng(&self) -> Charset {
        use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        for line in &self.lines {
            detector.feed(line, false);
            detector.feed(b"\n", false);
        }
        detector.feed(b"", true);
        let guess = detector.guess(None, Utf8Detection::Deny);
        let broken = |encoding: &'static Encoding| {
            let broken = self.lines.iter().filter(|line| {
                encoding
                    .decode_without_bom_handling_and_without_replacement(line)
                    .is_none()
            });
            broken.count()
        };
        let bad = broken(GB18030);
        // A single-byte encoding decodes nearly anything, so that it decodes is no evidence for it;
        // windows-1252 is let through, being what European exports come in.
        let multi_byte = [BIG5, SHIFT_JIS, EUC_KR, encoding_rs::EUC_JP].contains(&guess);
        let credible = multi_byte || guess == WINDOWS_1252 || bad * 10 >= self.lines.len();
        let better = bad == 0 || broken(guess) < bad;
        Charset(if credible && better { guess } else { GB18030 })
    }
}

/// Mean weight from which a reading counts as plausible: between what right readings reach and wrong
/// ones do not, as the tests of this file measure.
const PLAUSIBLE: f64 = 0.5;

fn valid_but_for_a_cut(line: &[u8]) -> bool {
    match std::str::from_utf8(line) {
        Ok(_) => true,
        // A line cut at `LINE` bytes may end inside a character.
        Err(error) => error.error_len().is_none() && line.len() == LINE,
    }
}

/// The two-byte characters of a line in an encoding whose lead bytes lie above 0x80.
fn pairs(line: &[u8]) -> impl Iterator<Item = (u8, u8)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + 1 < line.len() {
            let pair = (line[at], line[at + 1]);
            at += 1;
            if pair.0 > 0x80 {
                at += 1;
                return Some(pair);
            }
        }
        None
    })
}

/// Sum of weights and number of two-byte characters; nothing when the line does not decode.
fn weigh(
    line: &[u8],
    encoding: &'static Encoding,
    weight: fn(u8, u8) -> f64,
) -> Option<(f64, usize)> {
    let cut = line.len() == LINE;
    if !cut {
        encoding.decode_without_bom_handling_and_without_replacement(line)?;
    }
    Some(pairs(line).fold((0.0, 0), |(sum, n), (lead, trail)| {
        (sum + weight(lead, trail), n + 1)
    }))
}

fn gb_weight(lead: u8, trail: u8) -> f64 {
    match (lead, trail) {
        (0xB0..=0xD7, 0xA1..=0xFE) => 1.0,
        // Ideographic punctuation and full-width forms.
        (0xA1 | 0xA3, 0xA1..=0xFE) => 0.8,
        (0xD8..=0xF7, 0xA1..=0xFE) => 0.5,
        // Level 3 and traditional characters: names and places use them now and then.
        (0x81..=0xA0, 0x40..=0xFE) | (0xAA..=0xFE, 0x40..=0xA0) => 0.1,
        (0x81..=0xFE, 0x30..=0x39) => 0.1,
        _ => -0.5,
    }
}

fn big5_weight(lead: u8, trail: u8) -> f64 {
    match (lead, trail) {
        (0xA4..=0xC6, 0x40..=0x7E | 0xA1..=0xFE) => 1.0,
        (0xA1..=0xA3, 0x40..=0x7E | 0xA1..=0xFE) => 0.8,
        (0xC9..=0xF9, 0x40..=0x7E | 0xA1..=0xFE) => 0.3,
        _ => -0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn judge(bytes: &[u8]) -> &'static str {
        Evidence::gather(&mut Cursor::new(bytes.to_vec()))
            .unwrap()
            .judge()
            .name()
    }

    #[test]
    fn encodings_are_told_apart() {
        let simplified = "姓名,手机号码,住址\n张三,13800000000,北京市海淀区中关村大街\n";
        let rare = "姓名\n陶喆\n朱镕基\n李堃\n";
        let traditional = "姓名,地址\n張偉,臺北市中正區重慶南路\n陳美玲,高雄市三民區建國路\n";
        let rows: [(&str, &'static Encoding, &str, &str); 14] = [
            ("simplified", GB18030, simplified, "gb18030"),
            ("one name", GB18030, "张三", "gb18030"),
            ("header only", GB18030, "姓名,电话\n", "gb18030"),
            ("rare names", GB18030, rare, "gb18030"),
            ("traditional in gbk", GB18030, traditional, "gb18030"),
            ("simplified in utf-8", UTF_8, simplified, "UTF-8"),
            ("one name in utf-8", UTF_8, "张三", "UTF-8"),
            ("accented letters in utf-8", UTF_8, "José,Müller\n", "UTF-8"),
            ("cyrillic in utf-8", UTF_8, "Привет,мир\n", "UTF-8"),
            ("big5", BIG5, traditional, "Big5"),
            ("big5 header", BIG5, "姓名,電話,地址\n", "Big5"),
            (
                "shift-jis",
                SHIFT_JIS,
                "氏名,電話番号,メールアドレス\n山田太郎,090,東京都千代田区\n",
                "Shift_JIS",
            ),
            (
                "latin",
                WINDOWS_1252,
                "name,city\nJosé Peña,Málaga\nFrançois,Besançon\nJoão,São Paulo\n",
                "windows-1252",
            ),
            ("ascii", UTF_8, "name,phone\n", "UTF-8"),
        ];
        for (name, encoding, text, expected) in rows {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost, "{name}");
            assert_eq!(judge(&bytes), expected, "{name}");
        }
    }

    #[test]
    fn the_bound_of_plausibility_divides_right_from_wrong() {
        let mean = |encoding: &'static Encoding, text: &str| {
            let bytes = encoding.encode(text).0.into_owned();
            let evidence = Evidence::gather(&mut Cursor::new(bytes)).unwrap();
            evidence.commonness(GB18030, gb_weight)
        };
        for right in [
            "张三,北京市海淀区",
            "姓名,手机号码",
            "陶喆\n朱镕基\n李堃",
            "某公司（上海）",
        ] {
            assert!(mean(GB18030, right) > PLAUSIBLE + 0.1, "{right}");
        }
        for wrong in ["メールアドレス", "氏名,電話番号", "東京都千代田区"] {
            assert!(mean(SHIFT_JIS, wrong) < PLAUSIBLE - 0.1, "{wrong}");
        }
        for wrong in ["José,Málaga", "Müller,Köln"] {
            assert!(mean(WINDOWS_1252, wrong) < PLAUSIBLE - 0.1, "{wrong}");
        }
    }

    #[test]
    fn gbk_that_happens_to_be_valid_utf8_is_gbk() {
        // Two bytes of a first-level character that also form U+0521 and the like.
        for text in ["啤酒", "辰,猿", "愿"] {
            let (bytes, ..) = GB18030.encode(text);
            if std::str::from_utf8(&bytes).is_ok() {
                assert_eq!(judge(&bytes), "gb18030", "{text}");
            }
        }
        assert_eq!(judge(b"\xD4\xB3"), "gb18030");
    }

    #[test]
    fn evidence_is_found_behind_a_megabyte_of_digits() {
        let mut bytes = "1,2,3,4,5\n".repeat(200_000).into_bytes();
        bytes.extend_from_slice(&GB18030.encode("张三,李四\n").0);
        assert_eq!(judge(&bytes), "gb18030");
    }

    #[test]
    fn one_broken_line_does_not_change_the_verdict() {
        let mut bytes = "姓名,城市\n张三,北京\n李四,上海\n".as_bytes().to_vec();
        bytes.extend_from_slice(&GB18030.encode("王五,广州\n").0);
        assert_eq!(judge(&bytes), "UTF-8");
    }

    #[test]
    fn utf16_is_known_by_its_zero_bytes() {
        let text = "姓名,手机\r\n张三,13800000000\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(by_zero_bytes(&little), Some(Charset::UTF_16LE));
        assert_eq!(by_zero_bytes(&big), Some(Charset::UTF_16BE));
        assert_eq!(by_zero_bytes(text.as_bytes()), None);
        assert_eq!(by_zero_bytes(b"\0\0\0\0\0\0\0\0"), None);
        for stray in [
            "a\0,b\0,c",
            "name,phone\nab\0\0\0\0cd,1\n",
            "姓名\0,手\0机",
            "x\0",
        ] {
            assert_eq!(by_zero_bytes(stray.as_bytes()), None, "{stray:?}");
        }
    }

    #[test]
    fn marks_state_the_encoding() {
        assert_eq!(by_mark(b"\xEF\xBB\xBFa"), Some((Charset::UTF_8, 3)));
        assert_eq!(by_mark(b"\xFF\xFEa\0"), Some((Charset::UTF_16LE, 2)));
        assert_eq!(by_mark(b"\x84\x31\x95\x33"), Some((Charset::GB18030, 4)));
        assert_eq!(by_mark(b"abc"), None);
    }
}
