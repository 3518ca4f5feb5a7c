//! The remark `liuhen:allow` on a line: its findings are known and wanted.
//!
//! `liuhen:allow` accepts every kind, `liuhen:allow mobile,email` those it names. Whatever is
//! accepted is counted, so that a report still tells how much of it there is.

use liuhen_kinds::Kind;

const REMARK: &str = "liuhen:allow";

/// Whether a line says that findings of `kind` on it are wanted.
pub(super) fn allows(line: &str, kind: Kind) -> bool {
    line.match_indices(REMARK).any(|(at, _)| {
        let rest = &line[at + REMARK.len()..];
        // `liuhen:allowed` is another word.
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        names(rest).is_none_or(|mut names| names.any(|name| name == kind.name()))
    })
}

/// The kinds that a remark names; nothing when it names none.
fn names(rest: &str) -> Option<impl Iterator<Item = &str>> {
    let rest = rest
        .strip_prefix([' ', '=', ':'])
        .unwrap_or(rest)
        .trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_,".contains(c)))
        .unwrap_or(rest.len());
    let named = rest[..end].split(',').filter(|name| !name.is_empty());
    // Words that are no kinds are a comment that goes on: `liuhen:allow see ticket 12`.
    let known = named.clone().any(|name| Kind::parse(name).is_ok());
    known.then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks() {
        let rows = [
            ("tel 1 # liuhen:allow", true),
            ("tel 1 # liuhen:allow mobile", true),
            ("tel 1 <!-- liuhen:allow email,mobile -->", true),
            ("tel 1 # liuhen:allow email", false),
            ("tel 1 # liuhen:allow sample data", true),
            ("tel 1 # liuhen:allowed", false),
            ("tel 1", false),
            ("liuhen:allow email liuhen:allow mobile", true),
        ];
        for (line, expected) in rows {
            assert_eq!(allows(line, Kind::MOBILE), expected, "{line}");
        }
    }
}
