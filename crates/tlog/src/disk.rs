//! The few writes the log makes, behind a trait, so that tests can make them fail.
//!
//! Every byte the log writes passes here. Reading does not: it harms nothing.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate, syncfs};

/// A file being written.
pub trait DiskFile: Send + Sync {
    /// Writes all of `bytes` at the end of what was written.
    ///
    /// # Errors
    ///
    /// The system's; how much was written is then unknown.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable (`fdatasync`).
    ///
    /// # Errors
    ///
    /// The system's. What is durable is then unknown, and asking again on the
    /// same file may wrongly succeed: the kernel reports a lost page once.
    fn sync(&mut self) -> io::Result<()>;
}

/// Where the log writes.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes an empty file, replacing one that is there; may set `reserve` bytes aside.
    ///
    /// # Errors
    ///
    /// The system's.
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Makes a directory and those above it.
    ///
    /// # Errors
    ///
    /// The system's.
    fn create_dirs(&self, path: &Path) -> io::Result<()>;

    /// Renames a file, replacing one that is there.
    ///
    /// # Errors
    ///
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes renames within a directory durable.
    ///
    /// # Errors
    ///
    /// The system's.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes everything on the file system that holds `dir` durable.
    ///
    /// # Errors
    ///
    /// The system's.
    fn sync_all(&self, dir: &Path) -> io::Result<()>;

    /// Removes a file or a directory with all it holds; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl DiskFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Disk for SystemDisk {
    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        if reserve > 0 {
            match fallocate(&file, FallocateFlags::empty(), 0, reserve) {
                // Not every file system can; setting aside is a favour, except that a full disk should show now.
                Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Box::new(file))
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn sync_all(&self, dir: &Path) -> io::Result<()> {
        // Since Linux 5.8 this reports writes that failed, as fsync does.
        Ok(syncfs(File::open(dir)?)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let gone = if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        match gone {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// The name a file bears until it is whole.
pub(crate) fn temporary(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

/// Makes a file under its temporary name, which `fill` does, and puts it in its place. What was begun
/// when that fails, as on a full disk, is removed again if the disk lets it.
///
/// # Errors
///
/// The disk's, or `fill`'s; nothing is then in the place that was not there before.
pub(crate) fn put(
    disk: &dyn Disk,
    path: &Path,
    reserve: u64,
    fill: impl FnOnce(&mut dyn DiskFile) -> io::Result<()>,
) -> io::Result<Box<dyn DiskFile>> {
    let new = temporary(path);
    let begun = || -> io::Result<Box<dyn DiskFile>> {
        let mut file = disk.create(&new, reserve)?;
        fill(&mut *file)?;
        disk.rename(&new, path)?;
        Ok(file)
    };
    begun().inspect_err(|_| {
        // The error that led here is the one to be told.
        let _ = disk.remove(&new);
    })
}

/// Writes a whole file so that it is there entirely or not at all, also after a power cut.
///
/// # Errors
///
/// The disk's; the file is then as it was, or new.
pub fn write_durably(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(disk, path, 0, |file| {
        file.write(bytes)?;
        file.sync()
    })?;
    match path.parent() {
        Some(dir) => disk.sync_dir(dir),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_removal_is_idempotent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        write_durably(&SystemDisk, &path, b"one").unwrap();
        write_durably(&SystemDisk, &path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        SystemDisk.remove(&path).unwrap();
        SystemDisk.remove(&path).unwrap();
    }

    #[test]
    fn what_a_full_disk_cut_off_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        write_durably(&SystemDisk, &path, b"one").unwrap();
        let full = |file: &mut dyn DiskFile| {
            file.write(b"tw")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = put(&SystemDisk, &path, 4096, full).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
