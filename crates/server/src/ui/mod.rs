//! What the pages share: words in two languages, the frame, forms, tables, charts, times and the assets.
//!
//! Knows the shapes of a page and nothing of use-cases; what a page says belongs to [`crate::console`] and [`crate::portal`].
//! Rules: WCAG 2.2 AA for structure and contrast; a strict Content-Security-Policy, so nothing is inline.

pub(crate) mod assets;
pub(crate) mod chart;
pub(crate) mod ctx;
pub(crate) mod details;
pub(crate) mod form;
pub(crate) mod i18n;
pub(crate) mod layout;
pub(crate) mod names;
pub(crate) mod problem;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod words;

pub(crate) use ctx::Ctx;
pub(crate) use layout::Note;
