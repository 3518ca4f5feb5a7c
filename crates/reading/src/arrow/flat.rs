//! FlatBuffers, as far as Arrow's messages need them: tables, vectors, texts.
//!
//! Rule: <https://flatbuffers.dev/internals/>. Every place is looked up within the message and
//! nothing is believed; what lies outside is `None`.

/// A table within a message.
#[derive(Clone, Copy)]
pub(super) struct Flat<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Flat<'a> {
    /// The outermost table.
    pub(super) fn root(bytes: &'a [u8]) -> Option<Self> {
        Self::behind(bytes, 0)
    }

    /// The table that the offset at this place leads to.
    fn behind(bytes: &'a [u8], at: usize) -> Option<Self> {
        let offset = usize::try_from(u32::from_le_bytes(some(bytes, at)?)).ok()?;
        let at = at.checked_add(offset)?;
        (at < bytes.len()).then_some(Self { bytes, at })
    }

    /// Where a field of this number lies; `None` when it is left out.
    fn place(&self, field: usize) -> Option<usize> {
        let back = i64::from(i32::from_le_bytes(some(self.bytes, self.at)?));
        let table = i64::try_from(self.at).ok()?.checked_sub(back)?;
        let table = usize::try_from(table).ok()?;
        let size = usize::from(u16::from_le_bytes(some(self.bytes, table)?));
        let slot = 4 + 2 * field;
        if slot + 2 > size {
            return None;
        }
        let offset = u16::from_le_bytes(some(self.bytes, table.checked_add(slot)?)?);
        (offset != 0).then(|| self.at + usize::from(offset))
    }

    pub(super) fn byte(&self, field: usize) -> u8 {
        let at = self.place(field);
        at.and_then(|at| self.bytes.get(at)).copied().unwrap_or(0)
    }

    /// A number of two bytes, or what it is when left out.
    pub(super) fn short(&self, field: usize, absent: i16) -> i16 {
        let found = self.place(field).and_then(|at| some(self.bytes, at));
        found.map_or(absent, i16::from_le_bytes)
    }

    pub(super) fn int(&self, field: usize, absent: i32) -> i32 {
        let found = self.place(field).and_then(|at| some(self.bytes, at));
        found.map_or(absent, i32::from_le_bytes)
    }

    pub(super) fn long(&self, field: usize) -> i64 {
        let found = self.place(field).and_then(|at| some(self.bytes, at));
        found.map_or(0, i64::from_le_bytes)
    }

    pub(super) fn table(&self, field: usize) -> Option<Self> {
        Self::behind(self.bytes, self.place(field)?)
    }

    /// A vector: where its items begin and how many there are, of this size, all of them there.
    fn vector(&self, field: usize, size: usize) -> Option<(usize, usize)> {
        let place = self.place(field)?;
        let offset = usize::try_from(u32::from_le_bytes(some(self.bytes, place)?)).ok()?;
        let at = place.checked_add(offset)?;
        let count = usize::try_from(u32::from_le_bytes(some(self.bytes, at)?)).ok()?;
        let end = count.checked_mul(size)?.checked_add(at)?.checked_add(4)?;
        (end <= self.bytes.len()).then_some((at + 4, count))
    }

    pub(super) fn text(&self, field: usize) -> Option<String> {
        let (at, count) = self.vector(field, 1)?;
        Some(String::from_utf8_lossy(self.bytes.get(at..at + count)?).into_owned())
    }

    /// The tables of a vector; none where it is left out.
    pub(super) fn tables(&self, field: usize) -> Option<Vec<Self>> {
        if self.place(field).is_none() {
            return Some(Vec::new());
        }
        let (at, count) = self.vector(field, 4)?;
        (0..count)
            .map(|n| Self::behind(self.bytes, at + 4 * n))
            .collect()
    }

    /// The pairs of numbers of a vector of structures that are such pairs.
    pub(super) fn pairs(&self, field: usize) -> Option<Vec<(i64, i64)>> {
        let (at, count) = self.structures(field, 16)?;
        let pair = |n: usize| {
            let first = i64::from_le_bytes(some(self.bytes, at + 16 * n)?);
            let second = i64::from_le_bytes(some(self.bytes, at + 16 * n + 8)?);
            Some((first, second))
        };
        (0..count).map(pair).collect()
    }

    /// The first numbers of a vector of structures of this size, or of a vector of numbers.
    pub(super) fn longs(&self, field: usize, size: usize) -> Option<Vec<i64>> {
        let (at, count) = self.structures(field, size)?;
        let number = |n: usize| some(self.bytes, at + size * n).map(i64::from_le_bytes);
        (0..count).map(number).collect()
    }

    fn structures(&self, field: usize, size: usize) -> Option<(usize, usize)> {
        match self.place(field) {
            None => Some((0, 0)),
            Some(_) => self.vector(field, size),
        }
    }
}

fn some<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
