//! The layer table of ARCHITECTURE.md, read as data.
//!
//! Rule: the section `## Layers` holds one table `| crate | imports | its sentence |`.
//! A row may import only rows above it, so a table that parses has no cycle.
//! Whether the manifests obey belongs to `layers`.

use anyhow::{Context as _, Result, bail, ensure};

/// One row: a room, what it may import, and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// Folder name under `crates/`.
    pub(crate) name: String,
    /// Rooms that its normal dependencies may name.
    pub(crate) imports: Vec<String>,
    /// Opening sentence of its README and description of its manifest.
    pub(crate) sentence: String,
}

/// The room whose normal dependency is refused everywhere.
pub(crate) const DEV_ONLY: &str = "testkit";

/// Reads the rooms in table order from the text of ARCHITECTURE.md.
///
/// # Errors
///
/// When the section or its table is missing, a row has another shape, a room stands twice,
/// or a row imports a room that does not stand above it.
pub(crate) fn parse(architecture: &str) -> Result<Vec<Room>> {
    let lines = architecture
        .lines()
        .skip_while(|line| line.trim() != "## Layers")
        .skip(1);
    let rows = lines
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `"));
    let mut rooms: Vec<Room> = Vec::new();
    for row in rows {
        let room = parse_row(row).with_context(|| format!("ARCHITECTURE.md: row {row:?}"))?;
        ensure!(
            find(&rooms, &room.name).is_none(),
            "ARCHITECTURE.md: `{}` stands twice",
            room.name
        );
        for import in &room.imports {
            ensure!(
                find(&rooms, import).is_some(),
                "ARCHITECTURE.md: `{}` imports `{import}`, which does not stand above it",
                room.name
            );
        }
        rooms.push(room);
    }
    ensure!(
        !rooms.is_empty(),
        "ARCHITECTURE.md: no table under `## Layers`"
    );
    Ok(rooms)
}

/// The room of that name.
pub(crate) fn find<'r>(rooms: &'r [Room], name: &str) -> Option<&'r Room> {
    rooms.iter().find(|room| room.name == name)
}

fn parse_row(row: &str) -> Result<Room> {
    let cells: Vec<&str> = row
        .trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect();
    let [name, imports, sentence] = cells.as_slice() else {
        bail!("expected three cells");
    };
    let name = name.trim_matches('`').to_owned();
    let imports = match *imports {
        "nothing" => Vec::new(),
        list => list
            .split(',')
            .map(|import| import.trim().to_owned())
            .collect(),
    };
    ensure!(!sentence.is_empty(), "no sentence");
    Ok(Room {
        name,
        imports,
        sentence: (*sentence).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# A\n\n## Layers\n\n| crate | imports | its sentence |\n|---|---|---|\n";

    #[test]
    fn rows_in_order() {
        let text = format!(
            "{HEAD}| `kinds` | nothing | names |\n| `b` | kinds | a b |\n\n## Next\n| `c` | nothing | c |\n"
        );
        let rooms = parse(&text).unwrap();
        assert_eq!(rooms.len(), 2);
        assert_eq!(rooms[0].imports, Vec::<String>::new());
        assert_eq!(
            rooms[1],
            Room {
                name: "b".into(),
                imports: vec!["kinds".into()],
                sentence: "a b".into()
            }
        );
    }

    #[test]
    fn refused_tables() {
        let rows = [
            ("no section", String::from("# A\n")),
            ("no rows", HEAD.to_owned()),
            ("two cells", format!("{HEAD}| `kinds` | nothing |\n")),
            ("empty sentence", format!("{HEAD}| `kinds` | nothing | |\n")),
            (
                "twice",
                format!("{HEAD}| `a` | nothing | a |\n| `a` | nothing | a |\n"),
            ),
            (
                "arrow upwards",
                format!("{HEAD}| `a` | b | a |\n| `b` | nothing | b |\n"),
            ),
            ("itself", format!("{HEAD}| `a` | a | a |\n")),
        ];
        for (name, text) in rows {
            assert!(parse(&text).is_err(), "{name}");
        }
    }
}
