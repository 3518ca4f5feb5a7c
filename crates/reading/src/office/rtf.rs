//! RTF 1.9.1 as text: control words looked through, characters decoded.
//!
//! `\'hh` is a byte of the code page that the document (`\ansicpg`) or its font (`\fcharset`)
//! states; `\uN` a code unit of UTF-16 with `\uc` characters after it for older readers. Groups of
//! fonts, styles, pictures and settings are passed over.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use encoding_rs::{Encoding, GBK};

use crate::ReadError;
use crate::unpack::{Flow, Step};

/// Groups within groups that are kept apart; deeper ones share their state.
const DEPTH: usize = 1_000;
/// Text handed out at once.
const PIECE: usize = 32 << 10;

#[derive(Debug, Clone, Copy)]
struct Group {
    skipped: bool,
    fonts: bool,
    /// Characters that stand for a `\uN` in older readers.
    stand_ins: usize,
    encoding: &'static Encoding,
}

/// A document being read.
pub(crate) struct Rtf<R> {
    source: std::io::Bytes<BufReader<R>>,
    back: Option<u8>,
    groups: Vec<Group>,
    here: Group,
    too_deep: usize,
    fonts: HashMap<i32, &'static Encoding>,
    font: i32,
    default: &'static Encoding,
    /// Bytes that wait for the rest of their character.
    bytes: Vec<u8>,
    high: Option<u16>,
    pass: usize,
    fresh: bool,
    out: String,
    over: bool,
}

impl<R: Read> Rtf<R> {
    pub(crate) fn new(source: R) -> Self {
        let here = Group {
            skipped: false,
            fonts: false,
            stand_ins: 1,
            encoding: GBK,
        };
        Self {
            source: BufReader::with_capacity(64 << 10, source).bytes(),
            back: None,
            groups: Vec::new(),
            here,
            too_deep: 0,
            fonts: HashMap::new(),
            font: 0,
            default: GBK,
            bytes: Vec::new(),
            high: None,
            pass: 0,
            fresh: false,
            out: String::new(),
            over: false,
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, ReadError> {
        if let Some(byte) = self.back.take() {
            return Ok(Some(byte));
        }
        self.source.next().transpose().map_err(ReadError::of)
    }

    fn one(&mut self) -> Result<bool, ReadError> {
        let Some(byte) = self.byte()? else {
            return Ok(false);
        };
        match byte {
            b'{' => self.open(),
            b'}' => self.close(),
            b'\\' => self.control()?,
            b'\r' | b'\n' | 0 => {}
            byte => self.plain(byte),
        }
        Ok(true)
    }

    fn open(&mut self) {
        self.settle();
        self.pass = 0;
        if self.groups.len() < DEPTH {
            self.groups.push(self.here);
        } else {
            self.too_deep += 1;
        }
        self.fresh = true;
    }

    fn close(&mut self) {
        self.settle();
        self.pass = 0;
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if let Some(group) = self.groups.pop() {
            self.here = group;
        }
    }

    fn control(&mut self) -> Result<(), ReadError> {
        let Some(first) = self.byte()? else {
            return Ok(());
        };
        if !first.is_ascii_alphabetic() {
            return self.symbol(first);
        }
        let mut word = String::from(char::from(first));
        let mut number = String::new();
        loop {
            match self.byte()? {
                Some(c) if c.is_ascii_alphabetic() && number.is_empty() && word.len() < 40 => {
                    word.push(char::from(c));
                }
                Some(c)
                    if (c == b'-' && number.is_empty() || c.is_ascii_digit())
                        && number.len() < 12 =>
                {
                    number.push(char::from(c));
                }
                Some(b' ') | None => break,
                other => {
                    self.back = other;
                    break;
                }
            }
        }
        self.word(&word, number.parse().ok());
        self.fresh = false;
        Ok(())
    }

    fn symbol(&mut self, symbol: u8) -> Result<(), ReadError> {
        match symbol {
            b'\'' => {
                let digits = [self.byte()?, self.byte()?]
                    .map(|d| d.and_then(|d| char::from(d).to_digit(16)));
                if let [Some(high), Some(low)] = digits {
                    self.plain(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                }
            }
            // A destination that readers may pass over when they do not know it.
            b'*' => self.here.skipped |= self.fresh,
            b'\\' | b'{' | b'}' => self.plain(symbol),
            b'~' => self.plain(b' '),
            b'\r' | b'\n' => self.say("\n"),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        let count = |n: Option<i64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let id = number.and_then(|n| i32::try_from(n).ok()).unwrap_or(0);
        match word {
            "par" | "line" | "sect" | "page" | "row" => self.say("\n"),
            "tab" | "cell" | "nestcell" => self.say("\t"),
            "emdash" => self.say("—"),
            "endash" => self.say("–"),
            "lquote" | "rquote" => self.say("'"),
            "ldblquote" | "rdblquote" => self.say("\""),
            "u" => self.unit(number.unwrap_or(0)),
            "uc" => self.here.stand_ins = count(number).min(100),
            "bin" => self.pass = self.pass.saturating_add(count(number)),
            "ansicpg" => {
                self.default = page(number.unwrap_or(0)).unwrap_or(GBK);
                self.here.encoding = self.default;
            }
            "f" if self.here.fonts => self.font = id,
            "f" => {
                self.settle();
                self.here.encoding = self.fonts.get(&id).copied().unwrap_or(self.default);
            }
            "plain" => {
                self.settle();
                self.here.encoding = self.default;
            }
            "fcharset" if self.fonts.len() < 10_000 => {
                if let Some(encoding) = charset(number.unwrap_or(1)) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            "fonttbl" => {
                self.here.fonts = true;
                self.here.skipped = true;
            }
            "stylesheet" | "colortbl" | "pict" | "themedata" | "datastore" | "generator"
            | "latentstyles" | "listtable" | "listoverridetable" | "rsidtbl" | "xmlnstbl"
            | "object" => {
                self.here.skipped = true;
            }
            // What an ignorable destination shows is read where it is text of the document.
            "shptxt" | "footnote" | "header" | "footer" | "annotation" => self.here.skipped = false,
            _ => {}
        }
    }

    /// A code unit of UTF-16, written as a signed number.
    fn unit(&mut self, number: i64) {
        self.settle();
        self.pass = self.here.stand_ins;
        if self.here.skipped {
            return;
        }
        let unit = u16::try_from(number & 0xFFFF).unwrap_or(0xFFFD);
        let units: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        if units.len() == 1 && (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        self.out
            .extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }

    fn plain(&mut self, byte: u8) {
        if self.pass > 0 {
            self.pass -= 1;
        } else if !self.here.skipped {
            self.bytes.push(byte);
            if self.bytes.len() >= PIECE {
                self.settle();
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.settle();
        if !self.here.skipped {
            self.out.push_str(text);
        }
    }

    /// Decodes the bytes that wait.
    fn settle(&mut self) {
        if !self.bytes.is_empty() {
            let (text, _) = self.here.encoding.decode_without_bom_handling(&self.bytes);
            self.out.push_str(&text);
            self.bytes.clear();
        }
    }
}

/// The encoding of a Windows code page.
fn page(number: i64) -> Option<&'static Encoding> {
    let label = match number {
        936 => "gbk",
        54936 => "gb18030",
        950 => "big5",
        932 => "shift_jis",
        949 => "euc-kr",
        65001 => "utf-8",
        1250..=1258 => return Encoding::for_label(format!("windows-{number}").as_bytes()),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// The encoding of a font's character set (RTF 1.9.1, `\fcharsetN`).
fn charset(number: i64) -> Option<&'static Encoding> {
    page(match number {
        0 => 1252,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        204 => 1251,
        _ => return None,
    })
}

impl<R: Read + Send> Flow for Rtf<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        while !self.over && self.out.len() < PIECE {
            self.over = !self.one()?;
        }
        self.settle();
        let text = std::mem::take(&mut self.out);
        Ok((!text.is_empty()).then_some(Step::Text(text)))
    }
}
