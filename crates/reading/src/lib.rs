//! Bytes of CSV, TSV, JSON Lines, XLSX, Parquet and PDF become a table, streamed.
//!
//! The format is judged from the bytes, the name is only a hint. Memory stays bounded whatever
//! the file's size, every bound is in [`Limits`], and what a file says about itself is never
//! believed. A row that cannot be read becomes a [`RowProblem`](liuhen_document::RowProblem) with
//! its place, never with its value, and the rows after it are read on.
//!
//! Whoever wants text and no table takes [`TextStream`], which reads pipes too; [`PlacedRows`] makes
//! rows of it that know where in the text they stand, and [`nature`] says which of these a file is for.
//!
//! What the values mean belongs to `detect`; writing files, to `service`.
//!
//! ```
//! use liuhen_document::TableSource;
//! use liuhen_reading::{Limits, open};
//!
//! let bytes = "姓名;手机\n某甲;13800000000\n某乙;\"139\n".as_bytes();
//! let mut table = open(std::io::Cursor::new(bytes), "list.csv", &Limits::default())?;
//! assert_eq!(table.header().0, ["姓名", "手机"]);
//!
//! let row = table.next_row().unwrap().unwrap();
//! assert_eq!((row.number, row.cell(1)), (2, "13800000000"));
//!
//! let problem = table.next_row().unwrap().unwrap_err();
//! assert_eq!(problem.to_string(), "list.csv, row 3: a quotation mark is never closed");
//! assert!(table.next_row().is_none() && table.failure().is_none());
//! # Ok::<(), liuhen_reading::ReadError>(())
//! ```

mod archive;
mod arrow;
mod avro;
mod charset;
mod chat;
mod database;
mod dialect;
mod error;
mod jsonl;
mod limits;
mod line;
mod mail;
mod nature;
mod number;
mod office;
mod old;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod pdf;
mod place;
mod placed;
mod raw;
mod record;
mod records;
mod sniff;
mod source;
mod sql;
mod stream;
mod table;
mod text;
mod transcode;
mod typed;
mod unpack;
mod vcard;
mod xlsx;

pub use charset::Charset;
pub use error::ReadError;
pub use limits::Limits;
pub use line::Line;
pub use mail::Message;
pub use nature::{Nature, nature};
pub use options::{Format, HeaderChoice, Options, SheetChoice, SheetInfo};
pub use pdf::{Pdf, PdfPicture};
pub use place::Place;
pub use placed::{Piece, PlacedRow, PlacedRows};
pub use raw::Rows;
pub use record::Delimiter;
pub use source::Source;
pub use stream::TextStream;
pub use table::Table;
pub use unpack::{
    Content, Film, Part, Passwords, Picture, Said, TextPart, Unpacked, Wishes, comes_apart, unpack,
    unpack_beside,
};
pub use xlsx::XlsxPart;

use std::io::{Read, Seek, SeekFrom};

use sniff::Sniffed;
use table::Opened;

/// Bytes that a format is judged by.
const HEAD: usize = 64 << 10;

/// Opens a file as a table; the file itself decides how.
///
/// `name` is for messages, and for the delimiter of a text that leaves it open. Reading begins at
/// the source's first byte, wherever its position is. Safe on any bytes whatever.
///
/// # Errors
///
/// [`ReadError`], when not a single row can be read; later trouble is reported row by row, and by
/// [`Table::failure`] when it ends the reading.
pub fn open<S>(source: S, name: &str, limits: &Limits) -> Result<Table, ReadError>
where
    S: Read + Seek + Send + 'static,
{
    open_with(source, name, limits, &Options::default())
}

/// Opens a file as a table, told how.
///
/// # Errors
///
/// As [`open`]; and [`ReadError::NoSuchSheet`] or [`ReadError::NoSuchHeader`] when the file has
/// not what `options` asks for.
pub fn open_with<S>(
    source: S,
    name: &str,
    limits: &Limits,
    options: &Options,
) -> Result<Table, ReadError>
where
    S: Read + Seek + Send + 'static,
{
    let mut source: Box<dyn Source> = Box::new(source);
    let length = source::measure(source.as_mut())?;
    let mut head = vec![0; HEAD.min(usize::try_from(length).unwrap_or(HEAD))];
    let filled = source::read_up_to(source.as_mut(), &mut head)?;
    head.truncate(filled);
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    let opened = match judge(&head, options) {
        Sniffed::Zip => open_workbook(source, name, limits, options)?,
        Sniffed::Pdf => open_pdf(source, length, name, limits)?,
        Sniffed::Text => open_text(source, &head, length, name, limits, options)?,
        #[cfg(feature = "parquet")]
        Sniffed::Other("Parquet") => Opened {
            name: name.to_owned(),
            format: Format::Parquet,
            workbook: None,
            sheet: None,
            rows: Box::new(parquet::ParquetRows::open(source, length, limits)?),
        },
        Sniffed::Ole => return Err(refuse_compound_file(source.as_mut(), &head)),
        Sniffed::Other(what) => {
            return Err(ReadError::UnknownFormat {
                looks_like: Some(what),
            });
        }
        Sniffed::Binary => return Err(ReadError::UnknownFormat { looks_like: None }),
    };
    Table::new(opened, options.header, limits)
}

/// UTF-16 is full of zero bytes and still text.
fn judge(head: &[u8], options: &Options) -> Sniffed {
    let sniffed = sniff::sniff(head);
    let marked = charset::by_mark(head).is_some() || options.charset.is_some();
    match sniffed {
        Sniffed::Binary if marked || charset::by_zero_bytes(head).is_some() => Sniffed::Text,
        other => other,
    }
}

fn open_workbook(
    source: Box<dyn Source>,
    name: &str,
    limits: &Limits,
    options: &Options,
) -> Result<Opened, ReadError> {
    let workbook = xlsx::Xlsx::open(source, limits)?;
    let (sheet, rows) = workbook.rows(&options.sheet)?;
    Ok(Opened {
        name: name.to_owned(),
        format: Format::Xlsx,
        workbook: Some(workbook),
        sheet: Some(sheet),
        rows,
    })
}

fn open_pdf(
    source: Box<dyn Source>,
    length: u64,
    name: &str,
    limits: &Limits,
) -> Result<Opened, ReadError> {
    Ok(Opened {
        name: name.to_owned(),
        format: Format::Pdf,
        workbook: None,
        sheet: None,
        rows: Box::new(pdf::PdfRows::open(source, length, limits)?),
    })
}

fn open_text(
    mut source: Box<dyn Source>,
    head: &[u8],
    length: u64,
    name: &str,
    limits: &Limits,
    options: &Options,
) -> Result<Opened, ReadError> {
    let (charset, mark) = text::charset_of(source.as_mut(), head, options.charset)?;
    source.seek(SeekFrom::Start(mark as u64))?;
    let whole = head.len() as u64 == length;
    let json = options.delimiter.is_none() && jsonl::looks(head, whole);
    // RFC 8259, section 8.1: JSON is UTF-8; short Chinese GBK reads as UTF-8 by chance too seldom to matter.
    let charset = match options.charset {
        None if json && jsonl::is_utf8(head) => Charset::UTF_8,
        _ => charset,
    };
    let input = transcode::Transcoder::new(source, charset, mark as u64);
    if json {
        return Ok(Opened {
            name: name.to_owned(),
            format: Format::JsonLines { charset },
            workbook: None,
            sheet: None,
            rows: Box::new(jsonl::JsonRows::new(input, length, limits)?),
        });
    }
    let rows = text::TextRows::new(input, length, name, limits, options)?;
    Ok(Opened {
        name: name.to_owned(),
        format: Format::Text {
            charset,
            delimiter: rows.delimiter(),
        },
        workbook: None,
        sheet: None,
        rows: Box::new(rows),
    })
}

/// An encrypted workbook is a compound file (MS-OFFCRYPTO); so are the workbooks of before 2007.
fn refuse_compound_file(source: &mut dyn Source, head: &[u8]) -> ReadError {
    let mut directory = vec![0; 8 << 10];
    let filled = sniff::ole_directory(head)
        .and_then(|at| source.seek(SeekFrom::Start(at)).ok())
        .and_then(|_| source::read_up_to(source, &mut directory).ok());
    directory.truncate(filled.unwrap_or(0));
    if sniff::names_encrypted_package(&directory) {
        return ReadError::Encrypted;
    }
    ReadError::UnknownFormat {
        looks_like: Some("an old workbook (XLS) or document"),
    }
}
