//! The bounds on what a file may cost us.
//!
//! Every buffer of this crate is bounded by one of these; what a file says about itself
//! (declared sizes, counts, dimensions) is never believed.

/// How much of memory and time one file may cost.
///
/// ```
/// use liuhen_reading::Limits;
/// let limits = Limits { max_columns: 64, ..Limits::default() };
/// assert_eq!(limits.max_cell_bytes, 1 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Columns of a table; default 4,096.
    pub max_columns: usize,
    /// Bytes of one cell, as UTF-8; default 1 MiB (a spreadsheet's own bound is 32,767 characters).
    pub max_cell_bytes: usize,
    /// Bytes of one row, as UTF-8 with its delimiters; default 4 MiB.
    pub max_row_bytes: usize,
    /// Bytes that all parts read out of an archive may unpack to; default 8 GiB.
    /// Sheets are streamed, so this bounds time, not memory.
    pub max_unpacked_bytes: u64,
    /// How many times its packed size a part may unpack to, once past its first 16 MiB; default 400.
    /// Deflate reaches 1,032 at most; a sheet of equal rows without numbers reaches 294, honest ones
    /// stay below 100.
    pub max_ratio: u64,
    /// Entries of an archive; default 4,096.
    pub max_entries: usize,
    /// Bytes that a workbook's shared strings may take in memory; default 256 MiB.
    pub max_shared_strings_bytes: usize,
    /// How deep files may lie within files; default 8. A `tar.gz` takes two steps.
    pub max_depth: usize,
    /// Files that one file may unpack to, over all archives within it; default 250,000.
    pub max_files: u64,
    /// Bytes that a reader of another's making may take for one file: a dictionary, a window, or
    /// an old workbook, which is held whole; default 256 MiB.
    pub max_memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_columns: 4_096,
            max_cell_bytes: 1 << 20,
            max_row_bytes: 4 << 20,
            max_unpacked_bytes: 8 << 30,
            max_ratio: 400,
            max_entries: 4_096,
            max_shared_strings_bytes: 256 << 20,
            max_depth: 8,
            max_files: 250_000,
            max_memory_bytes: 256 << 20,
        }
    }
}
