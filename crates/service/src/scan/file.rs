//! One path: its name, then its contents as whatever they are.
//!
//! Tables and workbooks are read by `table`; running text is read here.

use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use liuhen_detect::{Detector, Stream};
use liuhen_document::Span;
use liuhen_forensics::case::open_quietly;
use liuhen_reading::{self as reading, Nature, Place, Source, TextStream, nature};

use super::finding::Site;
use super::notes::Reason;
use super::sink::{Sink, Told};
use super::walk::{Stop, What};
use super::{Request, databases, packed, pages, pictures, table};
use crate::sight::Reel;

/// Bytes that a file's nature is judged by.
const HEAD: u64 = 64 << 10;
/// A workbook on standard input must be held in memory, since its table of contents comes last.
const PIPED_WORKBOOK: u64 = 64 << 20;

/// A path as it is shown: without `./`, bytes that are no UTF-8 as `\xC3`, so that paths that differ
/// are shown differently.
pub(crate) fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        shown.push_str(chunk.valid());
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    match shown.strip_prefix("./") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => shown,
    }
}

/// Scans one path and tells everything about it.
pub(super) fn scan(
    stop: &Stop,
    request: &Request<'_>,
    detector: &Detector,
    out: &SyncSender<Told>,
) {
    let shown = match stop.what {
        What::Database => databases::shown(&stop.path),
        _ => shown(&stop.path),
    };
    let mut sink = Sink::new(shown, request, out);
    // One file must not cost the report on all others; what was found in it so far is kept.
    let ended = catch_unwind(AssertUnwindSafe(|| {
        if !matches!(stop.what, What::Stdin | What::Database) {
            name(&stop.path, detector, &mut sink);
        }
        contents(stop, detector, &mut sink)
    }));
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => sink.note(reason),
        Err(_) => sink.note(Reason::Fault),
    }
    sink.end();
}

/// A file's own name may be the leak: 张三+身份证号.jpg.
fn name(path: &Path, detector: &Detector, sink: &mut Sink<'_>) {
    let Some(name) = path.file_name() else { return };
    name_of(&name.to_string_lossy(), detector, sink);
}

pub(super) fn name_of(name: &str, detector: &Detector, sink: &mut Sink<'_>) {
    detector.hits(name, |found| {
        sink.found(Site::Name, found.hit.span, found.hit, found.text, "");
    });
}

fn contents(stop: &Stop, detector: &Detector, sink: &mut Sink<'_>) -> Result<(), Reason> {
    match &stop.what {
        What::Folder => Ok(()),
        What::Not(reason) => Err(reason.clone()),
        What::Database => databases::scan(&stop.path, detector, sink),
        What::Stdin => piped(io::stdin().lock(), "-", detector, sink),
        What::File => {
            let file = open_quietly(&stop.path).map_err(|error| Reason::from(&error))?;
            let before = file.metadata().map_err(|error| Reason::from(&error))?;
            let name = stop.path.file_name().unwrap_or_default().to_string_lossy();
            if !before.is_file() {
                return piped(file, &name, detector, sink);
            }
            let after = file.try_clone().map_err(|error| Reason::from(&error))?;
            let read = regular(file, &stop.path, &name, detector, sink);
            let now = after.metadata().map_err(|error| Reason::from(&error))?;
            if changed(&before, &now) {
                sink.note(Reason::Changed);
            }
            read
        }
    }
}

fn changed(before: &Metadata, after: &Metadata) -> bool {
    let of = |meta: &Metadata| (meta.len(), meta.modified().ok());
    of(before) != of(after)
}

fn regular(
    mut file: File,
    path: &Path,
    name: &str,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let head = head_of(&mut file)?;
    match nature(&head, name) {
        Nature::Archive => {
            let again = || Ok(Box::new(file.try_clone()?) as Box<dyn Source>);
            match table::workbook(&again, detector, sink) {
                // No workbook, or one that is cut short: what lies in it is still to be had.
                Err(Reason::Format(_) | Reason::Broken(_)) => {
                    packed::scan(file, None, detector, sink)
                }
                read => read,
            }
        }
        Nature::Columns => packed::scan(file, None, detector, sink),
        Nature::NotRead(what @ ("video" | "sound or video")) if sink.request().films.is_some() => {
            let length = file.metadata().map_or(0, |meta| meta.len());
            pictures::film(what, Reel::Path(path), length, detector, sink)
        }
        Nature::NotRead(what) if is_opened(what) => {
            packed::scan(file, packed::journal_of(path), detector, sink)
        }
        Nature::NotRead(what) => pictures::scan(what, head.as_slice().chain(file), detector, sink),
        Nature::Pdf => {
            let length = file.metadata().map_or(0, |meta| meta.len());
            pages::pdf(file, length, detector, sink)
        }
        _ if reading::comes_apart(&head, name, false) => packed::scan(file, None, detector, sink),
        nature => text_of(nature, &head, file, detector, sink),
    }
}

/// Whether something lies within, or may.
fn is_opened(what: &str) -> bool {
    !what.ends_with(" picture")
}

/// What comes through a pipe, and cannot be sought.
fn piped(
    mut source: impl Read,
    name: &str,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let head = head_of(&mut source)?;
    match nature(&head, name) {
        nature @ (Nature::Archive | Nature::Columns | Nature::Pdf | Nature::NotRead(_)) => {
            if let Nature::NotRead(what) = nature
                && !is_opened(what)
            {
                return pictures::scan(what, head.chain(source), detector, sink);
            }
            let mut bytes = head;
            let mut rest = source.take(PIPED_WORKBOOK);
            rest.read_to_end(&mut bytes)
                .map_err(|error| Reason::from(&error))?;
            if rest.limit() == 0 {
                return Err(Reason::Format(
                    "a large file through a pipe whose parts stand at its end; give it as a file",
                ));
            }
            if nature == Nature::Pdf {
                let length = bytes.len() as u64;
                return pages::pdf(Cursor::new(bytes), length, detector, sink);
            }
            let bytes: Arc<[u8]> = bytes.into();
            let again = || Ok(Box::new(Cursor::new(Arc::clone(&bytes))) as Box<dyn Source>);
            let workbook = match nature {
                Nature::Archive => table::workbook(&again, detector, sink),
                _ => Err(Reason::Format("a ZIP archive")),
            };
            match workbook {
                Err(Reason::Format(_) | Reason::Broken(_)) => {
                    packed::scan(Cursor::new(bytes), None, detector, sink)
                }
                read => read,
            }
        }
        nature => text_of(nature, &head, source, detector, sink),
    }
}

fn head_of(source: &mut impl Read) -> Result<Vec<u8>, Reason> {
    let mut head = Vec::new();
    let mut first = source.by_ref().take(HEAD);
    match first.read_to_end(&mut head) {
        Ok(_) => Ok(head),
        Err(error) => Err(Reason::from(&error)),
    }
}

/// Text of some nature, of which `head` was read already.
pub(super) fn text_of(
    nature: Nature,
    head: &[u8],
    rest: impl Read,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let as_text = sink.request().as_text;
    let meter = sink.request().meter;
    let source = Metered {
        inner: head.chain(rest),
        meter,
    };
    match nature {
        Nature::NotRead(what) => Err(Reason::Format(what)),
        Nature::Table(delimiter) if !as_text => table::delimited(source, delimiter, detector, sink),
        Nature::Regular(delimiter) if !as_text && table::names_columns(head, delimiter) => {
            table::delimited(source, delimiter, detector, sink)
        }
        _ => running(source, detector, sink),
    }
}

/// Running text, in constant memory.
fn running(source: impl Read, detector: &Detector, sink: &mut Sink<'_>) -> Result<(), Reason> {
    let mut text = TextStream::new(source, None);
    let mut stream = detector.stream();
    let mut end = Ok(true);
    while matches!(end, Ok(true)) && !sink.over {
        end = text.pump(&mut |piece| {
            sink.watched(piece, true);
            stream.push(piece, &mut |found| sink.found_at(Place::default(), &found));
        });
    }
    stream.finish(&mut |found| sink.found_at(Place::default(), &found));
    sink.watched("", false);
    sink.read(text.taken(), text.malformed());
    end.map(drop).map_err(|error| Reason::from(&error))
}

/// A stretch of running text that begins somewhere in a file.
pub(super) struct Stretch<'d> {
    stream: Stream<'d>,
    base: Place,
}

impl<'d> Stretch<'d> {
    pub(super) fn at(base: Place, detector: &'d Detector) -> Self {
        let stream = detector.stream();
        Self { stream, base }
    }

    pub(super) fn push(&mut self, text: &str, sink: &mut Sink<'_>) {
        let base = self.base;
        sink.watched(text, true);
        self.stream
            .push(text, &mut |found| sink.found_at(base, &found));
    }

    pub(super) fn finish(self, sink: &mut Sink<'_>) {
        let base = self.base;
        self.stream.finish(&mut |found| sink.found_at(base, &found));
        sink.watched("", false);
    }
}

/// Tells a meter of every stretch read.
struct Metered<'a, R> {
    inner: R,
    meter: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(meter) = self.meter {
            meter(count as u64);
        }
        Ok(count)
    }
}

/// The span of a whole finding between two places.
pub(super) fn between(from: Place, to: Place) -> Span {
    Span {
        bytes: (from.bytes, to.bytes),
        chars: (from.chars, to.chars),
        utf16: (from.utf16, to.utf16),
    }
}
