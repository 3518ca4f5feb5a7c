//! What lies within a file, as tables for a count: entries of archives, documents, databases, mail.
//!
//! `reading` hands parts out, a count asks for rows: a thread stands between them, a few batches
//! ahead. Nothing is collected: a part's rows go on as they are read, and what must be read twice
//! is spooled by `reading`. The thread ends with its exhibit, whoever lets go first.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use liuhen_detect::Detector;
use liuhen_document::Locator;
use liuhen_forensics::{Batch, Exhibit, Looked, Step, TableHead, Unread, UnreadPart};
use liuhen_reading::{
    self as reading, Charset, Content, Nature, Part, ReadError, Said, Source, Table, TextPart,
    TextStream, Wishes,
};

use super::forms::Forms;
use super::pictures::{Gaze, Glance};
use super::tables::{Lines, Rows, of_reader, unread};
use crate::scan::{Reason, names_columns};
use crate::sight::LARGEST;

/// Steps that may wait to be counted.
const AHEAD: usize = 3;

/// What lies within a file, being read by a thread of its own.
pub(super) struct Inside {
    take: Option<Receiver<Told>>,
    spare: Sender<Batch>,
    thread: Option<JoinHandle<Option<Unread>>>,
    meter: Arc<Meter>,
}

/// What the thread tells.
enum Told {
    Table(TableHead),
    Rows(Batch),
    Picture(Looked),
    Unread(UnreadPart),
}

/// How much was read, and whether anybody still wants more.
#[derive(Default)]
struct Meter {
    taken: AtomicU64,
    stopped: AtomicBool,
}

impl Inside {
    pub(super) fn open(
        file: File,
        journal: Option<File>,
        name: &str,
        wishes: &Arc<Wishes>,
        detector: &Arc<Detector>,
        gaze: &Arc<Gaze>,
    ) -> io::Result<Self> {
        let meter = Arc::new(Meter::default());
        let (give, take) = sync_channel(AHEAD);
        let (spare, spared) = channel();
        let source = Metered {
            file,
            meter: Arc::clone(&meter),
        };
        let (name, wishes, detector) = (name.to_owned(), Arc::clone(wishes), Arc::clone(detector));
        let gaze = Arc::clone(gaze);
        let work = move || {
            let mut walk = Walk {
                wishes: &wishes,
                detector: &detector,
                gaze: &gaze,
                give,
                spared,
                reached: None,
                forms: Forms::default(),
                failed: None,
            };
            let journal = journal.map(|journal| Box::new(journal) as Box<dyn Source>);
            let tell = &mut |part: Part<'_>| walk.part(part);
            let unpacked = reading::unpack_beside(source, journal, &name, &wishes, tell);
            let failed = unpacked.err().map(|error| of_reader(&error));
            failed.or(walk.failed)
        };
        Ok(Self {
            take: Some(take),
            spare,
            thread: Some(std::thread::Builder::new().spawn(work)?),
            meter,
        })
    }

    /// Why the file itself was not read to its end, once its thread is done.
    fn end(&mut self) -> Result<Step, Unread> {
        let Some(thread) = self.thread.take() else {
            return Ok(Step::End);
        };
        match thread.join() {
            Ok(None) => Ok(Step::End),
            Ok(Some(failed)) => Err(failed),
            Err(_) => Err(unread(&Reason::Fault)),
        }
    }
}

impl Exhibit for Inside {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let told = self.take.as_ref().and_then(|take| take.recv().ok());
        match told {
            Some(Told::Table(head)) => Ok(Step::Table(head)),
            Some(Told::Picture(looked)) => Ok(Step::Picture(looked)),
            Some(Told::Unread(part)) => Ok(Step::Unread(part)),
            Some(Told::Rows(rows)) => {
                let spare = std::mem::replace(batch, rows);
                // A thread that is done needs no more batches.
                let _ = self.spare.send(spare);
                Ok(Step::Rows)
            }
            None => self.end(),
        }
    }

    fn taken(&self) -> u64 {
        self.meter.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.meter.stopped.store(true, Ordering::Relaxed);
        // Without a listener the thread breaks off; it must not outlive its count.
        self.take = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A file that counts how far it was read, and ends early when nobody listens.
struct Metered {
    file: File,
    meter: Arc<Meter>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.stopped.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.file.read(buffer)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.file.seek(to)?;
        // Where something is sought is about how far the file was read.
        if let SeekFrom::Start(at) = to {
            self.meter.taken.fetch_max(at, Ordering::Relaxed);
        }
        Ok(at)
    }
}

/// Parts on their way to batches.
struct Walk<'a> {
    wishes: &'a Wishes,
    detector: &'a Detector,
    gaze: &'a Gaze,
    give: SyncSender<Told>,
    spared: Receiver<Batch>,
    /// The text whose pieces come one after another, and its last line.
    reached: Option<(Locator, u64)>,
    forms: Forms,
    /// Why the file itself was not read to its end.
    failed: Option<Unread>,
}

impl Walk<'_> {
    fn part(&mut self, part: Part<'_>) -> ControlFlow<()> {
        let place = part.place;
        self.forms.part(part.said);
        match part.content {
            Content::Table(table) => self.table(&place, table),
            Content::Text(text) if text.made => {
                let stream = TextStream::new(text.into_reader(), Some(Charset::UTF_8));
                let before = match &self.reached {
                    Some((known, line)) if *known == place => *line,
                    _ => 0,
                };
                let line = self.lines(&place, stream, before)?;
                self.reached = Some((place, line));
                ControlFlow::Continue(())
            }
            Content::Text(text) => self.text(&place, text),
            Content::Picture(picture) => {
                let format = picture.format;
                let bytes = || picture.bytes(LARGEST).map_err(|error| Reason::from(&error));
                let glance = self.gaze.bytes(format, bytes);
                self.picture(&place, glance)
            }
            Content::PagePicture(_, picture) => {
                let glance = self.gaze.page(picture);
                self.picture(&place, glance)
            }
            Content::Unread(error) => self.unread(&place, of_reader(&error)),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Tells; breaks off when nobody listens any more.
    fn tell(&self, told: Told) -> ControlFlow<()> {
        match self.give.send(told) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn unread(&mut self, place: &Locator, why: Unread) -> ControlFlow<()> {
        let inside = way(place, true).unwrap_or_default();
        // The first thing that ends the file itself is said of the file.
        if inside.is_empty() && self.failed.is_none() {
            self.failed = Some(why);
            return ControlFlow::Continue(());
        }
        self.tell(Told::Unread(UnreadPart { inside, why }))
    }

    fn head(&mut self, place: &Locator, head: TableHead) -> ControlFlow<()> {
        self.forms.head(&head);
        self.tell(Told::Table(TableHead {
            inside: way(place, false),
            sheet: place.sheet.clone(),
            ..head
        }))
    }

    /// A picture that was looked at, or why it was not.
    fn picture(&mut self, place: &Locator, glance: Result<Arc<Glance>, Reason>) -> ControlFlow<()> {
        let glance = match glance {
            Ok(glance) => glance,
            Err(reason) => {
                self.tell(Told::Picture(Looked::NotSeen(reason.code().to_owned())))?;
                return self.unread(place, unread(&reason));
            }
        };
        self.tell(Told::Picture(glance.looked.clone()))?;
        let Some(head) = glance.table() else {
            return ControlFlow::Continue(());
        };
        self.head(place, head)?;
        let mut from = 0;
        loop {
            let mut batch = self.batch();
            match glance.rows(from, &mut batch) {
                0 => return ControlFlow::Continue(()),
                count => from += count,
            }
            self.tell(Told::Rows(batch))?;
        }
    }

    fn table(&mut self, place: &Locator, table: &mut Table) -> ControlFlow<()> {
        let (head, mut rows) = match Rows::begin(table, self.detector) {
            Ok(begun) => begun,
            Err(why) => return self.unread(place, why),
        };
        self.head(place, head)?;
        let mut more = true;
        while more {
            let mut batch = self.batch();
            more = rows.fill(table, self.detector, &mut batch);
            self.rows(batch)?;
        }
        match table.failure() {
            Some(failure) => self.unread(place, of_reader(failure)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Text as it lies in its file: a table, or lines.
    fn text(&mut self, place: &Locator, text: TextPart<'_>) -> ControlFlow<()> {
        let tabular = match text.nature {
            Nature::Table(_) => true,
            Nature::Regular(delimiter) => names_columns(&text.head, delimiter),
            _ => false,
        };
        if !tabular {
            let stream = TextStream::new(text.into_reader(), None);
            return self.lines(place, stream, 0).map_continue(drop);
        }
        let source = match text.into_source() {
            Ok(source) => source,
            Err(error) => return self.unread(place, of_reader(&error)),
        };
        match reading::open(source, "", &self.wishes.limits) {
            Ok(mut table) => self.table(place, &mut table),
            Err(ReadError::Empty) => ControlFlow::Continue(()),
            Err(error) => self.unread(place, of_reader(&error)),
        }
    }

    /// Running text; answers the number of its last line.
    fn lines(
        &mut self,
        place: &Locator,
        stream: TextStream<impl Read>,
        before: u64,
    ) -> ControlFlow<(), u64> {
        let detector = self.detector;
        let mut lines = Lines::new(stream, before, detector);
        loop {
            let mut batch = self.batch();
            let step = lines.next(&mut batch);
            if !batch.is_empty() {
                self.rows(batch)?;
            }
            match step {
                Ok(Step::Table(head)) => self.head(place, head)?,
                Ok(Step::End) => break,
                Ok(_) => {}
                Err(why) => {
                    self.unread(place, why)?;
                    break;
                }
            }
        }
        ControlFlow::Continue(lines.number())
    }

    fn batch(&self) -> Batch {
        let mut batch = self.spared.try_recv().unwrap_or_default();
        batch.clear();
        batch
    }

    fn rows(&mut self, batch: Batch) -> ControlFlow<()> {
        let batch = match self.forms.said {
            Said::Again => self.forms.unsaid(&batch, self.batch()),
            _ => batch,
        };
        if self.forms.said == Said::First {
            self.forms.learn(&batch);
        }
        self.tell(Told::Rows(batch))
    }
}

/// The way to a part within its file, its sheet too when that is asked for; none for the file itself.
fn way(place: &Locator, with_sheet: bool) -> Option<String> {
    let sheet = place.sheet.iter().filter(|_| with_sheet);
    let mut steps = place.inside.iter().chain(sheet).cloned();
    let first = steps.next()?;
    let way = Locator {
        file: first,
        inside: steps.collect(),
        ..Locator::default()
    };
    Some(way.to_string())
}
