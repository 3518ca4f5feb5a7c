//! A disk that fails from a chosen act on.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use liuhen_tlog::disk::{Disk, DiskFile};

use crate::common::Unsynced;

/// A disk on which the n-th act fails, and every one after it, as on a dying or full disk.
#[derive(Debug)]
pub(crate) struct Failing {
    /// Acts that still succeed.
    pub(crate) left: Arc<AtomicI64>,
    /// What the others answer.
    pub(crate) error: io::ErrorKind,
}

impl Failing {
    fn act(&self) -> io::Result<()> {
        act(&self.left, self.error)
    }
}

fn act(left: &AtomicI64, error: io::ErrorKind) -> io::Result<()> {
    if left.fetch_sub(1, Ordering::SeqCst) > 0 {
        return Ok(());
    }
    Err(error.into())
}

struct FailingFile {
    file: Box<dyn DiskFile>,
    left: Arc<AtomicI64>,
    error: io::ErrorKind,
}

impl DiskFile for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = act(&self.left, self.error) {
            // A full disk takes a part.
            self.file.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        act(&self.left, self.error)?;
        self.file.sync()
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        self.act()?;
        Ok(Box::new(FailingFile {
            file: Unsynced.create(path, reserve)?,
            left: Arc::clone(&self.left),
            error: self.error,
        }))
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.create_dirs(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.sync_dir(dir)
    }

    fn sync_all(&self, dir: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.sync_all(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act()?;
        Unsynced.remove(path)
    }
}
