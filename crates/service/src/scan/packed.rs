//! What lies within a file: entries of archives, documents, databases.
//!
//! Each file inside gets a report of its own, under the way that leads to it. Its tables are told
//! by number as sheets of a workbook are; the text of a document counts as one text.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use liuhen_detect::Detector;
use liuhen_document::Locator;
use liuhen_reading::{
    self as reading, Charset, Content, Part, Place, ReadError, Source, Table, TextPart, TextStream,
};

use super::file::{Stretch, name_of, text_of};
use super::finding::Site;
use super::notes::Reason;
use super::sink::Sink;
use super::{pages, pictures, table};
use crate::sight::LARGEST;

/// Strings that a workbook's cells share may take this much memory, for every worker.
const SHARED_STRINGS: usize = 96 << 20;

/// The journal beside a file that may be an SQLite database: a file of its name and `-wal`.
pub(crate) fn journal_of(path: &Path) -> Option<File> {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    // A link is not followed, here as elsewhere.
    let meta = fs::symlink_metadata(&name).ok()?;
    (meta.is_file() && meta.len() > 0)
        .then(|| File::open(&name).ok())
        .flatten()
}

/// Scans everything within a file.
pub(super) fn scan<S>(
    source: S,
    journal: Option<File>,
    detector: &Detector,
    outer: &mut Sink<'_>,
) -> Result<(), Reason>
where
    S: Read + Seek + Send + 'static,
{
    let request = outer.request();
    let mut wishes = request.wishes.clone();
    wishes.page_pictures = request.wants_pictures();
    wishes.films = request.looker.is_some() && request.films.is_some();
    wishes.limits.max_shared_strings_bytes =
        wishes.limits.max_shared_strings_bytes.min(SHARED_STRINGS);
    let path = outer.path().to_owned();
    let mut inside = Inside {
        outer,
        detector,
        inner: None,
        tables: 0,
        reached: Place::default(),
    };
    let journal = journal.map(|journal| Box::new(journal) as Box<dyn Source>);
    let tell = &mut |part: Part<'_>| inside.part(&part.place, part.content);
    let unpacked = reading::unpack_beside(source, journal, &path, &wishes, tell);
    inside.leave();
    match unpacked {
        // A file that nothing could be read of was not read itself.
        Ok(unpacked) if unpacked.parts > 0 => outer.read(0, 0),
        Ok(_) => {}
        Err(error) => return Err(Reason::from(&error)),
    }
    Ok(())
}

/// Where in the file the walk is.
struct Inside<'s, 'r> {
    outer: &'s mut Sink<'r>,
    detector: &'s Detector,
    /// The entry being read, unless it is the outermost file itself.
    inner: Option<(Vec<String>, Sink<'r>)>,
    tables: usize,
    /// Where in the document's text the next piece of it begins.
    reached: Place,
}

impl<'r> Inside<'_, 'r> {
    fn part(&mut self, place: &Locator, content: Content<'_>) -> ControlFlow<()> {
        self.enter(place);
        let detector = self.detector;
        if let Content::Table(_) = content {
            self.tables += 1;
        }
        let number = self.tables;
        let sink = match &mut self.inner {
            Some((_, sink)) => sink,
            None => &mut *self.outer,
        };
        match content {
            Content::Table(table) => sheet(table, place, number, detector, sink),
            Content::Text(text) if text.made => {
                let read = made(text, &mut self.reached, detector, sink);
                if let Err(reason) = read {
                    sink.note(reason);
                }
            }
            Content::Text(text) => words(text, detector, sink),
            Content::Picture(picture) => {
                let format = picture.format;
                let read = sink
                    .looker(format)
                    .and_then(|_| picture.bytes(LARGEST).map_err(|error| Reason::from(&error)))
                    .and_then(|bytes| pictures::bytes(format, &bytes, detector, sink));
                if let Err(reason) = read {
                    sink.note(reason);
                }
            }
            Content::PagePicture(page, picture) => {
                if let Err(reason) = pages::shown(picture, page, detector, sink) {
                    sink.note(reason);
                }
            }
            Content::Film(film) => {
                let format = film.format;
                let mut source = film.into_reader();
                if let Err(reason) = pictures::film_within(format, &mut source, detector, sink) {
                    sink.note(reason);
                }
            }
            Content::Unread(error) => sink.note(Reason::from(&error)),
            _ => {}
        }
        if sink.over {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Goes to the entry that a part lies in, and looks at the entry's name.
    fn enter(&mut self, place: &Locator) {
        let known = self
            .inner
            .as_ref()
            .map_or(&[][..], |(way, _)| way.as_slice());
        if known == place.inside.as_slice() {
            return;
        }
        self.leave();
        let Some(name) = place.inside.last() else {
            return;
        };
        let way = Locator {
            sheet: None,
            ..place.clone()
        };
        let mut sink = self.outer.within(way.to_string());
        name_of(name, self.detector, &mut sink);
        self.inner = Some((place.inside.clone(), sink));
    }

    fn leave(&mut self) {
        self.tables = 0;
        self.reached = Place::default();
        if let Some((_, sink)) = self.inner.take() {
            self.outer.over |= sink.over;
            sink.end();
        }
    }
}

fn sheet(
    source: &mut Table,
    place: &Locator,
    number: usize,
    detector: &Detector,
    sink: &mut Sink<'_>,
) {
    if let Some(name) = &place.sheet {
        detector.hits(name, |found| {
            let site = Site::SheetName { sheet: number };
            sink.found(site, found.hit.span, found.hit, found.text, "");
        });
    }
    table::sheet(source, number, detector, sink);
    sink.read(0, 0);
}

/// Text out of a document, which goes on where the last piece of it ended.
fn made(
    text: TextPart<'_>,
    place: &mut Place,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let mut text = TextStream::new(text.into_reader(), Some(Charset::UTF_8));
    let mut stretch = Stretch::at(*place, detector);
    let mut end = Ok(true);
    while matches!(end, Ok(true)) && !sink.over {
        end = text.pump(&mut |piece| {
            stretch.push(piece, sink);
            *place = place.after(piece);
        });
    }
    stretch.finish(sink);
    sink.read(text.taken(), text.malformed());
    end.map(drop).map_err(|error| Reason::from(&error))
}

fn words(text: TextPart<'_>, detector: &Detector, sink: &mut Sink<'_>) {
    let (nature, head) = (text.nature, text.head.clone());
    let mut rest = text.into_reader();
    // The head is looked at again by whoever judges tables, and comes first in what is read.
    let skipped = std::io::copy(
        &mut (&mut rest).take(head.len() as u64),
        &mut std::io::sink(),
    );
    let read = match skipped {
        Ok(_) => text_of(nature, &head, rest, detector, sink),
        Err(error) => Err(Reason::from(&ReadError::of(error))),
    };
    if let Err(reason) = read {
        sink.note(reason);
    }
}
