//! Text: decoded, changed, and written in the encoding it came in.

use liuhen_reading::{Charset, TextStream};

use crate::draft::{Draft, Part};
use crate::redactor::Job;
use crate::{Dropped, Refusal};

/// A text and how it was written.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) charset: Charset,
    mark: Vec<u8>,
    pub(crate) malformed: u64,
}

impl Decoded {
    pub(crate) fn of(bytes: &[u8], charset: Option<Charset>) -> Self {
        let mut stream = TextStream::new(bytes, charset);
        let mut text = String::new();
        // Bytes at hand never fail to be read.
        while stream
            .pump(&mut |piece| text.push_str(piece))
            .unwrap_or(false)
        {}
        let charset = stream.charset();
        Self {
            text,
            charset,
            mark: match Charset::mark_of(bytes) {
                mark if charset.encode("\u{FEFF}").as_deref() == Some(mark) => mark.to_vec(),
                _ => Vec::new(),
            },
            malformed: stream.malformed(),
        }
    }

    /// Whether a text can be written as this one was.
    pub(crate) fn fits(&self, text: &str) -> bool {
        fits(self.charset, text)
    }

    /// Another text, written as this one was.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u8>, Refusal> {
        let bytes = match self.charset.encode(text) {
            Some(bytes) => bytes,
            // What did not decode has no other form here.
            None if self.malformed > 0 => self
                .charset
                .encode(&text.replace('\u{FFFD}', "?"))
                .ok_or(Refusal::Damaged("encoding"))?,
            None => return Err(Refusal::Damaged("encoding")),
        };
        let mut out = self.mark.clone();
        out.extend_from_slice(&bytes);
        Ok(out)
    }
}

pub(crate) fn fits(charset: Charset, text: &str) -> bool {
    charset == Charset::UTF_8 || charset.encode(text).is_some()
}

/// Running text.
pub(crate) fn redact(bytes: &[u8], job: &mut Job<'_, '_>) -> Result<Vec<u8>, Refusal> {
    let decoded = Decoded::of(bytes, None);
    job.drop(Dropped::Malformed, decoded.malformed);
    let text = running(&decoded.text, job, &|text| decoded.fits(text))?;
    decoded.encode(&text)
}

/// A text of its own, redacted.
pub(crate) fn running(
    text: &str,
    job: &mut Job<'_, '_>,
    fits: &dyn Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let mut draft = Draft::default();
    let leaf = draft.leaf(text);
    draft.text(vec![Part::Leaf(leaf)]);
    job.settle(&mut draft, fits)?;
    Ok(draft.get(leaf))
}
