//! Any bytes as delimited text: every piece and every cell lies where it is said to lie.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_document::Row;
use liuhen_reading::{Delimiter, Limits, Piece, Place, PlacedRow, PlacedRows, TextStream};

/// Bytes that the stream reads at a time; what lies about the first end of them is met by padding.
const CHUNK: usize = 256 << 10;

/// The decoded text, and how far into it the pieces have come.
struct Walk<'a> {
    text: &'a str,
    /// The place behind everything that came so far, blank rows included.
    seen: Place,
}

impl Walk<'_> {
    fn slice(&self, from: u64, to: u64) -> &str {
        let (from, to) = (from as usize, to as usize);
        self.text.get(from..to).expect("offsets between characters")
    }

    /// A piece comes next, behind nothing but blank rows.
    fn comes(&mut self, place: Place, piece: &str) {
        self.skips(place.bytes);
        assert_eq!(self.seen, place);
        let end = place.bytes + piece.len() as u64;
        assert_eq!(self.slice(place.bytes, end), piece);
        self.seen = place.after(piece);
        assert_eq!(self.seen.bytes, end);
    }

    /// What never comes out is made of line ends, and of the quotes of blank rows.
    fn skips(&mut self, to: u64) {
        let blank = self.slice(self.seen.bytes, to);
        assert!(blank.chars().all(|c| "\"\r\n".contains(c)), "{blank:?}");
        self.seen = self.seen.after(blank);
    }

    /// The cells of a row lie where they say, whole and in parts.
    fn cells(&self, row: &mut PlacedRow<'_>) {
        let start = row.place();
        let end = start.bytes + row.raw().len() as u64;
        for column in 0..row.row.cells.len() {
            let cell = row.row.cell(column).to_owned();
            assert!(row.locate(column, cell.len(), cell.len() + 1).is_none());
            let middle = (0..=cell.len() / 2)
                .rev()
                .find(|at| cell.is_char_boundary(*at))
                .unwrap_or(0);
            for (from, to) in [(middle, cell.len()), (0, middle), (0, cell.len())] {
                let Some((first, last)) = row.locate(column, from, to) else {
                    assert_eq!(from, to, "text without a place");
                    continue;
                };
                assert!(
                    start.bytes <= first.bytes && first.bytes < last.bytes && last.bytes <= end
                );
                let before = self.slice(start.bytes, first.bytes);
                let slice = self.slice(first.bytes, last.bytes);
                assert_eq!(start.after(before), first);
                assert_eq!(first.after(slice), last);
                // A doubled quote is one character of the cell and two of the text.
                let part = &cell[from..to];
                assert_eq!(part.replace('"', ""), slice.replace('"', ""));
                if !slice.contains('"') {
                    assert_eq!(part, slice);
                }
            }
        }
        assert!(row.locate(row.row.cells.len(), 0, 1).is_none());
    }
}

fuzz_target!(|data: &[u8]| {
    // Everything hangs on the bytes themselves, so that any file is a corpus.
    let seed = data.iter().fold(data.len() as u64, |seed, byte| {
        seed.rotate_left(7).wrapping_add(u64::from(*byte))
    });
    let padded;
    let bytes = if seed.is_multiple_of(64) {
        // One long line, which is text: rows by the thousand would only cost time.
        let padding = CHUNK - (seed >> 6) as usize % 64;
        padded = [&vec![b'7'; padding], b"\n".as_slice(), data].concat();
        padded.as_slice()
    } else {
        data
    };
    let mut text = String::new();
    let mut stream = TextStream::new(bytes, None);
    while stream.pump(&mut |piece| text.push_str(piece)).unwrap() {}

    let limits = Limits {
        max_columns: 6,
        max_cell_bytes: 40,
        max_row_bytes: 64,
        ..Limits::default()
    };
    let delimiter = Delimiter::ALL[(seed >> 8) as usize % Delimiter::ALL.len()];
    let mut rows = PlacedRows::new(TextStream::new(bytes, None), delimiter, &limits).unwrap();
    let ahead: Vec<Row> = rows.peek(8);
    let mut walk = Walk {
        text: &text,
        seen: Place::default(),
    };
    let (mut number, mut within) = (0, false);
    while let Some(piece) = rows.next().unwrap() {
        match piece {
            Piece::Text { text, place, more } => {
                assert!(!text.is_empty());
                assert!(
                    !within || walk.seen == place,
                    "a line goes on where it was left"
                );
                walk.comes(place, text);
                within = more;
            }
            Piece::Row(mut row) => {
                assert!(
                    !within && row.row.number > number,
                    "rows begin lines, numbers rise"
                );
                number = row.row.number;
                if let Some(seen) = ahead.iter().find(|seen| seen.number == number) {
                    assert_eq!(*seen, row.row);
                }
                walk.comes(row.place(), row.raw());
                walk.cells(&mut row);
            }
        }
    }
    walk.skips(text.len() as u64);
    assert_eq!(rows.taken(), bytes.len() as u64);
});
