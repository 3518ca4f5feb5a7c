//! Copying a source into a case and summing it on the way.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rustix::fs::OFlags;

use super::listing::{Listing, Sealed, Sealing, Summing, Sums};
use super::{CaseError, Who};

const BUFFER: usize = 1 << 20;

/// Whoever watches a copy and may stop it.
pub trait Watch {
    /// So many bytes more were copied; `false` stops.
    fn copied(&mut self, bytes: u64) -> bool;
}

impl<F: FnMut(u64) -> bool> Watch for F {
    fn copied(&mut self, bytes: u64) -> bool {
        self(bytes)
    }
}

/// Something found while walking: where it lies, its path from the root's, what it is.
struct Found {
    path: PathBuf,
    inside: PathBuf,
    meta: io::Result<Metadata>,
}

/// Copies `source` to the folder `to`, made anew, which exists whole or not at all.
pub(super) fn copy(
    source: &Path,
    to: &Path,
    folder: &str,
    who: &Who,
    watch: &mut dyn Watch,
) -> Result<Listing, CaseError> {
    let meta = fs::metadata(source).map_err(CaseError::io(source))?;
    if !meta.is_file() && !meta.is_dir() {
        return Err(CaseError::NoFile(source.to_owned()));
    }
    remove(to)?;
    fs::create_dir(to).map_err(CaseError::io(to))?;
    let copied = copy_all(source, &meta, to, watch);
    if copied.is_err() {
        remove(to)?;
    }
    let files = copied?;
    sync_folders(to)?;
    sync_folder(to.parent().unwrap_or(to))?;
    Ok(Listing {
        folder: folder.to_owned(),
        source: source.to_string_lossy().into_owned(),
        who: who.clone(),
        files,
    })
}

fn copy_all(
    source: &Path,
    meta: &Metadata,
    part: &Path,
    watch: &mut dyn Watch,
) -> Result<Vec<Sealed>, CaseError> {
    let mut files = Vec::new();
    for found in walk(source, meta.is_file())? {
        let mut take = |meta: &Metadata| {
            if meta.is_file() {
                let target = part.join(&found.inside);
                return copy_file(&found.path, &target, watch);
            }
            look(&found.path, meta)
        };
        let sealing = match found.meta.as_ref() {
            Ok(meta) => take(meta)?,
            Err(error) => unread(error),
        };
        files.push(sealed(&found, sealing));
    }
    Ok(files)
}

/// Lists what lies in a folder of the case, where it is.
pub(super) fn in_place(dir: &Path, folder: &str, who: &Who) -> Result<Listing, CaseError> {
    let mut files = Vec::new();
    for found in walk(dir, false)? {
        let sealing = match found.meta.as_ref() {
            Ok(meta) if meta.is_file() => {
                let (sums, size) = sum_file(&found.path).map_err(CaseError::io(&found.path))?;
                Sealing::File {
                    size,
                    sums,
                    changed_while_read: false,
                }
            }
            Ok(meta) => look(&found.path, meta)?,
            Err(error) => unread(error),
        };
        files.push(sealed(&found, sealing));
    }
    sync_folders(dir)?;
    Ok(Listing {
        folder: folder.to_owned(),
        source: String::new(),
        who: who.clone(),
        files,
    })
}

/// What is no file and no folder.
fn look(path: &Path, meta: &Metadata) -> Result<Sealing, CaseError> {
    if !meta.is_symlink() {
        return Ok(Sealing::Other);
    }
    let target = fs::read_link(path).map_err(CaseError::io(path))?;
    Ok(Sealing::Link {
        target: target.to_string_lossy().into_owned(),
    })
}

fn unread(error: &io::Error) -> Sealing {
    Sealing::Unread {
        why: error.to_string(),
    }
}

fn sealed(found: &Found, sealing: Sealing) -> Sealed {
    let raw = found.inside.as_os_str();
    let modified = found
        .meta
        .as_ref()
        .ok()
        .and_then(|meta| meta.modified().ok());
    let modified = modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
    Sealed {
        path: raw.to_string_lossy().into_owned(),
        raw: raw
            .to_str()
            .is_none()
            .then(|| HEXLOWER.encode(raw.as_bytes())),
        modified: modified.map(|time| time.to_string()),
        sealing,
    }
}

/// Everything below `source` but folders, in the order of the paths' bytes; links are not followed.
fn walk(source: &Path, single: bool) -> Result<Vec<Found>, CaseError> {
    if single {
        let name = source.file_name().unwrap_or(OsStr::new("file"));
        return Ok(vec![Found {
            path: source.to_owned(),
            inside: PathBuf::from(name),
            // Here a link was named by whoever adds, so its file is meant.
            meta: fs::metadata(source),
        }]);
    }
    let mut all = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        let folder = source.join(&inside);
        let listed = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if inside.as_os_str().is_empty() => {
                return Err(CaseError::io(&folder)(error));
            }
            Err(error) => {
                all.push(Found {
                    path: folder,
                    inside,
                    meta: Err(error),
                });
                continue;
            }
        };
        for entry in entries {
            let inside = inside.join(entry.file_name());
            let path = entry.path();
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_dir() => folders.push(inside),
                meta => all.push(Found { path, inside, meta }),
            }
        }
    }
    all.sort_by(|one, other| {
        let bytes = |found: &Found| found.inside.as_os_str().as_bytes().to_owned();
        bytes(one).cmp(&bytes(other))
    });
    Ok(all)
}

/// Copies one file; what the source answers is a sealing, what the case answers an error.
fn copy_file(from: &Path, to: &Path, watch: &mut dyn Watch) -> Result<Sealing, CaseError> {
    let mut source = match open_quietly(from) {
        Ok(source) => source,
        Err(error) => return Ok(unread(&error)),
    };
    let before = source.metadata();
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(CaseError::io(folder))?;
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o400).open(to);
    let mut target = made.map_err(CaseError::io(to))?;
    let mut summing = Summing::default();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    loop {
        let filled = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(filled) => filled,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                drop(target);
                remove(to)?;
                return Ok(unread(&error));
            }
        };
        summing.update(&buffer[..filled]);
        target
            .write_all(&buffer[..filled])
            .map_err(CaseError::io(to))?;
        size += filled as u64;
        if !watch.copied(filled as u64) {
            return Err(CaseError::Stopped);
        }
    }
    target.sync_all().map_err(CaseError::io(to))?;
    let moment = |meta: io::Result<Metadata>| meta.ok().map(|m| (m.len(), m.modified().ok()));
    let (before, after) = (moment(before), moment(source.metadata()));
    Ok(Sealing::File {
        size,
        sums: summing.finish(),
        changed_while_read: before != after || before.is_some_and(|(len, _)| len != size),
    })
}

/// Opens a file for reading only, its time of access left alone where the system permits that.
///
/// # Errors
///
/// Those of the system.
pub fn open_quietly(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let quiet = i32::try_from(OFlags::NOATIME.bits()).unwrap_or(0);
    let opened = options.read(true).custom_flags(quiet).open(path);
    match opened {
        // Only the owner may ask for that.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        other => other,
    }
}

/// The sums and the size of a file.
pub(super) fn sum_file(path: &Path) -> io::Result<(Sums, u64)> {
    let mut file = open_quietly(path)?;
    let mut summing = Summing::default();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((summing.finish(), size)),
            Ok(filled) => {
                summing.update(&buffer[..filled]);
                size += filled as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What lies in a folder, sorted.
pub(super) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> = listed
        .map_err(CaseError::io(folder))?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

/// Removes a file or a folder with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), CaseError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(CaseError::io(path))
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), CaseError> {
    let sync = File::open(folder).and_then(|folder| folder.sync_all());
    sync.map_err(CaseError::io(folder))
}

fn sync_folders(folder: &Path) -> Result<(), CaseError> {
    for path in files_of(folder)? {
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            sync_folders(&path)?;
        }
    }
    sync_folder(folder)
}
