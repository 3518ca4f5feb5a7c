//! `.liuhenignore`: what a folder's owner wants left out, in the syntax of `.gitignore`.
//!
//! Git's own files are not asked: what git ignores is often just what leaks.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The file's name.
pub(super) const NAME: &str = ".liuhenignore";

/// The rules of one folder.
pub(super) struct Rules(Option<Gitignore>);

impl Rules {
    /// Those of a folder that has none.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Reads the rules of a folder; the flag says that a pattern could not be understood, in which
    /// case the others still hold.
    pub(super) fn of(dir: &Path) -> (Self, bool) {
        let file = dir.join(NAME);
        if !file.is_file() {
            return (Self(None), false);
        }
        let mut builder = GitignoreBuilder::new(dir);
        let bad = builder.add(&file).is_some();
        match builder.build() {
            Ok(rules) => (Self(Some(rules)), bad),
            Err(_) => (Self(None), true),
        }
    }

    /// Whether these rules leave a path out, or keep it in; nothing when they say nothing of it.
    fn judge(&self, path: &Path, is_dir: bool) -> Option<bool> {
        let found = self.0.as_ref()?.matched(path, is_dir);
        (!found.is_none()).then(|| found.is_ignore())
    }
}

/// Whether rules, outermost first, leave a path out; the innermost that speaks decides.
pub(super) fn is_left_out<'r>(
    rules: impl DoubleEndedIterator<Item = &'r Rules>,
    path: &Path,
    is_dir: bool,
) -> bool {
    rules
        .rev()
        .find_map(|rules| rules.judge(path, is_dir))
        .unwrap_or(false)
}

/// The rules above a path that was named outright: of the working folder and those between.
///
/// A path outside the working folder has none. The flag tells that a folder above is left out.
pub(super) fn above(path: &Path, working: &Path) -> (Vec<Rules>, bool) {
    let inner = if path.is_absolute() {
        path.strip_prefix(working).ok()
    } else {
        Some(path)
    };
    let Some(inner) = inner.filter(|inner| {
        let up = std::path::Component::ParentDir;
        !inner.components().any(|part| part == up)
    }) else {
        return (Vec::new(), false);
    };
    let mut dir = if path.is_absolute() {
        working.to_owned()
    } else {
        PathBuf::new()
    };
    let mut rules: Vec<Rules> = Vec::new();
    let parts: Vec<_> = inner
        .components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .collect();
    let Some((_, folders)) = parts.split_last() else {
        return (rules, false);
    };
    rules.push(Rules::of(&dir).0);
    for folder in folders {
        dir.push(folder);
        if is_left_out(rules.iter(), &dir, true) {
            return (rules, true);
        }
        rules.push(Rules::of(&dir).0);
    }
    (rules, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_rule_decides() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        std::fs::create_dir(&sub).unwrap();
        std::fs::write(dir.path().join(NAME), "*.log\nbuild/\n").unwrap();
        std::fs::write(sub.join(NAME), "!keep.log\n").unwrap();
        let rules = [Rules::of(dir.path()).0, Rules::of(&sub).0];
        let out = |path: &str, is_dir| is_left_out(rules.iter(), &dir.path().join(path), is_dir);
        assert!(out("sub/a.log", false));
        assert!(!out("sub/keep.log", false));
        assert!(!out("sub/a.txt", false));
        assert!(out("sub/build", true));
        assert!(!out("sub/build", false));
    }

    #[test]
    fn rules_above_a_named_file_hold() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "fixtures/\n").unwrap();
        let (_, out) = above(&dir.path().join("fixtures/a.csv"), dir.path());
        assert!(out);
        let (rules, out) = above(&dir.path().join("src/a.csv"), dir.path());
        assert!(!out && rules.len() == 2);
        assert!(
            above(Path::new("/elsewhere/a.csv"), dir.path())
                .0
                .is_empty()
        );
    }
}
