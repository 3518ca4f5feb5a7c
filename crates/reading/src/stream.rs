//! Text of any encoding, as a stream of `&str`, from files and pipes alike.
//!
//! The source is read once and never sought. Bytes are ASCII in every encoding we tell apart save
//! UTF-16, so ASCII passes as it is until the first byte above 0x7F; the encoding is judged there,
//! with up to [`CHUNK`] bytes in sight. What does not decode becomes U+FFFD and is counted.
//!
//! Judging belongs to `charset`. Rows made of such a text are `placed`.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_8};

use crate::charset::{self, Charset, Evidence};

/// Bytes read at a time, and bytes that an encoding is judged by.
const CHUNK: usize = 256 << 10;
/// Room to begin with: most files are small, and a folder may hold a million of them.
const FIRST: usize = 16 << 10;

/// A source read as text, piece by piece, in constant memory.
pub struct TextStream<R> {
    source: R,
    raw: Vec<u8>,
    /// Bytes of `raw` that wait to be decoded.
    filled: usize,
    /// Decoded text that is handed out at once.
    out: String,
    state: State,
    taken: u64,
    malformed: u64,
    ended: bool,
}

enum State {
    /// Nothing was read yet; an encoding may be asked for.
    Fresh(Option<Charset>),
    /// Only ASCII so far.
    Ascii,
    Utf8,
    Other(Box<Decoder>),
}

impl<R> std::fmt::Debug for TextStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextStream")
            .field("taken", &self.taken)
            .field("malformed", &self.malformed)
            .finish_non_exhaustive()
    }
}

impl<R: Read> TextStream<R> {
    /// Reads `source` from where it stands; `charset` overrules the bytes.
    pub fn new(source: R, charset: Option<Charset>) -> Self {
        Self {
            source,
            raw: vec![0; FIRST],
            filled: 0,
            out: String::new(),
            state: State::Fresh(charset),
            taken: 0,
            malformed: 0,
            ended: false,
        }
    }

    /// Bytes of the source read so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Sequences of bytes so far that did not decode; each became one U+FFFD.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// The encoding it is read in, as far as it was judged; text of ASCII alone is UTF-8.
    #[must_use]
    pub fn charset(&self) -> Charset {
        match &self.state {
            State::Fresh(wanted) => wanted.unwrap_or(Charset::UTF_8),
            State::Ascii | State::Utf8 => Charset::UTF_8,
            State::Other(decoder) => Charset(decoder.encoding()),
        }
    }

    /// Hands the next pieces of text to `take`; false when the source has ended.
    ///
    /// A byte order mark is not text. A piece ends between two characters.
    ///
    /// # Errors
    ///
    /// Whatever the source answers; text handed out before stays valid.
    pub fn pump(&mut self, take: &mut dyn FnMut(&str)) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let failed = self.fill().err();
        // What came before the source failed is text all the same.
        self.ended |= failed.is_some();
        match &self.state {
            State::Fresh(wanted) => {
                self.begin(*wanted);
                self.judge();
            }
            State::Ascii => self.judge(),
            _ => {}
        }
        self.decode(take);
        failed.map_or(Ok(true), Err)
    }

    /// Reads until the buffer is full: a pipe gives little at a time, and judging wants more.
    fn fill(&mut self) -> io::Result<()> {
        loop {
            if self.filled == self.raw.len() {
                if self.filled >= CHUNK {
                    return Ok(());
                }
                self.raw.resize(CHUNK, 0);
            }
            match self.source.read(&mut self.raw[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(n) => {
                    self.filled += n;
                    self.taken += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Judges by what only the beginning of a text can show.
    fn begin(&mut self, wanted: Option<Charset>) {
        let head = &self.raw[..self.filled];
        let marked = charset::by_mark(head);
        // The mark of another encoding than the one asked for is text like any other.
        if let Some((charset, mark)) =
            marked.filter(|(charset, _)| wanted.is_none_or(|w| w == *charset))
        {
            self.drop_front(mark);
            self.state = decoder(charset);
            return;
        }
        let by_zero_bytes = || charset::by_zero_bytes(&head[..head.len() & !1]);
        self.state = wanted.or_else(by_zero_bytes).map_or(State::Ascii, decoder);
    }

    /// Decides on an encoding once there is a byte to decide by.
    fn judge(&mut self) {
        let head = &self.raw[..self.filled];
        if matches!(self.state, State::Ascii) && !head.is_ascii() {
            self.state = if is_damaged_utf8(head) {
                State::Utf8
            } else {
                decoder(Evidence::of(head).judge())
            };
        }
    }

    fn drop_front(&mut self, length: usize) {
        self.raw.copy_within(length..self.filled, 0);
        self.filled -= length;
    }

    fn decode(&mut self, take: &mut dyn FnMut(&str)) {
        let raw = &self.raw[..self.filled];
        let used = match &mut self.state {
            State::Other(decoder) => {
                self.out.clear();
                self.malformed += transcode(decoder, raw, self.ended, &mut self.out);
                if !self.out.is_empty() {
                    take(&self.out);
                }
                raw.len()
            }
            _ => match simdutf8::basic::from_utf8(raw) {
                Ok(text) => {
                    if !text.is_empty() {
                        take(text);
                    }
                    raw.len()
                }
                Err(_) => {
                    self.out.clear();
                    let (used, broken) = lossy(raw, self.ended, &mut self.out);
                    self.malformed += broken;
                    if !self.out.is_empty() {
                        take(&self.out);
                    }
                    used
                }
            },
        };
        self.drop_front(used);
    }
}

/// A text as its bytes in UTF-8.
pub(crate) struct AsUtf8<R> {
    stream: TextStream<R>,
    ready: Vec<u8>,
    at: usize,
    over: bool,
}

impl<R: Read> AsUtf8<R> {
    pub(crate) fn new(stream: TextStream<R>) -> Self {
        Self {
            stream,
            ready: Vec::new(),
            at: 0,
            over: false,
        }
    }
}

impl<R: Read> Read for AsUtf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() && !self.over {
            self.ready.clear();
            self.at = 0;
            let ready = &mut self.ready;
            let more = self
                .stream
                .pump(&mut |piece| ready.extend_from_slice(piece.as_bytes()));
            self.over = !more?;
        }
        let n = buffer.len().min(self.ready.len() - self.at);
        buffer[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

fn decoder(charset: Charset) -> State {
    if charset.0 == UTF_8 {
        State::Utf8
    } else {
        State::Other(Box::new(charset.0.new_decoder_without_bom_handling()))
    }
}

/// Whether this is UTF-8 save for a few bytes: text in another encoding hardly ever makes whole
/// characters of UTF-8, and a text of one line must not be misread for one broken byte.
fn is_damaged_utf8(head: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in head.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken > 0 && whole >= broken * 4
}

/// UTF-8 that is broken, or cut at its end; answers the bytes used and the sequences replaced.
fn lossy(raw: &[u8], last: bool, out: &mut String) -> (usize, u64) {
    let (mut used, mut broken) = (0, 0);
    for chunk in raw.utf8_chunks() {
        out.push_str(chunk.valid());
        used += chunk.valid().len();
        let invalid = chunk.invalid();
        if invalid.is_empty() {
            continue;
        }
        let at_end = used + invalid.len() == raw.len();
        let cut = at_end && std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none());
        if cut && !last {
            break;
        }
        out.push(char::REPLACEMENT_CHARACTER);
        used += invalid.len();
        broken += 1;
    }
    (used, broken)
}

/// Decodes all of `input`; answers how many sequences did not decode.
fn transcode(decoder: &mut Decoder, mut input: &[u8], last: bool, out: &mut String) -> u64 {
    let mut broken = 0;
    loop {
        let room = decoder.max_utf8_buffer_length_without_replacement(input.len());
        out.reserve(room.unwrap_or(CHUNK * 3) + 3);
        let (result, read) = decoder.decode_to_string_without_replacement(input, out, last);
        input = &input[read..];
        match result {
            DecoderResult::InputEmpty => return broken,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                out.push(char::REPLACEMENT_CHARACTER);
                broken += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A source that gives a few bytes at a time, as a pipe may.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn read(bytes: &[u8], step: usize) -> (String, u64) {
        let mut stream = TextStream::new(Drops(bytes, step), None);
        let mut text = String::new();
        while stream.pump(&mut |piece| text.push_str(piece)).unwrap() {}
        assert_eq!(stream.taken(), bytes.len() as u64);
        (text, stream.malformed())
    }

    #[test]
    fn every_encoding_becomes_the_same_text() {
        let text = "联系人：张三，手机号 13800138000\n".repeat(20);
        let gbk = encoding_rs::GB18030.encode(&text).0.into_owned();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let rows = [
            ("utf-8", text.clone().into_bytes()),
            ("mark", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            ("gbk", gbk),
            ("utf-16le, mark", [b"\xFF\xFE".as_slice(), &le].concat()),
            ("utf-16be, mark", [b"\xFE\xFF".as_slice(), &be].concat()),
            ("utf-16le", le),
            ("utf-16be", be),
        ];
        for (name, bytes) in rows {
            for step in [1, 7, CHUNK] {
                assert_eq!(read(&bytes, step), (text.clone(), 0), "{name} by {step}");
            }
        }
    }

    #[test]
    fn a_mark_is_no_text_when_its_encoding_is_asked_for() {
        let rows: [(&[u8], Charset, &str); 4] = [
            (b"\xEF\xBB\xBFab", Charset::UTF_8, "ab"),
            (b"\xFF\xFEa\0", Charset::UTF_16LE, "a"),
            (b"\x84\x31\x95\x33ab", Charset::GB18030, "ab"),
            (b"\xFF\xFEa", Charset::UTF_8, "\u{FFFD}\u{FFFD}a"),
        ];
        for (bytes, charset, expected) in rows {
            let mut stream = TextStream::new(bytes, Some(charset));
            let mut text = String::new();
            while stream.pump(&mut |piece| text.push_str(piece)).unwrap() {}
            assert_eq!(text, expected, "{}", charset.name());
        }
    }

    #[test]
    fn an_encoding_that_shows_late_is_still_judged() {
        let digits = "0123456789,".repeat(40_000);
        let tail = "姓名张三".repeat(50);
        let gbk = encoding_rs::GB18030.encode(&tail).0.into_owned();
        let bytes = [digits.as_bytes(), &gbk].concat();
        assert_eq!(read(&bytes, CHUNK), (format!("{digits}{tail}"), 0));
        // One line, and far longer than what is judged of a line.
        let line = format!("{}手机", "x".repeat(9_000)).repeat(60);
        let gbk = encoding_rs::GB18030.encode(&line).0.into_owned();
        assert_eq!(read(&gbk, CHUNK).0, line);
    }

    #[test]
    fn broken_bytes_are_replaced_and_counted() {
        let valid = "手机号是".repeat(9);
        let bytes = [valid.as_bytes(), b"\xFF\xE6\x89", b"x\xE6"].concat();
        let (text, malformed) = read(&bytes, 1);
        assert_eq!(
            (text, malformed),
            (format!("{valid}\u{FFFD}\u{FFFD}x\u{FFFD}"), 3)
        );
        let gbk = encoding_rs::GB18030.encode(&valid).0.into_owned();
        let (text, malformed) = read(&[&gbk[..], b"\n\xFF\n", &gbk].concat(), 5);
        assert_eq!(
            (text, malformed),
            (format!("{valid}\n\u{FFFD}\n{valid}"), 1)
        );
    }

    proptest! {
        #[test]
        fn utf8_is_read_as_std_reads_it(bytes in prop::collection::vec(any::<u8>(), 0..80), step in 1usize..9) {
            let mut all = "说明：姓名与手机号\n".repeat(30).into_bytes();
            all.extend_from_slice(&bytes);
            let (text, malformed) = read(&all, step);
            // A run of odd bytes after thirty lines of UTF-8 does not change the judgement.
            let expected = String::from_utf8_lossy(&all);
            prop_assert_eq!(&text, &expected);
            let given = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
            prop_assert_eq!(malformed, given as u64);
        }
    }
}
