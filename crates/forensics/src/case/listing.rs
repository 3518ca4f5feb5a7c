//! Listings: what a sealed folder holds, file by file.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::Who;

/// Two sums of the same bytes, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// SHA-256 (FIPS 180-4).
    pub sha256: String,
    /// SM3 (GM/T 0004-2012).
    pub sm3: String,
}

/// Both sums, taken in one go over bytes as they come.
#[derive(Default)]
pub(super) struct Summing {
    sha256: sha2::Sha256,
    sm3: sm3::Sm3,
}

impl Summing {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sm3.update(bytes);
    }

    pub(super) fn finish(self) -> Sums {
        Sums {
            sha256: HEXLOWER.encode(&self.sha256.finalize()),
            sm3: HEXLOWER.encode(&self.sm3.finalize()),
        }
    }
}

pub(super) fn sums_of(bytes: &[u8]) -> Sums {
    let mut summing = Summing::default();
    summing.update(bytes);
    summing.finish()
}

/// What became of one thing that was found while sealing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Sealing {
    /// A file, copied.
    File {
        /// Bytes.
        size: u64,
        /// Its sums.
        #[serde(flatten)]
        sums: Sums,
        /// Whether size or time of change moved while it was read, so that the copy may be of no one moment.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        changed_while_read: bool,
    },
    /// A link; it is not followed.
    Link {
        /// Where to, as the link says.
        target: String,
    },
    /// Neither file, folder nor link.
    Other,
    /// It could not be read.
    Unread {
        /// What the system says.
        why: String,
    },
}

/// One thing in a sealed folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Where in the folder; `/` between parts, what is no UTF-8 replaced.
    pub path: String,
    /// The path's bytes in hexadecimal, where they are no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// When it was changed last, RFC 3339, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub sealing: Sealing,
}

/// What a sealed folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The folder within the case.
    pub folder: String,
    /// Where it came from, as it was given.
    pub source: String,
    /// Who sealed it.
    #[serde(flatten)]
    pub who: Who,
    /// In the order of their paths' bytes.
    pub files: Vec<Sealed>,
}

impl Listing {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(|file| match file.sealing {
            Sealing::File { size, .. } => size,
            _ => 0,
        });
        sizes.sum()
    }

    /// The sums of a file of it.
    #[must_use]
    pub fn sums(&self, path: &str) -> Option<&Sums> {
        let file = self.files.iter().find(|file| file.path == path)?;
        match &file.sealing {
            Sealing::File { sums, .. } => Some(sums),
            _ => None,
        }
    }

    /// What could not be copied, or may be of no one moment.
    pub fn doubtful(&self) -> impl Iterator<Item = &Sealed> {
        self.files.iter().filter(|file| {
            matches!(
                file.sealing,
                Sealing::Unread { .. }
                    | Sealing::Other
                    | Sealing::File {
                        changed_while_read: true,
                        ..
                    }
            )
        })
    }
}

/// As it is written: equal values, equal bytes.
pub(super) fn json(value: &impl Serialize) -> String {
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 and GM/T 0004-2012, appendix A.1: both sums of "abc".
    #[test]
    fn sums_are_the_standards() {
        let sums = sums_of(b"abc");
        assert_eq!(
            sums.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            sums.sm3,
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
    }
}
