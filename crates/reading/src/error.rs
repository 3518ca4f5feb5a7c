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
    DamagedFile {
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
    /// A document declares entities of its own, which only attacks and publishers of books need.
    #[error("declares entities of its own, which are refused")]
    ForbiddenEntities,
    /// Rows were taken already; header and sheet are chosen before.
    #[error("reading has begun")]
    AlreadyReading,
    /// Files lie within files deeper than the caller's bound.
    #[error("files within files, deeper than {limit}")]
    TooDeep {
        /// [`Limits::max_depth`](crate::Limits::max_depth).
        limit: usize,
    },
    /// It unpacks to more files than the caller's bound.
    #[error("unpacks to more than {limit} files")]
    TooManyFiles {
        /// [`Limits::max_files`](crate::Limits::max_files).
        limit: u64,
    },
    /// Reading it would take more memory than the caller's bound.
    #[error("needs more than {limit} bytes of memory")]
    TooMuchMemory {
        /// [`Limits::max_memory_bytes`](crate::Limits::max_memory_bytes).
        limit: usize,
    },
    /// No password was given, or none of those given opens it.
    #[error("protected by a password that was not given")]
    NoPassword,
    /// Packed by a method that is recognised and not read.
    #[error("packed by a method that is not read: {method}")]
    UnknownMethod {
        /// The method's name.
        method: &'static str,
    },
    /// It lies in several files, and only this one is at hand.
    #[error("a part of an archive in several files, which are not put together")]
    SplitArchive,
    /// What came out is not what went in, by the file's own checksum.
    #[error("checksum differs: damaged, or another password")]
    Checksum,
    /// A part is damaged.
    #[error("damaged at byte {offset}")]
    Damaged {
        /// Where in the part, in bytes.
        offset: u64,
    },
    /// A reader failed on it; nothing else is harmed.
    #[error("this program failed on it")]
    Fault,
    /// The source failed.
    #[error("source unavailable")]
    Source(#[from] std::io::Error),
}

impl ReadError {
    /// Why a reader that this crate handed out failed: the error itself where it is one of ours.
    ///
    /// Bounds are met while bytes are unpacked, so they travel inside an [`std::io::Error`].
    #[must_use]
    pub fn of(error: std::io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
            return inner.map_or(Self::MalformedArchive, |inner: Box<Self>| *inner);
        }
        match error.kind() {
            _ if error.raw_os_error().is_some() => Self::Source(error),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound => {
                Self::Source(error)
            }
            // What decoders say of bytes that are not theirs.
            _ => Self::MalformedArchive,
        }
    }

    /// The same, where the error must be kept.
    #[must_use]
    pub fn within(error: &std::io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

impl From<ReadError> for std::io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Source(error) => error,
            other => Self::other(other),
        }
    }
}
