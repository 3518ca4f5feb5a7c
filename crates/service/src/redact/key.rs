//! The key of a run: a file of its owner's, or a key that is never stored.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use liuhen_redact::Key;
use zeroize::Zeroizing;

use super::RedactError;

/// The key in a file, made when it is not there; one of the run's own without a file.
pub(super) fn of(path: Option<&Path>) -> Result<Key, RedactError> {
    let Some(path) = path else {
        return Key::fresh().map_err(RedactError::Random);
    };
    match fs::read(path) {
        Ok(text) => read(path, &Zeroizing::new(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(RedactError::Key(error)),
    }
}

fn read(path: &Path, text: &[u8]) -> Result<Key, RedactError> {
    let mode = fs::metadata(path)
        .map_err(RedactError::Key)?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(RedactError::KeyIsOpen);
    }
    let bytes = HEXLOWER_PERMISSIVE
        .decode(text.trim_ascii())
        .ok()
        .map(Zeroizing::new);
    let key = bytes
        .as_ref()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    key.map(Key::new).ok_or(RedactError::KeyForm)
}

fn make(path: &Path) -> Result<Key, RedactError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| RedactError::Random(error.into()))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(RedactError::Key)?;
    let text = Zeroizing::new(HEXLOWER_PERMISSIVE.encode(bytes.as_slice()));
    let written = writeln!(file, "{}", text.as_str()).and_then(|()| file.sync_all());
    written.map_err(RedactError::Key)?;
    Ok(Key::new(*bytes))
}
