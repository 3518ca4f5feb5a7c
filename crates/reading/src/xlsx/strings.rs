//! The strings that a workbook's cells share, in one block of memory (ECMA-376 part 1, 18.4).
//!
//! The count that the part declares is not believed; the block grows by what is read and stops
//! at the budget.

use quick_xml::events::Event;

use super::XlsxPart;
use super::package::Part;
use super::xml::{Xml, resolve, unescape};
use crate::{Limits, ReadError};

/// Shared strings by index.
#[derive(Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// The string of this index, as a cell names it.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }

    /// Reads the part to its end.
    pub(crate) fn read(part: Part, limits: &Limits) -> Result<Self, ReadError> {
        // Ends are 32-bit numbers.
        let budget = limits.max_shared_strings_bytes.min(u32::MAX as usize);
        let mut xml = Xml::new(part, XlsxPart::SharedStrings, limits.max_row_bytes);
        let mut strings = Self::default();
        let mut item = RichText::default();
        let mut inside = false;
        while let Some(event) = xml.next()? {
            match &event {
                Event::Start(e) if e.local_name().as_ref() == "si" => {
                    item.clear();
                    inside = true;
                }
                Event::End(e) if e.local_name().as_ref() == "si" => {
                    inside = false;
                    strings.push(&unescape(&item.text), budget)?;
                }
                event if inside && !item.take(event) => return Err(xml.malformed()),
                _ => {}
            }
            if item.text.len() > budget {
                return Err(ReadError::SharedStringsTooLarge { budget });
            }
        }
        Ok(strings)
    }

    fn push(&mut self, item: &str, budget: usize) -> Result<(), ReadError> {
        let size = self.text.len() + item.len() + (self.ends.len() + 1) * size_of::<u32>();
        let too_large = ReadError::SharedStringsTooLarge { budget };
        if size > budget {
            return Err(too_large);
        }
        self.text.push_str(item);
        self.ends
            .push(u32::try_from(self.text.len()).map_err(|_| too_large)?);
        Ok(())
    }
}

/// Text made of runs: the `t` elements of a string, without those of its pronunciation (`rPh`).
#[derive(Default)]
pub(crate) struct RichText {
    pub(crate) text: String,
    in_text: bool,
    in_phonetic: bool,
}

impl RichText {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.in_text = false;
        self.in_phonetic = false;
    }

    /// Takes an event inside the string; false when it refers to an entity that is not XML's own.
    pub(crate) fn take(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(e) => match e.local_name().as_ref() {
                "t" => self.in_text = true,
                "rPh" => self.in_phonetic = true,
                _ => {}
            },
            Event::End(e) => match e.local_name().as_ref() {
                "t" => self.in_text = false,
                "rPh" => self.in_phonetic = false,
                _ => {}
            },
            Event::Text(text) if self.wanted() => self.text.push_str(&text.xml10_content()),
            Event::CData(text) if self.wanted() => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => match resolve(reference) {
                Some(c) if self.wanted() => self.text.push(c),
                Some(_) => {}
                None => return false,
            },
            _ => {}
        }
        true
    }

    fn wanted(&self) -> bool {
        self.in_text && !self.in_phonetic
    }
}
