//! Mail: messages (RFC 5322, MIME) and mailboxes of them (mboxo, mboxrd), pages saved as MHTML.
//!
//! The head becomes text, each part of the body a file of its own that is read as what it is, so
//! that attachments are opened like any other file. A message is read once, line by line; a part
//! is decoded as it is read. Both forms of an alternative are read, since they may differ; for
//! whoever wishes for records the richest comes first, and the others are told as forms of it.
//! Signatures and encryption (S/MIME, PGP) are parts like others.

mod decode;
mod head;
mod lines;
mod tree;

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use liuhen_document::Locator;

use self::decode::Body;
use self::head::Head;
use self::lines::{Ended, Lines};
use crate::archive::names;
use crate::source::{Blob, Section};
use crate::stream::AsUtf8;
use crate::unpack::{Said, Spool, Texts, Walker};
use crate::{Charset, ReadError, TextStream};

pub(crate) use self::decode::{Base64, quoted};
pub(crate) use self::head::is_message;
pub use self::tree::Message;

/// Parts within parts.
const DEPTH: usize = 32;
/// Forms of a body that are put aside, and bytes of each that are held in memory.
const FORMS: usize = 16;
const FORM_IN_MEMORY: usize = 256 << 10;

/// Whether a text is a mailbox: a line `From ` with a time before the first head.
pub(crate) fn is_mailbox(head: &[u8]) -> bool {
    let Some(line) = head.split(|byte| *byte == b'\n').next() else {
        return false;
    };
    let rest = head.get(line.len() + 1..).unwrap_or_default();
    line.starts_with(b"From ")
        && line
            .windows(3)
            .any(|three| three[1] == b':' && three[0].is_ascii_digit() && three[2].is_ascii_digit())
        && is_message(rest, "any.eml")
}

/// Opens one message.
pub(crate) fn message(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let mut reader = Reader::new(blob, false);
    reader.message(walker, place, name, 0).map_continue(drop)?;
    reader.failure(walker, place)
}

/// Opens a mailbox, message after message.
pub(crate) fn mailbox(
    walker: &mut Walker<'_>,
    place: &Locator,
    name: &str,
    blob: &Blob,
) -> ControlFlow<()> {
    let mut reader = Reader::new(blob, true);
    let mut number = 0u64;
    // The first line is the first mark.
    reader.lines.skip_mark();
    loop {
        number += 1;
        let inner = place.clone().inside(format!("message {number}"));
        if reader.message(walker, &inner, name, 0)? == Ended::Source {
            return reader.failure(walker, place);
        }
        if let Err(error) = walker.budget.file() {
            walker.unread(place, error)?;
            return ControlFlow::Break(());
        }
    }
}

/// A message, or several, being read.
struct Reader {
    lines: Lines<BufReader<Section>>,
    /// Parts of the message so far, by which those without a name are told apart.
    parts: usize,
    /// Forms of a body put aside until the last one is known, each with which alternative it is.
    forms: Option<Vec<Form>>,
    /// Which alternative is being read, and the level of the parts that are alternatives.
    alternative: usize,
    choice: Option<usize>,
}

/// A form of a body.
struct Form {
    alternative: usize,
    place: Locator,
    name: String,
    blob: Blob,
}

impl Reader {
    fn new(blob: &Blob, mailbox: bool) -> Self {
        let source = BufReader::with_capacity(64 << 10, blob.open());
        Self {
            lines: Lines::new(source, mailbox),
            parts: 0,
            forms: None,
            alternative: 0,
            choice: None,
        }
    }

    /// What the source answered when it could not be read further.
    fn failure(&mut self, walker: &mut Walker<'_>, place: &Locator) -> ControlFlow<()> {
        match self.lines.failure.take() {
            Some(error) => walker.unread(place, error),
            None => ControlFlow::Continue(()),
        }
    }

    fn message(
        &mut self,
        walker: &mut Walker<'_>,
        place: &Locator,
        name: &str,
        depth: usize,
    ) -> ControlFlow<(), Ended> {
        self.parts = 0;
        let (head, ended) = Head::read(&mut self.lines);
        walker.flow(place, name, "mail", Box::new(Texts::new(head.shown())))?;
        match ended {
            Some(ended) => ControlFlow::Continue(ended),
            None => self.entity(walker, place, &head, depth),
        }
    }

    /// A part whose head was read: its parts, or what it holds.
    fn entity(
        &mut self,
        walker: &mut Walker<'_>,
        place: &Locator,
        head: &Head,
        depth: usize,
    ) -> ControlFlow<(), Ended> {
        let kind = head.kind();
        if depth >= DEPTH {
            return self.leaf(walker, place, head);
        }
        match head.boundary() {
            Some(boundary)
                if kind == "multipart/alternative"
                    && walker.wishes.records
                    && self.forms.is_none() =>
            {
                (self.forms, self.alternative, self.choice) = (Some(Vec::new()), 0, None);
                let ended = self.parts_of(walker, place, boundary, depth);
                self.hand_over(walker)?;
                ended
            }
            Some(boundary) if kind.starts_with("multipart/") => {
                self.parts_of(walker, place, boundary, depth)
            }
            _ if kind == "message/rfc822" && !head.is_encoded() => {
                self.parts += 1;
                let name = head
                    .name()
                    .unwrap_or_else(|| format!("message-{}.eml", self.parts));
                let name = names::shortened(name);
                let kept = self.parts;
                let inner = place.clone().inside(name.as_str());
                let ended = self.message(walker, &inner, &name, depth + 1)?;
                self.parts = kept;
                ControlFlow::Continue(ended)
            }
            _ => self.leaf(walker, place, head),
        }
    }

    fn parts_of(
        &mut self,
        walker: &mut Walker<'_>,
        place: &Locator,
        boundary: Vec<u8>,
        depth: usize,
    ) -> ControlFlow<(), Ended> {
        let level = self.lines.enter(boundary);
        let choice = match self.forms {
            Some(_) => *self.choice.get_or_insert(level),
            None => usize::MAX,
        };
        let mut ended = self.lines.skip();
        while let Ended::Boundary { level: at, last } = ended {
            if at != level {
                break;
            }
            if last {
                // What stands behind the last part belongs to nobody.
                self.lines.leave(level);
                return ControlFlow::Continue(self.lines.skip());
            }
            if choice == level {
                self.alternative += 1;
            }
            let (head, early) = Head::read(&mut self.lines);
            ended = match early {
                Some(early) => early,
                None => self.entity(walker, place, &head, depth + 1)?,
            };
        }
        self.lines.leave(level);
        ControlFlow::Continue(ended)
    }

    /// The forms that were put aside: the last alternative first, since it is the richest.
    fn hand_over(&mut self, walker: &mut Walker<'_>) -> ControlFlow<()> {
        let mut forms = self.forms.take().unwrap_or_default();
        // Within one alternative the order stays that of the file.
        forms.sort_by_key(|form| std::cmp::Reverse(form.alternative));
        let richest = forms.first().map(|form| form.alternative);
        let several = forms.last().map(|form| form.alternative) != richest;
        let before = walker.said;
        for form in forms {
            walker.said = match (several, Some(form.alternative) == richest) {
                (false, _) => before,
                (true, true) => Said::First,
                (true, false) => Said::Again,
            };
            let told = walker.blob(form.place, &form.name, &form.blob);
            walker.said = before;
            told?;
        }
        ControlFlow::Continue(())
    }

    /// A part that holds something, as a file.
    fn leaf(
        &mut self,
        walker: &mut Walker<'_>,
        place: &Locator,
        head: &Head,
    ) -> ControlFlow<(), Ended> {
        self.parts += 1;
        let kind = head.kind();
        let number = if self.parts > 1 {
            format!("-{}", self.parts)
        } else {
            String::new()
        };
        let name = head.name().unwrap_or_else(|| {
            let ending = match kind.as_str() {
                "" | "text/plain" => "txt",
                "text/html" => "html",
                "text/vcard" | "text/x-vcard" => "vcf",
                "text/calendar" => "ics",
                _ => "bin",
            };
            format!("body{number}.{ending}")
        });
        let name = names::shortened(name);
        let inner = place.clone().inside(name.as_str());
        let charset = head
            .charset()
            .filter(|_| kind.is_empty() || kind.starts_with("text/"));
        let text = kind.is_empty() || kind.starts_with("text/");
        let alternative = self.alternative;
        let forms = self
            .forms
            .as_mut()
            .filter(|forms| text && !head.is_attached() && forms.len() < FORMS);
        let mut body = Body::new(&mut self.lines, head.encoding());
        let last = names::last(&name);
        let mut recoded;
        let stream: &mut dyn Read = match charset.as_deref().and_then(Charset::parse) {
            Some(charset) if charset != Charset::UTF_8 => {
                recoded = AsUtf8::new(TextStream::new(&mut body, Some(charset)));
                &mut recoded
            }
            _ => &mut body,
        };
        match forms {
            None => walker.stream(inner, last, stream)?,
            Some(forms) => {
                let mut spool = Spool::new(FORM_IN_MEMORY);
                if let Err(error) = io::copy(stream, &mut spool) {
                    walker.unread(&inner, ReadError::of(error))?;
                }
                forms.push(Form {
                    alternative,
                    place: inner,
                    name: last.to_owned(),
                    blob: spool.into_blob(),
                });
            }
        }
        // What the listener left is passed over.
        while body.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
        ControlFlow::Continue(body.ended())
    }
}
