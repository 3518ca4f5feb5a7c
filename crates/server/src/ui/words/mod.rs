//! Everything the pages say, by area, in Chinese and English.
//!
//! Rule: plain words; the law's terms where the law has one (个人信息, 撤回同意, 删除); never a promise the program does not keep.

pub(crate) mod after;
pub(crate) mod before;
pub(crate) mod during;
pub(crate) mod faces;
pub(crate) mod names;
pub(crate) mod portal;
pub(crate) mod redact;
pub(crate) mod shell;

/// Every catalogue with its area, for the tests.
#[cfg(test)]
pub(crate) fn catalogues() -> [(&'static str, &'static [(&'static str, super::i18n::Phrase)]); 8] {
    [
        ("shell", shell::ALL),
        ("names", names::ALL),
        ("before", before::ALL),
        ("during", during::ALL),
        ("faces", faces::ALL),
        ("redact", redact::ALL),
        ("after", after::ALL),
        ("portal", portal::ALL),
    ]
}
