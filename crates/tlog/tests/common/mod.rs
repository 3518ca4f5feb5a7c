//! A disk that writes but never waits, for tests that cut no power.

use std::{io, path::Path};

use liuhen_tlog::disk::{Disk, DiskFile, SystemDisk};

/// The system's disk without its syncs.
#[derive(Debug)]
pub(crate) struct Unsynced;

struct UnsyncedFile(Box<dyn DiskFile>);

impl DiskFile for UnsyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Unsynced {
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = SystemDisk.create(path, reserve)?;
        Ok(Box::new(UnsyncedFile(file)))
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        SystemDisk.create_dirs(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)
    }
}
