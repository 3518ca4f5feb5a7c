//! A log's contents, small enough to be copied: which entry stands at which index.
//!
//! Two trees have one root exactly when they are equal, so a model needs no hashes.

/// How many entries a model ever makes.
pub const MOST: usize = 4;

/// Entries by number, in the order of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tree {
    len: u8,
    ids: [u8; MOST],
}

impl Tree {
    pub fn len(&self) -> u8 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, index: u8) -> Option<u8> {
        self.iter().nth(index.into())
    }

    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.ids[..usize::from(self.len)].iter().copied()
    }

    pub fn push(&mut self, id: u8) {
        self.ids[usize::from(self.len)] = id;
        self.len += 1;
    }

    pub fn extend(&mut self, more: &Self) {
        more.iter().for_each(|id| self.push(id));
    }

    /// The tree of the first `len` entries.
    pub fn first(&self, len: u8) -> Self {
        let mut short = Self::default();
        self.iter().take(len.into()).for_each(|id| short.push(id));
        short
    }

    pub fn is_prefix_of(&self, other: &Self) -> bool {
        self.len <= other.len && self.iter().eq(other.iter().take(self.len.into()))
    }

    /// Whether one extends the other: whether one log can have had both.
    pub fn agrees(&self, other: &Self) -> bool {
        self.is_prefix_of(other) || other.is_prefix_of(self)
    }
}
