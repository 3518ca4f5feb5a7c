//! Office Open XML workbooks (ECMA-376), streamed.
//!
//! Read by an event parser and not by `calamine`, which is the oracle of the tests: calamine holds
//! all strings as separate allocations, reserves what a part declares (a hostile count aborts the
//! process), gives numbers as binary64 only, and borrows the workbook while a sheet is read.

mod package;
mod sheet;
mod strings;
mod workbook;
pub(crate) mod xml;

use std::sync::Arc;

pub(crate) use self::sheet::letters_of;

use self::package::Package;
use self::sheet::SheetRows;
use self::workbook::Workbook;
use crate::raw::RawRows;
use crate::source::Source;
use crate::{Limits, ReadError, SheetChoice, SheetInfo};

/// A part of a workbook, to say which was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum XlsxPart {
    /// A list of relationships.
    Relationships,
    /// The list of sheets.
    Workbook,
    /// Number formats.
    Styles,
    /// Strings that cells share.
    SharedStrings,
    /// A worksheet.
    Sheet,
}

impl std::fmt::Display for XlsxPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Relationships => "list of relationships",
            Self::Workbook => "list of sheets",
            Self::Styles => "list of styles",
            Self::SharedStrings => "list of strings",
            Self::Sheet => "sheet",
        })
    }
}

/// An open workbook.
pub(crate) struct Xlsx {
    package: Package,
    workbook: Arc<Workbook>,
    limits: Limits,
    /// The sheets as callers see them.
    pub(crate) infos: Vec<SheetInfo>,
}

impl Xlsx {
    /// Opens an archive as a workbook, if it is one.
    pub(crate) fn open(source: Box<dyn Source>, limits: &Limits) -> Result<Self, ReadError> {
        let package = Package::open(source, limits)?;
        let Some(path) = workbook::find(&package, limits)? else {
            return Err(ReadError::UnknownFormat {
                looks_like: Some(resemblance(&package)),
            });
        };
        let workbook = Workbook::read(&package, &path, limits)?;
        let infos = workbook
            .sheets
            .iter()
            .map(|(info, _)| info.clone())
            .collect();
        Ok(Self {
            package,
            workbook: Arc::new(workbook),
            limits: limits.clone(),
            infos,
        })
    }

    /// Begins to read a sheet; answers its place among the sheets too.
    pub(crate) fn rows(
        &self,
        choice: &SheetChoice,
    ) -> Result<(usize, Box<dyn RawRows>), ReadError> {
        let index = match choice {
            SheetChoice::FirstVisible => {
                self.infos.iter().position(|info| !info.hidden).or(Some(0))
            }
            SheetChoice::Index(index) => Some(*index),
            SheetChoice::Name(name) => self.infos.iter().position(|info| info.name == *name),
        };
        let sheet = index.and_then(|index| Some((index, self.workbook.sheets.get(index)?)));
        let (index, (_, path)) = sheet.ok_or(ReadError::NoSuchSheet)?;
        let part = self
            .package
            .part(path, XlsxPart::Sheet)?
            .ok_or(ReadError::NoSuchSheet)?;
        Ok((
            index,
            Box::new(SheetRows::new(
                part,
                Arc::clone(&self.workbook),
                &self.limits,
            )),
        ))
    }
}

/// What an archive is that is no workbook we read.
fn resemblance(package: &Package) -> &'static str {
    let known = [
        ("word/document.xml", "a Word document"),
        ("ppt/presentation.xml", "a presentation"),
        ("xl/workbook.bin", "a binary workbook (XLSB)"),
        ("content.xml", "an OpenDocument file"),
        ("META-INF/MANIFEST.MF", "a Java archive"),
    ];
    let found = known.iter().find(|(name, _)| package.has(name));
    found.map_or("a ZIP archive", |(_, what)| what)
}
