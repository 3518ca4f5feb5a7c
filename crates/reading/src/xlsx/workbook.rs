//! The workbook's own parts: where its sheets are, and how its numbers look
//! (ECMA-376 part 1, 18.2 and 18.8; relationships by part 2).

use std::collections::HashMap;

use quick_xml::events::Event;

use super::XlsxPart;
use super::package::Package;
use super::strings::Strings;
use super::xml::{Xml, attribute};
use crate::number::{Shape, shape_of_builtin, shape_of_code};
use crate::{Limits, ReadError, SheetInfo};

/// Styles of a workbook; a spreadsheet allows 65,490.
const MAX_STYLES: usize = 1 << 16;
/// Sheets of a workbook; more than this is an attack.
const MAX_SHEETS: usize = 1 << 14;

/// What is known of a workbook before a sheet is read.
pub(crate) struct Workbook {
    pub(crate) sheets: Vec<(SheetInfo, String)>,
    pub(crate) from_1904: bool,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) strings: Strings,
}

/// A relationship of a part: what sort of part it leads to, and where that is.
struct Relation {
    sort: String,
    target: String,
}

/// The path of the workbook part, if this package is a workbook we read.
pub(crate) fn find(package: &Package, limits: &Limits) -> Result<Option<String>, ReadError> {
    let stated = relations(package, "_rels/.rels", "", limits)?
        .into_values()
        .find(|relation| relation.sort == "officeDocument")
        .map(|relation| relation.target)
        .filter(|target| target.contains("workbook") && target.ends_with(".xml"))
        .filter(|target| package.has(target));
    let usual = "xl/workbook.xml";
    Ok(stated.or_else(|| package.has(usual).then(|| usual.to_owned())))
}

impl Workbook {
    /// Reads everything but the sheets.
    pub(crate) fn read(package: &Package, path: &str, limits: &Limits) -> Result<Self, ReadError> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let rels = join(folder, &format!("_rels/{file}.rels"));
        let relations = relations(package, &rels.unwrap_or_default(), folder, limits)?;
        let (sheets, from_1904) = sheets(package, path, &relations, limits)?;
        let target = |sort: &str, usual: &str| {
            let stated = relations.values().find(|relation| relation.sort == sort);
            stated.map_or_else(
                || join(folder, usual).unwrap_or_default(),
                |r| r.target.clone(),
            )
        };
        let shapes = shapes(package, &target("styles", "styles.xml"), limits)?;
        let strings = target("sharedStrings", "sharedStrings.xml");
        let strings = match package.part(&strings, XlsxPart::SharedStrings)? {
            Some(part) => Strings::read(part, limits)?,
            None => Strings::default(),
        };
        Ok(Self {
            sheets,
            from_1904,
            shapes,
            strings,
        })
    }
}

/// The relationships that a part lists, by their ids; targets outside the archive are left out.
fn relations(
    package: &Package,
    path: &str,
    folder: &str,
    limits: &Limits,
) -> Result<HashMap<String, Relation>, ReadError> {
    let mut relations = HashMap::new();
    let Some(part) = package.part(path, XlsxPart::Relationships)? else {
        return Ok(relations);
    };
    let mut xml = Xml::new(part, XlsxPart::Relationships, limits.max_row_bytes);
    while let Some(event) = xml.next()? {
        let Event::Start(e) = event else { continue };
        if e.local_name().as_ref() != "Relationship"
            || attribute(&e, "TargetMode").is_some_and(|mode| mode == "External")
        {
            continue;
        }
        let (id, sort) = (attribute(&e, "Id"), attribute(&e, "Type"));
        let target = attribute(&e, "Target").and_then(|target| join(folder, &target));
        if let (Some(id), Some(sort), Some(target)) = (id, sort, target) {
            let sort = sort.rsplit('/').next().unwrap_or_default().to_owned();
            relations.insert(id, Relation { sort, target });
        }
        if relations.len() > MAX_SHEETS {
            return Err(xml.malformed());
        }
    }
    Ok(relations)
}

/// Resolves a target against its folder; nothing when it climbs out of the archive.
fn join(folder: &str, target: &str) -> Option<String> {
    let (base, target) = match target.strip_prefix('/') {
        Some(absolute) => ("", absolute),
        None => (folder, target),
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in base.split('/').chain(target.split(['/', '\\'])) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

type Sheets = (Vec<(SheetInfo, String)>, bool);

fn sheets(
    package: &Package,
    path: &str,
    relations: &HashMap<String, Relation>,
    limits: &Limits,
) -> Result<Sheets, ReadError> {
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    let Some(part) = package.part(path, XlsxPart::Workbook)? else {
        return Err(ReadError::NoSuchSheet);
    };
    let mut xml = Xml::new(part, XlsxPart::Workbook, limits.max_row_bytes);
    while let Some(event) = xml.next()? {
        let Event::Start(e) = event else { continue };
        match e.local_name().as_ref() {
            "workbookPr" => {
                let stated = attribute(&e, "date1904");
                from_1904 |= stated.is_some_and(|value| value == "1" || value == "true");
            }
            "sheet" => {
                let relation = attribute(&e, "id").and_then(|id| relations.get(&id));
                let Some(relation) = relation.filter(|r| r.sort == "worksheet") else {
                    continue;
                };
                let hidden = attribute(&e, "state").is_some_and(|state| state != "visible");
                let name = attribute(&e, "name").unwrap_or_default();
                sheets.push((SheetInfo { name, hidden }, relation.target.clone()));
            }
            _ => {}
        }
        if sheets.len() > MAX_SHEETS {
            return Err(xml.malformed());
        }
    }
    Ok((sheets, from_1904))
}

/// The shape of numbers by style, in the order cells name styles.
fn shapes(package: &Package, path: &str, limits: &Limits) -> Result<Vec<Shape>, ReadError> {
    let (mut custom, mut shapes) = (HashMap::new(), Vec::new());
    let Some(part) = package.part(path, XlsxPart::Styles)? else {
        return Ok(shapes);
    };
    let mut xml = Xml::new(part, XlsxPart::Styles, limits.max_row_bytes);
    let mut in_cells = false;
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(e) => match e.local_name().as_ref() {
                "numFmt" => {
                    let id = attribute(&e, "numFmtId").and_then(|id| id.parse::<u32>().ok());
                    if let (Some(id), Some(code)) = (id, attribute(&e, "formatCode")) {
                        custom.insert(id, shape_of_code(&code));
                    }
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells => {
                    let id = attribute(&e, "numFmtId").and_then(|id| id.parse::<u32>().ok());
                    let id = id.unwrap_or(0);
                    let shape = custom.get(&id).copied();
                    shapes.push(shape.unwrap_or_else(|| shape_of_builtin(id)));
                }
                _ => {}
            },
            Event::End(e) if e.local_name().as_ref() == "cellXfs" => in_cells = false,
            _ => {}
        }
        if shapes.len().max(custom.len()) > MAX_STYLES {
            return Err(xml.malformed());
        }
    }
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_stay_within_the_archive() {
        let rows = [
            (
                "xl",
                "worksheets/sheet1.xml",
                Some("xl/worksheets/sheet1.xml"),
            ),
            (
                "xl",
                "/xl/worksheets/sheet1.xml",
                Some("xl/worksheets/sheet1.xml"),
            ),
            ("xl/worksheets", "../tables/t.xml", Some("xl/tables/t.xml")),
            ("xl", "../../etc/passwd", None),
            ("", "..\\..\\windows", None),
            ("xl", "./a.xml", Some("xl/a.xml")),
        ];
        for (folder, target, expected) in rows {
            assert_eq!(join(folder, target).as_deref(), expected, "{target}");
        }
    }
}
