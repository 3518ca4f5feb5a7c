//! Any file becomes a stream of parts: tables, texts, pictures, and what could not be read.
//!
//! Archives are opened within archives, documents taken apart, databases read table by table;
//! each part comes with the way to it. Memory stays bounded: what must be sought and is not
//! seekable goes to an anonymous temporary file, never to a path that a name in an archive could
//! choose. Nothing is executed, nothing fetched, nothing passed over in silence: what is not read
//! comes as [`Content::Unread`] with the reason.
//!
//! How one format is read belongs to its own module; what the values mean, to `detect`.

mod budget;
mod family;
mod flow;
mod form;
mod spool;
mod strings;
mod walk;

use std::io::{self, Read};
use std::ops::ControlFlow;

use liuhen_document::Locator;
use sha1::{Digest as _, Sha1};

pub(crate) use budget::{Budget, Counted, Metered, guarded};
use family::{Family, family};
pub(crate) use family::{Packing, is_tar};
pub(crate) use flow::{Flow, Step, Texts};
use form::{Form, form};
pub(crate) use spool::Spool;
pub(crate) use walk::{Fails, Piece, Walker, unpacked_name};

use crate::source::{Blob, Source};
use crate::{Limits, Nature, PdfPicture, ReadError, Table};

/// How a file is to be taken apart.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Bounds on what it may cost.
    pub limits: Limits,
    /// What may open what is locked.
    pub passwords: Passwords,
    /// Strings are looked for in binary data that is nothing else: UTF-8, UTF-16 and GBK.
    pub strings: bool,
    /// Dumps of SQL, JSON and XML come as their tables, pages of HTML as text and tables; without it
    /// they come as they are written, so that every place is one of the file.
    pub records: bool,
    /// Pictures on pages of PDF are handed out too, after the pages' text.
    pub page_pictures: bool,
    /// Films are handed out too, which else are told as not read.
    pub films: bool,
}

/// Passwords to try, in order. Their `Debug` is a count.
#[derive(Clone, Default)]
pub struct Passwords(Vec<String>);

impl Passwords {
    /// These passwords; empty ones are left out.
    #[must_use]
    pub fn new(passwords: impl IntoIterator<Item = String>) -> Self {
        Self(passwords.into_iter().filter(|p| !p.is_empty()).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sixteen bits that differ for most other passwords, and tell next to nothing of these.
    #[must_use]
    pub fn check(&self) -> u16 {
        let mut sum = Sha1::new();
        for password in &self.0 {
            sum.update(password.len().to_le_bytes());
            sum.update(password);
        }
        let sum = sum.finalize();
        sum.first_chunk().map_or(0, |two| u16::from_le_bytes(*two))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passwords({})", self.0.len())
    }
}

/// A part of a file, and the way to it.
#[derive(Debug)]
pub struct Part<'a> {
    /// Where it lies: the outermost file, the entries on the way, the sheet or table.
    pub place: Locator,
    /// What it is.
    pub content: Content<'a>,
    /// Whether the same is said elsewhere in other words.
    pub said: Said,
}

/// Whether a part is one of several forms of one text: a body of mail as a page and as plain text.
///
/// Only with [`Wishes::records`]; otherwise every form is said once, in the order of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Said {
    /// It stands by itself.
    #[default]
    Once,
    /// The richest form, the last by RFC 2046, section 5.1.4; the others follow.
    First,
    /// A form of what was said [`Said::First`] before it.
    Again,
}

/// What a part is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content<'a> {
    /// A table, whose rows are still to be read; what is left of it is passed over.
    Table(&'a mut Table),
    /// Text, delimited text included.
    Text(TextPart<'a>),
    /// A picture, whose bytes are still to be read.
    Picture(Picture<'a>),
    /// What a page of a PDF shows, counted from 1; its place names page and picture.
    PagePicture(usize, PdfPicture),
    /// A film, or sound in a container of films, whose bytes are still to be read.
    Film(Film<'a>),
    /// It was not read, or not to its end.
    Unread(ReadError),
}

/// Text that is still to be read, and decoded.
pub struct TextPart<'a> {
    /// Delimited text, text whose rows split alike, or running text.
    pub nature: Nature,
    /// Whether its bytes are UTF-8 that this crate made out of a document, so that byte places in
    /// it are none of the file.
    pub made: bool,
    /// The name that its file bears.
    pub name: String,
    /// Its first bytes, up to 64 KiB, which [`TextPart::into_reader`] gives again.
    pub head: Vec<u8>,
    rest: Box<dyn Read + 'a>,
    blob: Option<Blob>,
    budget: u64,
}

impl<'a> TextPart<'a> {
    /// Its bytes from the first one on. An error may hold a [`ReadError`], see [`ReadError::of`].
    pub fn into_reader(self) -> impl Read + 'a {
        io::Cursor::new(self.head).chain(self.rest)
    }

    /// Its bytes as something that can be sought, for [`open`](crate::open): a part of the source
    /// where that is possible, otherwise a copy in memory or in an anonymous temporary file.
    ///
    /// # Errors
    ///
    /// Whatever unpacking it or the system answers.
    pub fn into_source(self) -> Result<Box<dyn Source>, ReadError> {
        if let Some(blob) = self.blob {
            return Ok(Box::new(blob.open()));
        }
        let budget = self.budget;
        Ok(Box::new(
            walk::spill(&mut self.into_reader(), budget)?.open(),
        ))
    }
}

impl std::fmt::Debug for TextPart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextPart")
            .field("nature", &self.nature)
            .finish_non_exhaustive()
    }
}

/// A picture that is still to be decoded.
pub struct Picture<'a> {
    /// Its format, as `a JPEG picture`.
    pub format: &'static str,
    head: Vec<u8>,
    rest: Box<dyn Read + 'a>,
}

impl Picture<'_> {
    /// Its bytes, when there are at most `limit` of them.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`]; whatever unpacking it answers.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let all = io::Cursor::new(self.head).chain(self.rest);
        let read = all.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(ReadError::of)?;
        if bytes.len() as u64 > limit {
            return Err(ReadError::TooLarge { budget: limit });
        }
        Ok(bytes)
    }
}

impl std::fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({})", self.format)
    }
}

/// A film that is still to be opened.
pub struct Film<'a> {
    /// Its format, as `video`.
    pub format: &'static str,
    head: Vec<u8>,
    rest: Box<dyn Read + 'a>,
}

impl<'a> Film<'a> {
    /// Its bytes from the first one on. An error may hold a [`ReadError`], see [`ReadError::of`].
    pub fn into_reader(self) -> impl Read + 'a {
        io::Cursor::new(self.head).chain(self.rest)
    }
}

impl std::fmt::Debug for Film<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Film({})", self.format)
    }
}

/// What taking a file apart came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Parts handed out that can be read.
    pub parts: u64,
    /// Parts handed out that were not read.
    pub unread: u64,
    /// Bytes unpacked on the way.
    pub bytes: u64,
}

/// Whether a text holds more than its characters say, so that [`unpack`] makes something else of it:
/// mail, whose parts are encoded, and with `records` whatever comes as rows.
///
/// `head` is its first 64 KiB.
#[must_use]
pub fn comes_apart(head: &[u8], name: &str, records: bool) -> bool {
    matches!(family(head, name), Family::Text(_)) && form(head, name, records) != Form::Plain
}

/// Takes a file apart; parts come in the order of the file, `tell` may break off.
///
/// `name` is the outermost file's, as it is to be shown. What goes wrong with a part is a part of
/// its own and no error. Safe on any bytes whatever.
///
/// # Errors
///
/// [`ReadError::Source`] when the source itself cannot be read.
pub fn unpack<S>(
    source: S,
    name: &str,
    wishes: &Wishes,
    tell: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<Unpacked, ReadError>
where
    S: Read + io::Seek + Send + 'static,
{
    unpack_beside(source, None, name, wishes, tell)
}

/// As [`unpack`], of a file beside which a journal lies: the `-wal` of an SQLite database, whose
/// rows are not yet in the database itself. It is passed over where the file is something else.
///
/// # Errors
///
/// As [`unpack`].
pub fn unpack_beside<S>(
    source: S,
    journal: Option<Box<dyn Source>>,
    name: &str,
    wishes: &Wishes,
    tell: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Result<Unpacked, ReadError>
where
    S: Read + io::Seek + Send + 'static,
{
    let blob = Blob::new(Box::new(source))?;
    let mut walker = Walker::new(wishes, blob.len(), tell);
    walker.journal = journal.map(Blob::new).transpose()?;
    // Breaking off is the listener's wish and no news to it.
    let _ = walker.blob(Locator::file(name), name, &blob);
    Ok(walker.report())
}
