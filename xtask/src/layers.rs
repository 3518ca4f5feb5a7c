//! `layers`: do the manifests under `crates/` obey the table?
//!
//! Rule: ARCHITECTURE.md, section Layers.
//! Normal and build dependencies between rooms must be in the table, for every target;
//! dev-dependencies may point anywhere; `testkit` is only ever a dev-dependency.
//! Every room lies flat, is named as its folder, and has a README that opens with its sentence.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use toml::{Table, Value};

use crate::table::{self, DEV_ONLY, Room};

/// A room as it lies on disk.
#[derive(Debug)]
struct Found {
    folder: String,
    manifest: Table,
    readme: Option<String>,
}

/// Compares everything under `root/crates` with `root/ARCHITECTURE.md`.
///
/// # Errors
///
/// Every deviation at once, a line each; or the file that could not be read.
pub(crate) fn run(root: &Path) -> Result<String> {
    let architecture =
        fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let rooms = table::parse(&architecture)?;
    let mut wrong = Vec::new();
    let found = read_crates(&root.join("crates"), &mut wrong)?;
    let workspace = read_manifest(&root.join("Cargo.toml"))?;
    let aliases = table_at(&workspace, &["workspace", "dependencies"]);
    for one in &found {
        wrong.extend(check(one, &rooms, aliases.as_ref()));
    }
    for room in &rooms {
        if !found.iter().any(|one| one.folder == room.name) {
            wrong.push(format!(
                "{}: stands in ARCHITECTURE.md, but crates/{0} does not exist",
                room.name
            ));
        }
    }
    let tool = read_manifest(&root.join("xtask/Cargo.toml"))?;
    if dependencies(&tool, aliases.as_ref())
        .iter()
        .any(|name| name == DEV_ONLY)
    {
        wrong.push(format!("xtask: `{DEV_ONLY}` may only be a dev-dependency"));
    }
    match wrong.len() {
        0 => Ok(format!(
            "layers: {} crates agree with ARCHITECTURE.md",
            found.len()
        )),
        count => bail!(
            "layers: {count} deviations from ARCHITECTURE.md\n  {}",
            wrong.join("\n  ")
        ),
    }
}

fn read_crates(crates: &Path, wrong: &mut Vec<String>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(crates).context("crates")? {
        let entry = entry?;
        let folder = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        if !path.join("Cargo.toml").is_file() {
            wrong.push(format!("crates/{folder}: holds no crate"));
            continue;
        }
        for inner in fs::read_dir(&path)? {
            let inner = inner?.path();
            if inner.join("Cargo.toml").is_file() {
                wrong.push(format!(
                    "{}: crates lie flat under crates/",
                    inner.display()
                ));
            }
        }
        let manifest = read_manifest(&path.join("Cargo.toml"))?;
        let readme = fs::read_to_string(path.join("README.md")).ok();
        found.push(Found {
            folder,
            manifest,
            readme,
        });
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(found)
}

fn read_manifest(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

/// What is wrong with one room, a line each.
fn check(one: &Found, rooms: &[Room], aliases: Option<&Table>) -> Vec<String> {
    let folder = &one.folder;
    let Some(room) = table::find(rooms, folder) else {
        return vec![format!("{folder}: has no row in ARCHITECTURE.md")];
    };
    let mut wrong = Vec::new();
    for import in dependencies(&one.manifest, aliases) {
        if import == DEV_ONLY {
            wrong.push(format!(
                "{folder}: `{DEV_ONLY}` may only be a dev-dependency"
            ));
        } else if !room.imports.contains(&import) {
            wrong.push(format!("{folder}: may not import `{import}`"));
        }
    }
    let package = table_at(&one.manifest, &["package"]).unwrap_or_default();
    let text = |key: &str| {
        package
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if text("name") != package_name(folder) {
        wrong.push(format!(
            "{folder}: package is `{}`, not `{}`",
            text("name"),
            package_name(folder)
        ));
    }
    if text("description") != room.sentence {
        wrong.push(format!(
            "{folder}: description is not its sentence, {:?}",
            room.sentence
        ));
    }
    match &one.readme {
        None => wrong.push(format!("{folder}: has no README.md")),
        Some(readme) if !opens_with(readme, &room.sentence) => {
            wrong.push(format!(
                "{folder}: README.md does not open with {:?}",
                room.sentence
            ));
        }
        Some(_) => {}
    }
    wrong
}

/// Package name of a room: `liuhen-<folder>`; the program itself is `liuhen`.
fn package_name(folder: &str) -> String {
    if folder == "cli" {
        "liuhen".into()
    } else {
        format!("liuhen-{folder}")
    }
}

/// Folder of one of our packages; nothing for a package of someone else's.
fn room_of(package: &str) -> Option<String> {
    if package == "liuhen" {
        return Some("cli".into());
    }
    package.strip_prefix("liuhen-").map(str::to_owned)
}

/// Rooms named by normal and build dependencies, those of `[target.…]` included.
///
/// A dependency may be renamed, here or in the workspace's manifest, so `package` counts, not
/// the key.
fn dependencies(manifest: &Table, aliases: Option<&Table>) -> Vec<String> {
    let mut holders = vec![manifest.clone()];
    if let Some(targets) = table_at(manifest, &["target"]) {
        holders.extend(targets.values().filter_map(Value::as_table).cloned());
    }
    let mut rooms = Vec::new();
    for holder in &holders {
        for section in ["dependencies", "build-dependencies"] {
            for (key, value) in table_at(holder, &[section]).unwrap_or_default() {
                let alias = aliases.and_then(|aliases| aliases.get(&key));
                let package = renamed(&value)
                    .or_else(|| alias.and_then(renamed))
                    .unwrap_or(key);
                rooms.extend(room_of(&package));
            }
        }
    }
    rooms
}

fn renamed(value: &Value) -> Option<String> {
    value
        .get("package")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn table_at(table: &Table, path: &[&str]) -> Option<Table> {
    let (first, rest) = path.split_first()?;
    let inner = table.get(*first)?.as_table()?;
    if rest.is_empty() {
        Some(inner.clone())
    } else {
        table_at(inner, rest)
    }
}

/// Whether the first paragraph below the title begins with the sentence, whatever the case of its
/// first letter and however its lines are broken.
fn opens_with(readme: &str, sentence: &str) -> bool {
    let lines = readme.lines().map(str::trim);
    let body: Vec<&str> = lines
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .take_while(|line| !line.is_empty())
        .collect();
    plain(&body.join(" ")).starts_with(&plain(sentence))
}

fn plain(text: &str) -> String {
    text.replace(['`', '*'], "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms() -> Vec<Room> {
        let room = |name: &str, imports: &[&str]| Room {
            name: name.into(),
            imports: imports.iter().map(|&import| import.into()).collect(),
            sentence: format!("what {name} does"),
        };
        vec![
            room("kinds", &[]),
            room("detect", &["kinds"]),
            room("testkit", &["kinds"]),
            room("cli", &["kinds"]),
        ]
    }

    fn wrong_in(folder: &str, dependencies: &str, readme: Option<&str>) -> Vec<String> {
        let package = package_name(folder);
        let manifest = format!(
            "[package]\nname = \"{package}\"\ndescription = \"what {folder} does\"\n{dependencies}"
        );
        let found = Found {
            folder: folder.into(),
            manifest: manifest.parse().unwrap(),
            readme: readme.map(str::to_owned),
        };
        let aliases: Table =
            "[words]\npackage = \"liuhen-kinds\"\n[kit]\npackage = \"liuhen-testkit\""
                .parse()
                .unwrap();
        check(&found, &rooms(), Some(&aliases))
    }

    #[test]
    fn manifests() {
        let readme = Some("# liuhen-detect\n\nWhat detect\ndoes. More.\n");
        let rows = [
            ("nothing imported", "", 0),
            (
                "allowed",
                "[dependencies]\nliuhen-kinds.workspace = true",
                0,
            ),
            ("someone else's", "[dependencies]\nserde = \"1\"", 0),
            (
                "renamed and allowed",
                "[dependencies]\nk = { package = \"liuhen-kinds\", path = \"x\" }",
                0,
            ),
            (
                "dev may point anywhere",
                "[dev-dependencies]\nliuhen-testkit.workspace = true\nliuhen.path = \"x\"",
                0,
            ),
            (
                "upwards",
                "[dependencies]\nliuhen = { path = \"../cli\" }",
                1,
            ),
            (
                "upwards, renamed",
                "[dependencies]\nk = { package = \"liuhen-vault\", path = \"x\" }",
                1,
            ),
            (
                "upwards, for a target",
                "[target.'cfg(unix)'.dependencies]\nliuhen-vault.workspace = true",
                1,
            ),
            (
                "upwards, to build",
                "[build-dependencies]\nliuhen-vault.workspace = true",
                1,
            ),
            (
                "testkit as normal",
                "[dependencies]\nliuhen-testkit.workspace = true",
                1,
            ),
            (
                "renamed by the workspace",
                "[dependencies]\nkit.workspace = true\nwords.workspace = true",
                1,
            ),
        ];
        for (name, dependencies, expected) in rows {
            let wrong = wrong_in("detect", dependencies, readme);
            assert_eq!(wrong.len(), expected, "{name}: {wrong:?}");
        }
    }

    #[test]
    fn refuses_a_violating_manifest_by_name() {
        let wrong = wrong_in(
            "kinds",
            "[dependencies]\nliuhen-detect.workspace = true",
            Some("what kinds does"),
        );
        assert_eq!(wrong, ["kinds: may not import `detect`"]);
    }

    #[test]
    fn refuses_a_room_without_row_or_sentence() {
        assert_eq!(
            wrong_in("stranger", "", None),
            ["stranger: has no row in ARCHITECTURE.md"]
        );
        assert_eq!(wrong_in("kinds", "", None), ["kinds: has no README.md"]);
        assert_eq!(
            wrong_in("kinds", "", Some("# kinds\n\nSomething else.\n")).len(),
            1
        );
        assert!(wrong_in("cli", "", Some("# liuhen\n\n**What `cli` does**.\n")).is_empty());
    }

    #[test]
    fn refuses_another_name_or_description() {
        let found = Found {
            folder: "kinds".into(),
            manifest: "[package]\nname = \"kinds\"\ndescription = \"x\""
                .parse()
                .unwrap(),
            readme: Some("What kinds does.".into()),
        };
        assert_eq!(check(&found, &rooms(), None).len(), 2);
    }
}
