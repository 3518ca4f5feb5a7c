//! Which paths there are, in order.
//!
//! Paths come in the order of their bytes, folder by folder, so that two scans of the same files
//! tell the same story. Symbolic links inside folders are told and not followed; hidden files are
//! files; the contents of a folder named `.git` are left out, being compressed. Exhibits are walked
//! whole: who made them must not say what of them counts.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::databases;
use super::ignored::{self, Rules};
use super::notes::Reason;

/// Something on the way.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) path: PathBuf,
    pub(crate) what: What,
}

/// What a path is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A file to read.
    File,
    /// A folder, whose name may tell something.
    Folder,
    /// Standard input.
    Stdin,
    /// The address of a database server.
    Database,
    /// Not to be read.
    Not(Reason),
}

/// What a walk leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// What `.liuhenignore` says, and folders named `.git`.
    Ignored,
    /// Nothing but the files being written.
    Nothing,
}

/// One folder being walked.
struct Frame {
    dir: PathBuf,
    entries: std::vec::IntoIter<(OsString, FileType)>,
    rules: Rules,
    id: (u64, u64),
}

/// A walk; answers how many paths were left out.
pub(super) struct Walk<'a> {
    frames: Vec<Frame>,
    above: Vec<Rules>,
    except: Vec<PathBuf>,
    leaves: Leaves,
    ignored: u64,
    stop: &'a mut dyn FnMut(Stop) -> ControlFlow<()>,
}

/// Walks every path; answers how many others were left out.
pub(crate) fn walk(
    paths: &[PathBuf],
    except: &[PathBuf],
    leaves: Leaves,
    stop: &mut dyn FnMut(Stop) -> ControlFlow<()>,
) -> u64 {
    let mut walk = Walk {
        frames: Vec::new(),
        above: Vec::new(),
        except: except
            .iter()
            .filter_map(|path| path.canonicalize().ok())
            .collect(),
        leaves,
        ignored: 0,
        stop,
    };
    // Breaking off is the listener's wish and no news to it.
    let _ = distinct(paths, leaves)
        .iter()
        .try_for_each(|path| walk.named(path));
    walk.ignored
}

/// The paths in order, without those that are named twice or lie in another.
fn distinct(paths: &[PathBuf], leaves: Leaves) -> Vec<PathBuf> {
    let mut sorted: Vec<PathBuf> = paths.to_vec();
    sorted.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let folders: HashSet<PathBuf> = sorted
        .iter()
        .filter(|path| path.is_dir())
        .map(real)
        .collect();
    let mut met = HashSet::new();
    sorted.retain(|path| {
        let path = real(path);
        let covered = lies_in(&path, &folders, leaves);
        met.insert(path) && !covered
    });
    sorted
}

/// Whether a path is met when these folders are walked; what lies in `.git` may not be.
fn lies_in(path: &Path, folders: &HashSet<PathBuf>, leaves: Leaves) -> bool {
    let mut inner = path;
    while let Some(outer) = inner.parent() {
        let git = inner.file_name().is_some_and(|name| name == ".git");
        if git && leaves == Leaves::Ignored {
            return false;
        }
        if folders.contains(outer) {
            return true;
        }
        inner = outer;
    }
    false
}

impl Walk<'_> {
    fn tell(&mut self, path: PathBuf, what: What) -> ControlFlow<()> {
        (self.stop)(Stop { path, what })
    }

    /// A path that was named outright: links are followed, and a pipe is read.
    fn named(&mut self, path: &Path) -> ControlFlow<()> {
        if path == Path::new("-") {
            return self.tell(path.to_owned(), What::Stdin);
        }
        if databases::is_address(path) {
            return self.tell(path.to_owned(), What::Database);
        }
        let path = sqlite(path);
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) => {
                let broken = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                let reason = if broken && missing {
                    Reason::BrokenLink
                } else {
                    Reason::from(&error)
                };
                return self.tell(path.to_owned(), What::Not(reason));
            }
        };
        let (above, out) = match self.leaves {
            Leaves::Ignored => ignored::above(path, &std::env::current_dir().unwrap_or_default()),
            Leaves::Nothing => (Vec::new(), false),
        };
        if out || ignored::is_left_out(above.iter(), path, meta.is_dir()) {
            return self.tell(path.to_owned(), What::Not(Reason::Ignored));
        }
        if !meta.is_dir() {
            let what = if meta.file_type().is_socket() {
                What::Not(Reason::Special)
            } else {
                What::File
            };
            return self.tell(path.to_owned(), what);
        }
        self.above = above;
        self.enter(path.to_owned(), &meta)?;
        while let Some(frame) = self.frames.last_mut() {
            let Some((name, kind)) = frame.entries.next() else {
                self.frames.pop();
                continue;
            };
            let path = if frame.dir == Path::new(".") {
                PathBuf::from(&name)
            } else {
                frame.dir.join(&name)
            };
            self.entry(path, &name, kind)?;
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, path: PathBuf, name: &OsString, kind: FileType) -> ControlFlow<()> {
        let rules = self
            .above
            .iter()
            .chain(self.frames.iter().map(|frame| &frame.rules));
        let git = kind.is_dir() && name == ".git" && self.leaves == Leaves::Ignored;
        if git || ignored::is_left_out(rules, &path, kind.is_dir()) {
            self.ignored += 1;
            return ControlFlow::Continue(());
        }
        if kind.is_symlink() {
            let reason = if path.exists() {
                Reason::Link
            } else {
                Reason::BrokenLink
            };
            return self.tell(path, What::Not(reason));
        }
        if kind.is_dir() {
            return match fs::symlink_metadata(&path) {
                Ok(meta) => self.enter(path, &meta),
                Err(error) => self.tell(path, What::Not(Reason::from(&error))),
            };
        }
        if !kind.is_file() {
            return self.tell(path, What::Not(Reason::Special));
        }
        let ours = self
            .except
            .iter()
            .any(|own| own.file_name() == Some(name.as_os_str()));
        if ours
            && path
                .canonicalize()
                .is_ok_and(|path| self.except.contains(&path))
        {
            self.ignored += 1;
            return ControlFlow::Continue(());
        }
        self.tell(path, What::File)
    }

    fn enter(&mut self, dir: PathBuf, meta: &Metadata) -> ControlFlow<()> {
        let id = (meta.dev(), meta.ino());
        if self.frames.iter().any(|frame| frame.id == id) {
            return self.tell(dir, What::Not(Reason::Loop));
        }
        let entries = match entries(&dir) {
            Ok(entries) => entries,
            Err(error) => return self.tell(dir, What::Not(Reason::from(&error))),
        };
        let (rules, bad) = match self.leaves {
            Leaves::Ignored => Rules::of(&dir),
            Leaves::Nothing => (Rules::none(), false),
        };
        if bad {
            self.tell(dir.join(ignored::NAME), What::Not(Reason::BadPattern))?;
        }
        self.tell(dir.clone(), What::Folder)?;
        self.frames.push(Frame {
            dir,
            entries,
            rules,
            id,
        });
        ControlFlow::Continue(())
    }
}

/// A database in a file may be named as others are.
fn sqlite(path: &Path) -> &Path {
    let named = path.to_str().and_then(|text| text.strip_prefix("sqlite:"));
    named.map_or(path, |rest| {
        Path::new(rest.strip_prefix("//").unwrap_or(rest))
    })
}

/// The entries of a folder in the order of their paths.
fn entries(dir: &Path) -> std::io::Result<std::vec::IntoIter<(OsString, FileType)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?));
    }
    // A folder sorts as what its contents begin with: `a-b` before `a/x`, `a/x` before `a0`.
    let slash = |kind: FileType| if kind.is_dir() { b"/".as_slice() } else { b"" };
    entries.sort_unstable_by(|(a, a_kind), (b, b_kind)| {
        let a = a.as_bytes().iter().chain(slash(*a_kind));
        a.cmp(b.as_bytes().iter().chain(slash(*b_kind)))
    });
    Ok(entries.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(paths: &[PathBuf], below: &Path) -> (Vec<String>, u64) {
        leaving(Leaves::Ignored, paths, below)
    }

    fn leaving(leaves: Leaves, paths: &[PathBuf], below: &Path) -> (Vec<String>, u64) {
        let mut seen = Vec::new();
        let ignored = walk(paths, &[], leaves, &mut |stop| {
            let path = stop.path.strip_prefix(below).unwrap_or(&stop.path);
            let mark = match stop.what {
                What::File => "",
                What::Folder => "/",
                What::Stdin => " in",
                What::Database => " database",
                What::Not(reason) => &format!(" {}", reason.code()),
            };
            seen.push(format!("{}{mark}", path.display()));
            ControlFlow::Continue(())
        });
        (seen, ignored)
    }

    #[test]
    fn everything_is_met_in_order_or_said_to_be_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["a", ".git", "skipped", "a/deep"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        for file in [
            "a/x",
            "a-b",
            "a0",
            ".hidden",
            "a/deep/y",
            ".git/config",
            "skipped/z",
        ] {
            fs::write(root.join(file), "x").unwrap();
        }
        fs::write(root.join(ignored::NAME), "skipped/\n").unwrap();
        std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("nowhere"), root.join("a/broken")).unwrap();
        let (seen, ignored) = walked(&[root.to_owned()], root);
        let expected = [
            "/",
            ".hidden",
            ".liuhenignore",
            "a-b",
            "a/",
            "a/broken broken_link",
            "a/deep/",
            "a/deep/y",
            "a/loop link_not_followed",
            "a/x",
            "a0",
        ];
        assert_eq!(seen, expected);
        assert_eq!(ignored, 2);
        let paths = [root.to_owned(), root.join(".git/config")];
        let (whole, ignored) = leaving(Leaves::Nothing, &paths, root);
        let more = [".git/", ".git/config", "skipped/", "skipped/z"];
        let mut all: Vec<&str> = expected.into_iter().chain(more).collect();
        let mut found: Vec<&str> = whole.iter().map(String::as_str).collect();
        all.sort_unstable();
        found.sort_unstable();
        assert_eq!((found, ignored), (all, 0));
    }

    #[test]
    fn named_paths_are_met_once_and_missing_ones_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("b"), "x").unwrap();
        fs::write(root.join("c"), "x").unwrap();
        let paths = ["c", "b", "b", "none"].map(|name| root.join(name));
        assert_eq!(walked(&paths, root).0, ["b", "c", "none missing"]);
        let both = [root.to_owned(), root.join("b"), PathBuf::from("-")];
        assert_eq!(walked(&both, root).0, ["- in", "/", "b", "c"]);
        let address = PathBuf::from("postgres://a@h/db");
        let sqlite = PathBuf::from(format!("sqlite:{}", root.join("b").display()));
        let found = walked(&[address, sqlite], root).0;
        assert_eq!(found, ["postgres://a@h/db database", "b"]);
    }
}
