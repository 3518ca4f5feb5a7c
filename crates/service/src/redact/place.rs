//! Where copies go: never over an input, never inside one, never half-written.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use data_encoding::HEXLOWER;
use liuhen_redact::Refusal;

use super::{RedactError, Why};

/// The largest file that is read into memory.
pub(super) const LARGEST: u64 = 512 << 20;

/// The places of a run.
pub(super) struct Places {
    /// Inputs as they were named, the longest first.
    roots: Vec<PathBuf>,
    out: PathBuf,
    /// The output is the copy of the one input.
    single: bool,
    force: bool,
    /// Copies made so far: with hidden names two files may come to one.
    made: Mutex<HashSet<PathBuf>>,
}

/// The ending of a picture's copy where it is written as another format than it was read
/// (`liuhen_picture::Encoding::of`).
fn written_as(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "heic" | "heif" | "hif" => Some("jpg"),
        "gif" | "bmp" => Some("png"),
        _ => None,
    }
}

/// The place of a copy.
pub(super) struct Chosen {
    pub(super) target: PathBuf,
    /// Whether its name was given by hand.
    pub(super) named: bool,
}

impl Places {
    pub(super) fn of(paths: &[PathBuf], out: &Path, force: bool) -> Result<Self, RedactError> {
        if let Some(missing) = paths.iter().find(|path| path.symlink_metadata().is_err()) {
            if missing == Path::new("-") || missing.to_string_lossy().contains("://") {
                return Err(RedactError::NoFile);
            }
            return Err(RedactError::Missing(crate::scan::shown(missing)));
        }
        let into = out.is_dir() || out.to_string_lossy().ends_with('/');
        let single = matches!(paths, [one] if !one.is_dir()) && !into;
        if !single && out.exists() && !out.is_dir() {
            return Err(RedactError::NotAFolder);
        }
        let real = real(out).map_err(RedactError::Output)?;
        for path in paths.iter().filter(|path| path.is_dir()) {
            let folder = path.canonicalize().map_err(RedactError::Output)?;
            if real.starts_with(&folder) {
                return Err(RedactError::Inside);
            }
        }
        let mut roots = paths.to_vec();
        roots.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        Ok(Self {
            roots,
            out: out.to_owned(),
            single,
            force,
            made: Mutex::default(),
        })
    }

    /// Where the copy of a file goes; `hide` takes out of each name what is found in it.
    pub(super) fn target(
        &self,
        path: &Path,
        hide: &mut dyn FnMut(&str) -> Result<String, Refusal>,
    ) -> Result<Chosen, Refusal> {
        if self.single {
            return Ok(Chosen {
                target: self.out.clone(),
                named: true,
            });
        }
        let root = self.roots.iter().find(|root| path.starts_with(root));
        let several = self.roots.len() > 1;
        let base = match root {
            // A single folder's files lie in the output as they lay in it.
            Some(root) if path != root && !several => Some(root.as_path()),
            Some(root) => root.parent(),
            None => path.parent(),
        };
        let way = base
            .and_then(|base| path.strip_prefix(base).ok())
            .unwrap_or(path);
        let mut target = self.out.clone();
        for step in way.components() {
            if let Component::Normal(name) = step {
                target.push(hide(&name.to_string_lossy())?);
            }
        }
        if let Some(ending) = written_as(&target) {
            target.set_extension(ending);
        }
        Ok(Chosen {
            target: self.free(target),
            named: false,
        })
    }

    /// A place that no other copy of this run has.
    fn free(&self, target: PathBuf) -> PathBuf {
        let mut made = self
            .made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut place = target.clone();
        let mut number = 1;
        while !made.insert(place.clone()) {
            number += 1;
            let stem = target.file_stem().unwrap_or_default().to_string_lossy();
            let name = match target.extension() {
                Some(ending) => format!("{stem}-{number}.{}", ending.to_string_lossy()),
                None => format!("{stem}-{number}"),
            };
            place = target.with_file_name(name);
        }
        place
    }

    /// Whether a copy may be written there.
    pub(super) fn allows(&self, target: &Path) -> Result<(), Why> {
        // A folder of the output may be a link into an input.
        let there = real(target).map_err(|error| Why::system(&error))?;
        let mut inputs = self
            .roots
            .iter()
            .filter_map(|root| root.canonicalize().ok());
        if inputs.any(|input| there.starts_with(input)) {
            return Err(Why::IsInput);
        }
        // A link that leads nowhere is there too: it would be followed.
        let free = target.symlink_metadata().is_err();
        if free || self.force && there.is_file() {
            Ok(())
        } else {
            Err(Why::Exists)
        }
    }
}

/// A path without links, whether it is there or not yet.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    let mut missing = Vec::new();
    let absolute = std::path::absolute(path)?;
    let mut here = absolute.as_path();
    loop {
        match here.canonicalize() {
            Ok(mut found) => {
                found.extend(missing.iter().rev());
                return Ok(found);
            }
            Err(error) => match (here.parent(), here.components().next_back()) {
                (Some(parent), Some(Component::Normal(name))) => {
                    missing.push(name.to_owned());
                    here = parent;
                }
                _ => return Err(error),
            },
        }
    }
}

/// A copy beside its place, gone again unless it is settled.
pub(super) struct Staged {
    folder: PathBuf,
    /// The copy, under the name that it will have.
    pub(super) file: PathBuf,
}

impl Staged {
    pub(super) fn write(target: &Path, bytes: &[u8]) -> Result<Self, Why> {
        let system = |error: std::io::Error| Why::system(&error);
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(system)?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| system(error.into()))?;
        let folder = parent.join(format!(".liuhen-redact-{}", HEXLOWER.encode(&random)));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(system)?;
        let staged = Self {
            file: folder.join(target.file_name().unwrap_or_default()),
            folder,
        };
        let mut file = fs::File::create_new(&staged.file).map_err(system)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(system)?;
        Ok(staged)
    }

    /// Puts the copy in its place.
    pub(super) fn settle(self, target: &Path, force: bool) -> Result<(), Why> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        if !force {
            match renameat_with(CWD, &self.file, CWD, target, RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => return Err(Why::Exists),
                // A file system that cannot; the place was free a moment ago.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                Err(error) => return Err(Why::system(&error.into())),
            }
        }
        fs::rename(&self.file, target).map_err(|error| Why::system(&error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Whatever is left over is the copy that must not stay; nobody can be told here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
