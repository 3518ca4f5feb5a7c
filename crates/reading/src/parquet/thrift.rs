//! Thrift's compact protocol, as far as looking over a Parquet file's own statements needs it.
//!
//! Rule: Apache Thrift, "Thrift compact protocol encoding". Reads integers, passes over everything
//! else, allocates nothing and never goes deeper than [`DEEPEST`].

/// How deep structures may lie within each other; Parquet's own stay below 10.
const DEEPEST: u8 = 24;

/// A cursor over bytes; `None` from any method means they are not what they should be.
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The sort of a value, by the low half of a field's first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sort(u8);

impl Sort {
    const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);
    pub(super) const LIST: Self = Self(9);
    pub(super) const STRUCT: Self = Self(12);
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes taken so far.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A whole number.
    pub(super) fn int(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// How many elements a list has, and of what sort.
    pub(super) fn list(&mut self) -> Option<(u64, Sort)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        Some((count, Sort(byte & 0x0F)))
    }

    /// The next field of a structure: its number and sort; `Some(None)` at the structure's end.
    pub(super) fn field(&mut self, last: &mut i64) -> Option<Option<(i64, Sort)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *last = match byte >> 4 {
            0 => self.int()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((*last, Sort(byte & 0x0F))))
    }

    /// Passes over a value of this sort, as a field has it.
    pub(super) fn skip(&mut self, sort: Sort) -> Option<()> {
        self.skip_at(sort, DEEPEST)
    }

    fn skip_at(&mut self, sort: Sort, deeper: u8) -> Option<()> {
        let deeper = deeper.checked_sub(1)?;
        match sort {
            Sort::TRUE | Sort::FALSE => Some(()),
            Sort(3) => self.pass(1),
            Sort(4..=6) => self.varint().map(|_| ()),
            Sort(7) => self.pass(8),
            Sort(8) => {
                let length = self.varint()?;
                self.pass(length)
            }
            Sort(9 | 10) => {
                let (count, sort) = self.list()?;
                self.skip_elements(count, &[sort], deeper)
            }
            Sort(11) => {
                let count = self.varint()?;
                if count == 0 {
                    return Some(());
                }
                let sorts = self.byte()?;
                self.skip_elements(count, &[Sort(sorts >> 4), Sort(sorts & 0x0F)], deeper)
            }
            Sort::STRUCT => {
                let mut last = 0;
                while let Some((_, sort)) = self.field(&mut last)? {
                    self.skip_at(sort, deeper)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Elements of lists and maps: a truth value takes a byte there.
    fn skip_elements(&mut self, count: u64, sorts: &[Sort], deeper: u8) -> Option<()> {
        for _ in 0..count {
            for sort in sorts {
                match *sort {
                    Sort::TRUE | Sort::FALSE => self.pass(1)?,
                    sort => self.skip_at(sort, deeper)?,
                }
            }
        }
        Some(())
    }
}
