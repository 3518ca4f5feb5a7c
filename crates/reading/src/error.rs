//! Why a file could not be read.
//!
//! Written for the person who will act on it: a message says what was wrong and which bound was met.
//! It never repeats anything out of the file, not even the name of a sheet.

use crate::XlsxPart;

/// Why a file could not be read, or why reading stopped before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The first bytes match no format we read.
    #[error("unrecognised format{}", looks_like.map(|what| format!(": looks like {what}, which is recognised but not read")).unwrap_or_default())]
    UnknownFormat {
        /// What the bytes look like, when that is known.
        looks_like: Option<&'static str>,
    },
    /// There is nothing in the file, or only blank lines.
    #[error("the file is empty")]
    Empty,
    /// The workbook is encrypted; it opens only with a password.
    #[error("password-protected workbook: save it without a password and try again")]
    Encrypted,
    /// The PDF is encrypted.
    #[error("password-protected PDF: save it without a password and try again")]
    EncryptedPdf,
    /// The PDF is not what it should be.
    #[error("damaged PDF: {what}")]
    MalformedPdf {
        /// What was found, out of the program's own words.
        what: &'static str,
    },
    /// The archive grows past the caller's budget, as a zip bomb does.
    #[error("unpacks past {budget} bytes")]
    TooLarge {
        /// [`Limits::max_unpacked_bytes`](crate::Limits::max_unpacked_bytes) or a smaller bound of one part.
        budget: u64,
    },
    /// A part of the archive expands more than any honest workbook does.
    #[error("unpacks to more than {limit} times its size")]
    RatioTooHigh {
        /// [`Limits::max_ratio`](crate::Limits::max_ratio).
        limit: u64,
    },
    /// The archive lists too many entries.
    #[error("archive of more than {limit} entries")]
    TooManyEntries {
        /// [`Limits::max_entries`](crate::Limits::max_entries).
        limit: usize,
    },
    /// The table is wider than the caller's bound.
    #[error("more than {limit} columns")]
    TooManyColumns {
        /// [`Limits::max_columns`](crate::Limits::max_columns).
        limit: usize,
    },
    /// The strings that a workbook's cells share do not fit the budget.
    #[error("shared strings of more than {budget} bytes")]
    SharedStringsTooLarge {
        /// [`Limits::max_shared_strings_bytes`](crate::Limits::max_shared_strings_bytes).
        budget: usize,
    },
    /// The workbook has no sheet of that name or index, or none at all.
    #[error("no such sheet")]
    NoSuchSheet,
    /// The header row asked for lies past the rows read ahead.
    #[error("no header at row {row}")]
    NoSuchHeader {
        /// The row asked for, counted from 1.
        row: u64,
    },
    /// The file is not what its format asks for, or was cut short.
    #[error("the {what} file is damaged or cut short")]
    Damaged {
        /// The format.
        what: &'static str,
    },
    /// The archive's own list of entries is damaged or missing, as in a truncated download.
    #[error("the archive is damaged or cut short")]
    MalformedArchive,
    /// A part of the workbook is not what it should be.
    #[error("{part} is malformed at byte {offset}")]
    Malformed {
        /// The part.
        part: XlsxPart,
        /// Where in the unpacked part, in bytes.
        offset: u64,
    },
    /// A part declares a document type, which ECMA-376 part 2 forbids and which only attacks need.
    #[error("{part} declares a document type, which is refused")]
    ForbiddenXml {
        /// The part.
        part: XlsxPart,
    },
    /// A part is packed by a method other than store and deflate.
    #[error("{part} is packed by an unsupported method")]
    UnsupportedCompression {
        /// The part.
        part: XlsxPart,
    },
    /// Rows were taken already; header and sheet are chosen before.
    #[error("reading has begun")]
    AlreadyReading,
    /// The source failed.
    #[error("source unavailable")]
    Source(#[from] std::io::Error),
}
