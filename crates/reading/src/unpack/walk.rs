//! The walk from a file into whatever lies within it.

use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use liuhen_document::Locator;

use super::budget::guarded;
use super::family::{Family, Packing, family};
use super::form::{Form, form};
use super::spool::Spool;
use super::strings::Strings;
use super::{
    Budget, Content, Film, Metered, Part, Passwords, Picture, Said, TextPart, Unpacked, Wishes,
};
use crate::archive::zip::Document;
use crate::database::Database;
use crate::pdf::pages::Pages;
use crate::source::Blob;
use crate::{
    HEAD, Limits, Options, Pdf, ReadError, SheetChoice, archive, arrow, avro, chat, mail, office,
    old, records, sql, vcard,
};

/// Goes from a file into whatever lies within it, and tells of every part.
pub(crate) struct Walker<'a> {
    pub(crate) wishes: &'a Wishes,
    pub(crate) budget: Arc<Budget>,
    tell: &'a mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
    depth: usize,
    report: Unpacked,
    /// The journal beside the outermost file.
    pub(super) journal: Option<Blob>,
    /// What is true of the parts that are told now.
    pub(crate) said: Said,
}

/// A file somewhere inside, of which the first bytes are known.
pub(crate) struct Piece<'r> {
    pub(crate) place: Locator,
    pub(crate) name: String,
    pub(crate) head: Vec<u8>,
    rest: Box<dyn Read + 'r>,
    /// All of it, where it can be sought as it lies.
    blob: Option<Blob>,
}

impl<'r> Piece<'r> {
    /// Its bytes from the first one on.
    pub(crate) fn into_reader(self) -> impl Read + 'r {
        Cursor::new(self.head).chain(self.rest)
    }

    /// Something that can be sought; what could not be unpacked is missing at its end, and said.
    pub(crate) fn into_blob(self) -> (Blob, Option<ReadError>) {
        match self.blob {
            Some(blob) => (blob, None),
            None => collect(&mut self.into_reader()),
        }
    }
}

impl<'a> Walker<'a> {
    pub(crate) fn new(
        wishes: &'a Wishes,
        outermost: u64,
        tell: &'a mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self {
            wishes,
            budget: Arc::new(Budget::new(&wishes.limits, outermost)),
            tell,
            depth: 0,
            report: Unpacked::default(),
            journal: None,
            said: Said::Once,
        }
    }

    pub(crate) fn report(&self) -> Unpacked {
        Unpacked {
            bytes: self.budget.unpacked(),
            ..self.report
        }
    }

    pub(crate) fn passwords(&self) -> &'a Passwords {
        &self.wishes.passwords
    }

    /// Tells of a part.
    pub(crate) fn tell(&mut self, place: &Locator, content: Content<'_>) -> ControlFlow<()> {
        match content {
            Content::Unread(_) => self.report.unread += 1,
            _ => self.report.parts += 1,
        }
        (self.tell)(Part {
            place: place.clone(),
            content,
            said: self.said,
        })
    }

    /// Tells of something that is not read.
    pub(crate) fn unread(&mut self, place: &Locator, error: ReadError) -> ControlFlow<()> {
        self.tell(place, Content::Unread(error))
    }

    /// Tells of a format that is recognised and not read.
    pub(crate) fn not_read(&mut self, place: &Locator, what: &'static str) -> ControlFlow<()> {
        let looks_like = Some(what);
        self.unread(place, ReadError::UnknownFormat { looks_like })
    }

    /// A decoder's bytes, counted.
    pub(crate) fn metered<R>(
        &self,
        inner: R,
        packed: Option<Arc<std::sync::atomic::AtomicU64>>,
    ) -> Metered<R> {
        Metered::new(inner, &self.budget, packed)
    }

    /// Opens a file that can be sought.
    pub(crate) fn blob(&mut self, place: Locator, name: &str, blob: &Blob) -> ControlFlow<()> {
        self.enter(place, name, &mut blob.open(), Some(blob.clone()))
    }

    /// Opens a file that comes as a stream.
    pub(crate) fn stream(
        &mut self,
        place: Locator,
        name: &str,
        stream: &mut dyn Read,
    ) -> ControlFlow<()> {
        self.enter(place, name, stream, None)
    }

    fn enter(
        &mut self,
        place: Locator,
        name: &str,
        stream: &mut dyn Read,
        blob: Option<Blob>,
    ) -> ControlFlow<()> {
        if let Err(error) = self.budget.file() {
            self.unread(&place, error)?;
            return ControlFlow::Break(());
        }
        // Said once, at the first file that is not opened any more; nothing is opened after it.
        if self.budget.is_spent() {
            if let Err(error) = self.budget.charge(0) {
                self.unread(&place, error)?;
            }
            return ControlFlow::Break(());
        }
        let mut head = Vec::new();
        let end = (&mut *stream).take(HEAD as u64).read_to_end(&mut head);
        let rest: Box<dyn Read + '_> = match end {
            Ok(_) => Box::new(stream),
            Err(error) if head.is_empty() => return self.unread(&place, ReadError::of(error)),
            // What came before the failure is read all the same.
            Err(error) => Box::new(Fails(Some(error))),
        };
        let name = name.to_owned();
        self.piece(Piece {
            place,
            name,
            head,
            rest,
            blob,
        })
    }

    fn piece(&mut self, piece: Piece<'_>) -> ControlFlow<()> {
        match family(&piece.head, &piece.name) {
            Family::Empty => self.empty(&piece.place),
            Family::Zip => self.sought(piece, archive::zip::open),
            Family::SevenZ => self.sought(piece, archive::sevenz::open),
            Family::Rar => self.sought(piece, archive::rar::open),
            Family::Tar => self.deeper(piece, archive::tar::open),
            Family::Packed(packing) => self.deeper(piece, |walker, piece| {
                archive::packed::open(walker, piece, packing)
            }),
            Family::Compound => self.sought(piece, old::open),
            Family::Sqlite => self.sought(piece, |walker, place, name, blob| {
                let limits = walker.budget.limits.clone();
                // Only the outermost file has something beside it.
                let journal = walker.journal.take().filter(|_| walker.depth == 1);
                match guarded(|| Database::open(blob, journal.as_ref(), &limits)) {
                    Ok(flow) => walker.flow(place, name, "SQLite", Box::new(flow)),
                    Err(error) => walker.unread(place, error),
                }
            }),
            Family::Arrow => self.sought(piece, |walker, place, name, blob| {
                let budget = Arc::clone(&walker.budget);
                match guarded(|| arrow::Arrow::open(blob, &budget)) {
                    Ok(flow) => walker.flow(place, name, "Arrow", Box::new(flow)),
                    Err(error) => walker.unread(place, error),
                }
            }),
            Family::Avro => self.sought(piece, |walker, place, name, blob| {
                let budget = Arc::clone(&walker.budget);
                match guarded(|| avro::Avro::open(blob, &budget)) {
                    Ok(flow) => walker.flow(place, name, "Avro", Box::new(flow)),
                    Err(error) => walker.unread(place, error),
                }
            }),
            Family::Rtf => self.sought(piece, |walker, place, name, blob| {
                let flow = Box::new(office::rtf::Rtf::new(blob.open()));
                walker.flow(place, name, "RTF", flow)
            }),
            Family::Pdf if self.wishes.records => {
                self.sought(piece, |walker, place, name, blob| {
                    walker.whole(place, name, blob)?;
                    walker.page_pictures(place, blob)
                })
            }
            Family::Pdf => self.sought(piece, |walker, place, name, blob| {
                match guarded(|| Pdf::open(blob.open(), &walker.budget.limits)) {
                    Ok(pdf) => {
                        walker.flow(place, name, "PDF", Box::new(Pages::new(pdf)))?;
                        walker.page_pictures(place, blob)
                    }
                    Err(error) => walker.unread(place, error),
                }
            }),
            #[cfg(feature = "parquet")]
            Family::Parquet => self.sought(piece, Self::whole),
            Family::Picture(format) => self.picture(piece, format),
            Family::Text(nature) => self.written(piece, nature),
            Family::Other(what @ ("video" | "sound or video")) if self.wishes.films => {
                self.film(piece, what)
            }
            Family::Other(what) => self.not_read(&piece.place, what),
            Family::Binary if self.wishes.strings => {
                self.sought(piece, |walker, place, name, blob| {
                    let flow = Box::new(Strings::new(blob.open()));
                    walker.flow(place, name, "strings", flow)
                })
            }
            Family::Binary => self.not_read(&piece.place, "binary data"),
        }
    }

    /// Text, by what it is beyond its characters.
    fn written(&mut self, piece: Piece<'_>, nature: crate::Nature) -> ControlFlow<()> {
        match form(&piece.head, &piece.name, self.wishes.records) {
            Form::Plain => self.text(piece, nature),
            Form::JsonLines => self.sought(piece, Self::whole),
            Form::Page => self.sought(piece, |walker, place, name, blob| {
                let page = office::html::Page::new(blob.open(), &walker.budget.limits);
                walker.flow(place, name, "HTML", Box::new(page))
            }),
            Form::Dump => {
                let head = piece.head.clone();
                self.sought(piece, |walker, place, name, blob| {
                    let dump = sql::Dump::new(blob.open(), &head, &walker.budget.limits);
                    walker.flow(place, name, "SQL", Box::new(dump))
                })
            }
            Form::Json => self.sought(piece, |walker, place, name, blob| {
                let json = records::json::open(blob, &walker.budget.limits);
                walker.flow(place, name, "JSON", json)
            }),
            Form::Xml => self.sought(piece, |walker, place, name, blob| {
                let xml = records::xml::open(blob, &walker.budget.limits);
                walker.flow(place, name, "XML", xml)
            }),
            Form::Cards => self.sought(piece, |walker, place, name, blob| {
                let cards = vcard::Cards::new(blob.open(), &walker.budget.limits);
                walker.flow(place, name, "vCard", Box::new(cards))
            }),
            Form::Chat => self.sought(piece, |walker, place, name, blob| {
                walker.flow(place, name, "chat", Box::new(chat::Chat::new(blob.open())))
            }),
            Form::Mail => self.sought(piece, mail::message),
            Form::Mailbox => self.sought(piece, mail::mailbox),
        }
    }

    fn empty(&mut self, place: &Locator) -> ControlFlow<()> {
        // An empty file holds nothing; only the outermost one is news.
        match self.depth {
            0 => self.unread(place, ReadError::Empty),
            _ => ControlFlow::Continue(()),
        }
    }

    /// One step further inside, unless that is too deep.
    fn deeper(
        &mut self,
        piece: Piece<'_>,
        open: impl FnOnce(&mut Self, Piece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let limit = self.budget.limits.max_depth;
        if self.depth >= limit {
            return self.unread(&piece.place, ReadError::TooDeep { limit });
        }
        self.depth += 1;
        let end = open(self, piece);
        self.depth -= 1;
        end
    }

    /// One step further inside, by a reader that seeks.
    fn sought(
        &mut self,
        piece: Piece<'_>,
        open: impl FnOnce(&mut Self, &Locator, &str, &Blob) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.deeper(piece, |walker, piece| {
            let (place, name) = (piece.place.clone(), piece.name.clone());
            let (blob, cut) = piece.into_blob();
            if let Some(error) = cut {
                walker.unread(&place, error)?;
            }
            open(walker, &place, &name, &blob)
        })
    }

    /// A document that comes as a ZIP.
    pub(crate) fn document(
        &mut self,
        place: &Locator,
        name: &str,
        blob: &Blob,
        document: Document,
    ) -> ControlFlow<()> {
        match document {
            Document::Workbook => self.workbook(place, blob),
            Document::BinaryWorkbook => self.not_read(place, "a binary workbook (XLSB)"),
            other => office::open(self, place, name, blob, other),
        }
    }

    /// Every sheet of a workbook, hidden ones included.
    fn workbook(&mut self, place: &Locator, blob: &Blob) -> ControlFlow<()> {
        let limits = &self.budget.limits;
        let left = limits
            .max_unpacked_bytes
            .saturating_sub(self.budget.unpacked());
        let limits = Limits {
            max_unpacked_bytes: left,
            ..limits.clone()
        };
        let mut first = 0;
        let mut table = loop {
            let options = Options {
                sheet: SheetChoice::Index(first),
                ..Options::default()
            };
            match crate::open_with(blob.open(), &place.file, &limits, &options) {
                Ok(table) => break table,
                Err(ReadError::Empty) => first += 1,
                Err(ReadError::NoSuchSheet) if first > 0 => return ControlFlow::Continue(()),
                Err(error) => return self.unread(place, error),
            }
        };
        table.lies_at(place);
        let names: Vec<String> = table
            .sheets()
            .iter()
            .map(|info| info.name.clone())
            .collect();
        for (index, name) in names.into_iter().enumerate().skip(first) {
            let place = place.clone().in_sheet(name);
            match table.choose_sheet(&SheetChoice::Index(index)) {
                Ok(()) => self.tell(&place, Content::Table(&mut table))?,
                Err(ReadError::Empty) => {}
                Err(error) => self.unread(&place, error)?,
            }
        }
        ControlFlow::Continue(())
    }

    /// A file that is one table.
    fn whole(&mut self, place: &Locator, _: &str, blob: &Blob) -> ControlFlow<()> {
        match guarded(|| crate::open(blob.open(), &place.file, &self.budget.limits)) {
            Ok(mut table) => {
                table.lies_at(place);
                self.tell(place, Content::Table(&mut table))
            }
            Err(ReadError::Empty) => ControlFlow::Continue(()),
            Err(error) => self.unread(place, error),
        }
    }

    /// The pictures on the pages of a PDF, where they are wished for; why it cannot be opened was
    /// said of its text.
    fn page_pictures(&mut self, place: &Locator, blob: &Blob) -> ControlFlow<()> {
        if !self.wishes.page_pictures {
            return ControlFlow::Continue(());
        }
        let opened = guarded(|| Pdf::open(blob.open(), &self.budget.limits));
        let Ok(mut pdf) = opened else {
            return ControlFlow::Continue(());
        };
        for page in 0..pdf.pages() {
            let number = page + 1;
            match guarded(|| pdf.pictures(page)) {
                Ok(pictures) => {
                    for (at, picture) in (1..).zip(pictures) {
                        let name = format!("page {number}, picture {at}");
                        let place = place.clone().in_sheet(name);
                        self.tell(&place, Content::PagePicture(number, picture))?;
                    }
                }
                Err(error) => {
                    let place = place.clone().in_sheet(format!("page {number}"));
                    self.unread(&place, error)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn text(&mut self, piece: Piece<'_>, nature: crate::Nature) -> ControlFlow<()> {
        let Piece {
            place,
            name,
            head,
            rest,
            blob,
        } = piece;
        let part = TextPart {
            nature,
            made: false,
            name,
            head,
            rest,
            blob,
            budget: self.budget.limits.max_unpacked_bytes,
        };
        self.tell(&place, Content::Text(part))
    }

    fn picture(&mut self, piece: Piece<'_>, format: &'static str) -> ControlFlow<()> {
        let Piece {
            place, head, rest, ..
        } = piece;
        let picture = Picture { format, head, rest };
        self.tell(&place, Content::Picture(picture))
    }

    fn film(&mut self, piece: Piece<'_>, format: &'static str) -> ControlFlow<()> {
        let Piece {
            place, head, rest, ..
        } = piece;
        let film = Film { format, head, rest };
        self.tell(&place, Content::Film(film))
    }
}

/// The name of what a packed file holds: its own without the ending, `tgz` becoming `tar`.
pub(crate) fn unpacked_name(name: &str, packing: Packing) -> String {
    let [plain, short] = packing.endings();
    match name.rsplit_once('.') {
        Some((stem, ending)) if ending.eq_ignore_ascii_case(plain) => stem.to_owned(),
        Some((stem, ending)) if ending.eq_ignore_ascii_case(short) => format!("{stem}.tar"),
        _ => name.to_owned(),
    }
}

/// A reader that has failed.
pub(crate) struct Fails(pub(crate) Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Everything a stream holds, as far as it comes, and why it came no further.
fn collect(stream: &mut dyn Read) -> (Blob, Option<ReadError>) {
    let mut spool = Spool::default();
    let error = io::copy(stream, &mut spool).err();
    (spool.into_blob(), error.map(ReadError::of))
}

/// Everything a stream holds, all of it or an error.
pub(super) fn spill(stream: &mut dyn Read, budget: u64) -> Result<Blob, ReadError> {
    let (blob, error) = collect(&mut stream.take(budget.saturating_add(1)));
    match error {
        Some(error) => Err(error),
        None if blob.len() > budget => Err(ReadError::TooLarge { budget }),
        None => Ok(blob),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_go_with_their_packing() {
        let rows = [
            ("a.csv.gz", Packing::Gzip, "a.csv"),
            ("a.TGZ", Packing::Gzip, "a.tar"),
            ("a.tar.xz", Packing::Xz, "a.tar"),
            ("a", Packing::Zstd, "a"),
            ("a.zst", Packing::Gzip, "a.zst"),
        ];
        for (name, packing, expected) in rows {
            assert_eq!(unpacked_name(name, packing), expected);
        }
    }

    #[test]
    fn what_is_large_goes_to_disk_whole() {
        let bytes: Vec<u8> = (0..10 << 20).map(|n: u32| (n % 251) as u8).collect();
        let blob = spill(&mut bytes.as_slice(), 20 << 20).unwrap();
        let (mut one, mut two) = (blob.open(), blob.part(9 << 20, 5).open());
        let (mut all, mut five) = (Vec::new(), Vec::new());
        one.read_to_end(&mut all).unwrap();
        two.read_to_end(&mut five).unwrap();
        assert!(all == bytes && five == bytes[9 << 20..(9 << 20) + 5]);
        assert!(spill(&mut bytes.as_slice(), 1 << 20).is_err());
    }
}
