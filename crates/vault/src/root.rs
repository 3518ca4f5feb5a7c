//! The root key and its file.
//!
//! Everything secret hangs from these 32 bytes: whoever holds them and the two databases
//! reads everything; without them neither database says anything.
//! The file is one line of text, plain (mode 0600, or a systemd credential) or sealed by a
//! passphrase through argon2id (RFC 9106) with its parameters in the same line:
//!
//! ```text
//! liuhen-root-1 plain <base32 of 32 bytes>
//! liuhen-root-1 argon2id <memory KiB> <passes> <lanes> <salt> <sealed key>
//! ```
//!
//! The words before the sealed key are its additional data, so that no parameter can be
//! changed unnoticed. Asking for the passphrase belongs to the program.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::crypt::{self, Key};

const MAGIC: &str = "liuhen-root-1";
/// A root key file is below 300 bytes; a longer one is something else.
const MAX_FILE: u64 = 4096;

/// Why a root key file could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// The file cannot be read or written.
    #[error("root key file: {0}")]
    Io(#[from] io::Error),
    /// The file exists already and will not be overwritten.
    #[error("a root key file exists already")]
    Exists,
    /// The file is readable by others than its owner.
    #[error("root key file is readable by others (mode {mode:o}); make it 0600")]
    Permissions {
        /// The permission bits found.
        mode: u32,
    },
    /// The file is no root key file of a version this program knows.
    #[error("not a root key file of a known version")]
    Malformed,
    /// The key is sealed and no passphrase was given.
    #[error("the root key is sealed: a passphrase is needed")]
    PassphraseNeeded,
    /// A passphrase was given for a key that is not sealed.
    #[error("the root key is not sealed: it takes no passphrase")]
    NotSealed,
    /// The passphrase does not open the key, or the file was changed.
    #[error("wrong passphrase, or the root key file was changed")]
    WrongPassphrase,
    /// The parameters demand more than this program will spend.
    #[error("argon2id parameters are out of bounds")]
    Parameters,
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
}

/// Cost of opening a sealed root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for SealCost {
    /// The second recommended option of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self {
            memory_kib: 65_536,
            passes: 3,
            lanes: 4,
        }
    }
}

impl SealCost {
    /// A changed file must not make us spend more than 4 GiB or 64 passes.
    fn params(self) -> Result<argon2::Params, RootError> {
        if self.memory_kib > 4 << 20 || self.passes > 64 || self.lanes > 64 {
            return Err(RootError::Parameters);
        }
        argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| RootError::Parameters)
    }

    fn stretch(self, passphrase: &str, salt: &[u8]) -> Result<Key, RootError> {
        let argon = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            self.params()?,
        );
        let mut out = Zeroizing::new([0; 32]);
        argon
            .hash_password_into(passphrase.as_bytes(), salt, out.as_mut_slice())
            .map_err(|_| RootError::Parameters)?;
        Ok(Key::new(*out))
    }
}

/// The key from which every other is derived or unwrapped.
#[derive(Clone, Debug)]
pub struct RootKey(Key);

impl RootKey {
    /// Draws a new root key.
    ///
    /// # Errors
    ///
    /// [`RootError::Randomness`].
    pub fn generate() -> Result<Self, RootError> {
        Key::random().map(Self).map_err(|_| RootError::Randomness)
    }

    /// Takes over 32 secret bytes (a KMS or a token supplied them).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }

    /// A 256-bit key for `label`: HKDF-SHA256(root, salt "liuhen/root/v1", info label).
    /// Never stored; the same for ever.
    #[must_use]
    pub fn derive(&self, label: &str) -> Key {
        self.derive_parts(&[label.as_bytes()])
    }

    pub(crate) fn derive_parts(&self, parts: &[&[u8]]) -> Key {
        let mut okm = Zeroizing::new([0; 32]);
        crypt::hkdf_sha256(
            Some(b"liuhen/root/v1"),
            self.0.expose(),
            parts,
            okm.as_mut_slice(),
        );
        Key::new(*okm)
    }

    /// Writes the key to a new file of mode 0600, sealed when a passphrase is given.
    ///
    /// # Errors
    ///
    /// [`RootError::Exists`] rather than overwrite; [`RootError::Io`] and the rest as named.
    pub fn store(
        &self,
        path: &Path,
        passphrase: Option<&str>,
        cost: SealCost,
    ) -> Result<(), RootError> {
        let line = match passphrase {
            None => Zeroizing::new(format!(
                "{MAGIC} plain {}\n",
                crypt::base32(self.0.expose())
            )),
            Some(passphrase) => Zeroizing::new(self.sealed_line(passphrase, cost)?),
        };
        write_new(path, line.as_bytes())
    }

    fn sealed_line(&self, passphrase: &str, cost: SealCost) -> Result<String, RootError> {
        let mut salt = [0; 16];
        crypt::fill_random(&mut salt).map_err(|_| RootError::Randomness)?;
        let words = format!(
            "{MAGIC} argon2id {} {} {} {}",
            cost.memory_kib,
            cost.passes,
            cost.lanes,
            crypt::base32(&salt)
        );
        let key = cost.stretch(passphrase, &salt)?;
        let sealed = crypt::seal(&key, words.as_bytes(), self.0.expose())
            .map_err(|_| RootError::Randomness)?;
        Ok(format!("{words} {}\n", crypt::base32(&sealed)))
    }

    /// Reads the key from its file; a systemd credential is such a file.
    ///
    /// # Errors
    ///
    /// [`RootError::Permissions`] when others may read the file,
    /// [`RootError::PassphraseNeeded`], [`RootError::NotSealed`] and
    /// [`RootError::WrongPassphrase`] as their names say.
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<Self, RootError> {
        let text = read_private(path)?;
        let line = text.trim_end_matches(['\r', '\n']);
        let (words, key) = line.rsplit_once(' ').ok_or(RootError::Malformed)?;
        let fields: Vec<&str> = words.split(' ').collect();
        match (fields.as_slice(), passphrase) {
            ([MAGIC, "plain"], None) => plain_key(key),
            ([MAGIC, "plain"], Some(_)) => Err(RootError::NotSealed),
            ([MAGIC, "argon2id", ..], None) => Err(RootError::PassphraseNeeded),
            ([MAGIC, "argon2id", memory, passes, lanes, salt], Some(passphrase)) => {
                let number = |word: &str| word.parse().map_err(|_| RootError::Malformed);
                let cost = SealCost {
                    memory_kib: number(memory)?,
                    passes: number(passes)?,
                    lanes: number(lanes)?,
                };
                let salt = crypt::from_base32(salt).ok_or(RootError::Malformed)?;
                let sealed = crypt::from_base32(key).ok_or(RootError::Malformed)?;
                let stretched = cost.stretch(passphrase, &salt)?;
                let plain = crypt::open(&stretched, words.as_bytes(), &sealed, "root key")
                    .map_err(|_| RootError::WrongPassphrase)?;
                key_of(&plain)
            }
            _ => Err(RootError::Malformed),
        }
    }

    /// Whether the file holds a sealed key, so that a program knows to ask for a passphrase.
    ///
    /// # Errors
    ///
    /// As [`RootKey::load`].
    pub fn is_sealed(path: &Path) -> Result<bool, RootError> {
        let text = read_private(path)?;
        let mut words = text.split(' ');
        match (words.next(), words.next()) {
            (Some(MAGIC), Some("plain")) => Ok(false),
            (Some(MAGIC), Some("argon2id")) => Ok(true),
            _ => Err(RootError::Malformed),
        }
    }
}

fn plain_key(text: &str) -> Result<RootKey, RootError> {
    let bytes = Zeroizing::new(crypt::from_base32(text).ok_or(RootError::Malformed)?);
    key_of(&bytes)
}

fn key_of(bytes: &[u8]) -> Result<RootKey, RootError> {
    Ok(RootKey::from_bytes(
        bytes.try_into().map_err(|_| RootError::Malformed)?,
    ))
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, RootError> {
    let file = fs::File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode() & 0o7777;
        // systemd shows its credentials as 0440: the group bits are the mask of an access list
        // that names the service's user alone.
        if mode & 0o077 != 0 && mode != 0o440 {
            return Err(RootError::Permissions { mode });
        }
    }
    let mut text = Zeroizing::new(String::with_capacity(512));
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => RootError::Malformed,
            _ => RootError::Io(error),
        })?;
    Ok(text)
}

/// Creates the file, writes it, and makes both it and its name durable.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), RootError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RootError::Exists,
        _ => RootError::Io(error),
    })?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: SealCost = SealCost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    #[test]
    fn plain_and_sealed_files_give_the_key_back() {
        let dir = tempfile::tempdir().expect("dir");
        for passphrase in [None, Some("four words, invented")] {
            let path = dir.path().join(format!("root-{}", passphrase.is_some()));
            let root = RootKey::generate().expect("key");
            root.store(&path, passphrase, CHEAP).expect("stores");
            assert_eq!(
                RootKey::is_sealed(&path).expect("reads"),
                passphrase.is_some()
            );
            let again = RootKey::load(&path, passphrase).expect("loads");
            assert_eq!(root.derive("x").expose(), again.derive("x").expose());
            assert_ne!(root.derive("x").expose(), root.derive("y").expose());
        }
    }

    #[test]
    fn refuses_wrong_missing_and_superfluous_passphrases() {
        let dir = tempfile::tempdir().expect("dir");
        let (plain, sealed) = (dir.path().join("plain"), dir.path().join("sealed"));
        let root = RootKey::generate().expect("key");
        root.store(&plain, None, CHEAP).expect("stores");
        root.store(&sealed, Some("right"), CHEAP).expect("stores");
        assert!(matches!(
            RootKey::load(&sealed, Some("wrong")),
            Err(RootError::WrongPassphrase)
        ));
        assert!(matches!(
            RootKey::load(&sealed, None),
            Err(RootError::PassphraseNeeded)
        ));
        assert!(matches!(
            RootKey::load(&plain, Some("any")),
            Err(RootError::NotSealed)
        ));
        assert!(matches!(
            root.store(&plain, None, CHEAP),
            Err(RootError::Exists)
        ));
    }

    #[test]
    fn refuses_changed_parameters_and_foreign_files() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("sealed");
        RootKey::generate()
            .expect("key")
            .store(&path, Some("p"), CHEAP)
            .expect("stores");
        let line = fs::read_to_string(&path).expect("text");
        let rows = [
            (line.replace(" 64 1 1 ", " 65 1 1 "), "WrongPassphrase"),
            (line.replace(" 64 1 1 ", " 99999999 1 1 "), "Parameters"),
            (line.replace("liuhen-root-1", "liuhen-root-2"), "Malformed"),
            (line.replace(" 64 1 1 ", " 64 1 "), "Malformed"),
            (String::new(), "Malformed"),
            ("-----BEGIN PRIVATE KEY-----\n".to_owned(), "Malformed"),
        ];
        for (text, expected) in rows {
            fs::write(&path, &text).expect("writes");
            let error = RootKey::load(&path, Some("p")).expect_err(expected);
            assert!(
                format!("{error:?}").starts_with(expected),
                "{expected}: {error:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_file_others_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("root");
        RootKey::generate()
            .expect("key")
            .store(&path, None, CHEAP)
            .expect("stores");
        assert_eq!(
            fs::metadata(&path).expect("meta").permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        assert!(matches!(
            RootKey::load(&path, None),
            Err(RootError::Permissions { mode: 0o640 })
        ));
    }
}
