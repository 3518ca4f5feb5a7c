//! Whether a count is of the exhibits that were sealed: by the SHA-256 of every file it read.
//!
//! Reads `count.json` as [`crate::Report`] writes it. How files are read belongs to the caller.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Listing, Sealing};

/// A file of a count that is not as it was sealed. The path is within the case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "misfit", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Misfit {
    /// It was counted with other bytes.
    #[error("{path} was counted with other bytes than were sealed")]
    OtherBytes {
        /// Which.
        path: String,
    },
    /// It was counted and is in no listing.
    #[error("{path} was counted and never sealed")]
    NeverSealed {
        /// Which.
        path: String,
    },
    /// It is in a listing, and the count says nothing of it.
    #[error("{path} was sealed, and the count does not have it")]
    NotCounted {
        /// Which.
        path: String,
    },
}

/// What is asked of a `count.json`.
#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    not_read: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    #[serde(default)]
    sha256: Option<String>,
}

/// Compares a count, as `count.json` has it, with the listings of the exhibits it was made of.
///
/// A name that is no UTF-8 may be written in several ways, so such a file is known by its sum alone.
///
/// # Errors
///
/// The parser's, when `count` is no count.
pub fn misfits(exhibits: &[Listing], count: &[u8]) -> Result<Vec<Misfit>, serde_json::Error> {
    let count: Counted = serde_json::from_slice(count)?;
    let (mut named, mut raw) = (BTreeMap::new(), Vec::new());
    for listing in exhibits {
        for file in &listing.files {
            let Sealing::File { sums, .. } = &file.sealing else {
                continue;
            };
            let path = format!("{}/{}", listing.folder, file.path);
            match &file.raw {
                None => drop(named.insert(path, sums.sha256.as_str())),
                // Several of them may be shown alike.
                Some(_) => raw.push((path, sums.sha256.as_str())),
            }
        }
    }
    let raw_sums: BTreeSet<&str> = raw.iter().map(|(_, sum)| *sum).collect();
    let mut found = Vec::new();
    let (mut met, mut met_sums) = (BTreeSet::new(), BTreeSet::new());
    for file in &count.files {
        let path = file.path.clone();
        let sum = file.sha256.as_deref();
        match named.get(&path) {
            // Without a sum it could not be read, which the count says.
            Some(sealed) if sum.is_some_and(|sum| sum != *sealed) => {
                found.push(Misfit::OtherBytes { path });
            }
            Some(_) => {}
            None if sum.is_none() && !raw.is_empty() => {}
            None if sum.is_some_and(|sum| raw_sums.contains(sum)) => met_sums.extend(sum),
            None => found.push(Misfit::NeverSealed { path }),
        }
        met.insert(file.path.as_str());
    }
    met.extend(count.not_read.iter().map(|file| file.path.as_str()));
    let missing = named.keys().filter(|path| !met.contains(path.as_str()));
    let unread = count.files.iter().any(|file| file.sha256.is_none()) || !count.not_read.is_empty();
    let lost = raw
        .iter()
        .filter(|(_, sum)| !unread && !met_sums.contains(*sum));
    let missing = missing.chain(lost.map(|(path, _)| path)).cloned();
    found.extend(missing.map(|path| Misfit::NotCounted { path }));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::{Sealed, Sums, Who};
    use super::*;

    fn listing(files: &[(&str, Option<&str>, &str)]) -> Listing {
        let sealed = |(path, raw, sum): &(&str, Option<&str>, &str)| Sealed {
            path: (*path).to_owned(),
            raw: raw.map(str::to_owned),
            modified: None,
            sealing: Sealing::File {
                size: 1,
                sums: Sums {
                    sha256: (*sum).to_owned(),
                    sm3: String::new(),
                },
                changed_while_read: false,
            },
        };
        Listing {
            folder: "exhibits/0001".to_owned(),
            source: String::new(),
            who: Who {
                by: String::new(),
                at: String::new(),
                note: String::new(),
            },
            files: files.iter().map(sealed).collect(),
        }
    }

    #[test]
    fn only_a_count_of_the_sealed_bytes_fits() {
        let plain: &[(&str, Option<&str>, &str)] = &[("a", None, "1"), ("b", None, "2")];
        let raw: &[(&str, Option<&str>, &str)] =
            &[("\u{fffd}", Some("c3"), "1"), ("\u{fffd}", Some("c4"), "2")];
        let file = |name: &str, sum: &str| serde_json::json!({ "path": format!("exhibits/0001/{name}"), "sha256": sum });
        let unread = serde_json::json!({ "path": "exhibits/0001/b", "sha256": null });
        let path = |name: &str| format!("exhibits/0001/{name}");
        let rows = [
            (plain, vec![file("a", "1"), file("b", "2")], vec![]),
            (plain, vec![file("a", "1"), unread], vec![]),
            (
                plain,
                vec![file("a", "2"), file("b", "2")],
                vec![Misfit::OtherBytes { path: path("a") }],
            ),
            (
                plain,
                vec![file("a", "1"), file("b", "2"), file("c", "1")],
                vec![Misfit::NeverSealed { path: path("c") }],
            ),
            (
                plain,
                vec![file("a", "1")],
                vec![Misfit::NotCounted { path: path("b") }],
            ),
            (raw, vec![file("\\xC3", "1"), file("\\xC4", "2")], vec![]),
            (
                raw,
                vec![file("\\xC3", "1"), file("\\xC4", "3")],
                vec![
                    Misfit::NeverSealed {
                        path: path("\\xC4"),
                    },
                    Misfit::NotCounted {
                        path: path("\u{fffd}"),
                    },
                ],
            ),
        ];
        for (sealed, files, expected) in rows {
            let count = serde_json::json!({ "files": files, "not_read": [] }).to_string();
            let found = misfits(&[listing(sealed)], count.as_bytes()).unwrap();
            assert_eq!(found, expected, "{count}");
        }
        let told = serde_json::json!({
            "files": [file("a", "1")],
            "not_read": [{ "path": path("b"), "code": "x" }],
        });
        let found = misfits(&[listing(plain)], told.to_string().as_bytes());
        assert_eq!(found.unwrap(), []);
        assert!(misfits(&[], b"[").is_err());
    }
}
