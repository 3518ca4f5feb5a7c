//! Cases: exhibits sealed in a folder, and a custody log that shows what was done to it.
//!
//! A case is a folder that verifies on any machine with nothing but itself:
//!
//! ```text
//! case.json              what the case is called and whose key signs for it
//! exhibits/0001/…        copies of what was added, as it was
//! exhibits/0001.json     its listing: each file's size, times, SHA-256 and SM3
//! results/0001/…         what was counted, with a listing of the same shape
//! stamps/…               RFC 3161 stamps over checkpoints of the custody log
//! manifest.txt           all listings with their sums, signed by the case key
//! custody/               a transparency log: one entry for each act
//! ```
//!
//! Rules: 电子数据 rules of facts, section 3 (originality, integrity, who, when); C2SP signed-note
//! and tlog-tiles for manifest and custody log; GM/T 0004 and FIPS 180-4 for the two sums.
//!
//! The private key stays outside of the folder. Whoever has it could write a whole case anew; a
//! checkpoint handed to the other side, or a stamp, rules that out for all that came before.
//!
//! What the exhibits say belongs to [`crate::count`]; asking for the time, to the caller.

mod error;
mod listing;
mod seal;
mod stamp;
mod verify;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use liuhen_tlog::{Log, LogError, LogKey, Options, Signer, Verifier};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use error::CaseError;
pub use listing::{Listing, Sealed, Sealing, Sums};
pub use seal::{Watch, open_quietly};
pub use stamp::{StampError, query};
pub use verify::{Fault, Verified, verify};

use listing::sums_of;

/// The only layout of a case folder there is.
const VERSION: u32 = 1;

/// What a key file begins with.
const KEY: &str = "liuhen-case-key-1";

const HEAD: &str = "case.json";
const MANIFEST: &str = "manifest.txt";
const CUSTODY: &str = "custody";
const EXHIBITS: &str = "exhibits";
const RESULTS: &str = "results";
const STAMPS: &str = "stamps";

/// A case writes few entries, so its write-ahead log need not set aside much.
const SEGMENT_BYTES: u64 = 64 << 10;

/// What a case is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    liuhen_case: u32,
    /// What it is about, in the words of whoever opened it.
    pub name: String,
    /// Its number, where there is one.
    pub number: String,
    /// When it was opened, RFC 3339.
    pub opened: String,
    /// The key that signs for it, as a C2SP verifier key.
    pub vkey: String,
}

/// Who does something, when, and what he remarks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// A name, as whoever runs the program gives it.
    pub by: String,
    /// RFC 3339.
    pub at: String,
    /// A remark; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One entry of the custody log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counted from 0, as the log counts.
    pub n: u64,
    /// Who, when.
    #[serde(flatten)]
    pub who: Who,
    /// What.
    #[serde(flatten)]
    pub act: Act,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// The case was opened.
    Opened {
        /// Sums of `case.json`.
        head: Sums,
    },
    /// An exhibit was copied and sealed.
    Sealed(Folder),
    /// Something was worked out from the exhibits.
    Worked {
        /// What, such as `count`.
        what: String,
        /// Where it lies.
        #[serde(flatten)]
        folder: Folder,
    },
    /// A stamp over an earlier checkpoint of this log was added.
    Stamped {
        /// Entries under that checkpoint.
        size: u64,
        /// Sums of the stamp.
        stamp: Sums,
        /// Sums of the checkpoint.
        checkpoint: Sums,
    },
}

/// A folder under seal, such as `exhibits/0001` or `results/0001`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its way within the case.
    pub folder: String,
    /// Sums of its listing.
    pub listing: Sums,
    /// Files listed.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Act {
    /// The folder that an act sealed.
    fn folder(&self) -> Option<&Folder> {
        match self {
            Self::Sealed(folder) | Self::Worked { folder, .. } => Some(folder),
            Self::Opened { .. } | Self::Stamped { .. } => None,
        }
    }
}

/// The result of this sort that was sealed last, as its folder within the case.
#[must_use]
pub fn latest<'e>(entries: &'e [Entry], sort: &str) -> Option<&'e str> {
    results(entries, sort).last()
}

/// The results of this sort, in the order in which they were sealed.
pub fn results<'e>(entries: &'e [Entry], sort: &str) -> impl Iterator<Item = &'e str> {
    entries.iter().filter_map(move |entry| match &entry.act {
        Act::Worked { what, folder } if what == sort => Some(folder.folder.as_str()),
        _ => None,
    })
}

/// A case open for work, by this process alone.
#[derive(Debug)]
pub struct Case {
    dir: PathBuf,
    head: Head,
    log: Log,
    signer: Signer,
    entries: Vec<Entry>,
}

impl Case {
    /// Makes an empty case in `dir`, and its key in `key`, a file outside of it that only its owner reads.
    ///
    /// # Errors
    ///
    /// [`CaseError::Exists`] when either is there already; [`CaseError::KeyInside`].
    pub fn create(
        dir: &Path,
        key: &Path,
        name: &str,
        number: &str,
        who: Who,
    ) -> Result<Self, CaseError> {
        let there = dir
            .read_dir()
            .is_ok_and(|mut inside| inside.next().is_some());
        for (taken, path) in [(there || dir.is_file(), dir), (key.exists(), key)] {
            if taken {
                return Err(CaseError::Exists(path.to_owned()));
            }
        }
        fs::create_dir_all(dir).map_err(CaseError::io(dir))?;
        if outside(key)?.starts_with(outside(dir)?) {
            return Err(CaseError::KeyInside);
        }
        let secret = LogKey::generate()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| CaseError::Random)?;
        let signer = secret.signer(&format!("liuhen.invalid/case/{}", HEXLOWER.encode(&random)))?;
        let head = Head {
            liuhen_case: VERSION,
            name: name.to_owned(),
            number: number.to_owned(),
            opened: who.at.clone(),
            vkey: signer.verifier().to_string(),
        };
        write_new(key, key_file(&secret).as_bytes(), 0o600)?;
        let text = listing::json(&head);
        write_new(&dir.join(HEAD), text.as_bytes(), 0o444)?;
        for folder in [EXHIBITS, RESULTS, STAMPS] {
            let folder = dir.join(folder);
            fs::create_dir(&folder).map_err(CaseError::io(&folder))?;
        }
        Log::create(&dir.join(CUSTODY), &secret, signer.verifier().name())?;
        let mut case = Self::open(dir, key)?;
        case.enter(
            who,
            Act::Opened {
                head: sums_of(text.as_bytes()),
            },
        )?;
        Ok(case)
    }

    /// Takes a case up again. What a killed `add` left half copied, and never sealed, is removed.
    ///
    /// # Errors
    ///
    /// [`CaseError`]; [`CaseError::OtherKey`] when the key is another case's.
    pub fn open(dir: &Path, key: &Path) -> Result<Self, CaseError> {
        let head = read_head(dir)?;
        let secret = read_key(key)?;
        let signer = secret.signer(verifier(&head)?.name())?;
        if signer.verifier().to_string() != head.vkey {
            return Err(CaseError::OtherKey);
        }
        drop(secret);
        let (log, entries) = open_log(dir, key)?;
        let case = Self {
            dir: dir.to_owned(),
            head,
            log,
            signer,
            entries,
        };
        case.clear_away()?;
        Ok(case)
    }

    /// What the case is called.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was done so far.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The folders of all exhibits, in the order in which they were sealed.
    #[must_use]
    pub fn exhibits(&self) -> Vec<PathBuf> {
        let sealed = self.entries.iter().filter_map(|entry| match &entry.act {
            Act::Sealed(sealed) => Some(self.dir.join(&sealed.folder)),
            _ => None,
        });
        sealed.collect()
    }

    /// Copies a file or folder into the case and seals it; answers its listing.
    ///
    /// A file that cannot be read is listed with the reason, and the rest goes on. Links are listed
    /// and not followed. The source is opened for reading only, its times left alone where the
    /// system allows.
    ///
    /// # Errors
    ///
    /// [`CaseError::Within`] when the case itself lies in `source`; [`CaseError::Stopped`], after
    /// which nothing of it is in the case; whatever writing may answer.
    pub fn add(
        &mut self,
        source: &Path,
        who: Who,
        watch: &mut dyn Watch,
    ) -> Result<Listing, CaseError> {
        let own = outside(&self.dir)?;
        let from = outside(source)?;
        if own.starts_with(&from) || from.starts_with(&own) {
            return Err(CaseError::Within(source.to_owned()));
        }
        let folder = self.next(EXHIBITS);
        let to = self.dir.join(&folder);
        let listing = seal::copy(source, &to, &folder, &who, watch)?;
        let sealed = self.sealed(folder, &listing)?;
        self.enter(who, Act::Sealed(sealed))?;
        Ok(listing)
    }

    /// A new empty folder for results; [`Case::seal_results`] puts it under seal.
    ///
    /// # Errors
    ///
    /// [`CaseError::Io`].
    pub fn results(&self) -> Result<PathBuf, CaseError> {
        let folder = self.dir.join(self.next(RESULTS));
        fs::create_dir(&folder).map_err(CaseError::io(&folder))?;
        Ok(folder)
    }

    /// Seals the folder that [`Case::results`] gave last.
    ///
    /// # Errors
    ///
    /// [`CaseError`].
    pub fn seal_results(&mut self, what: &str, who: Who) -> Result<Listing, CaseError> {
        let folder = self.next(RESULTS);
        let listing = seal::in_place(&self.dir.join(&folder), &folder, &who)?;
        let folder = self.sealed(folder, &listing)?;
        let what = what.to_owned();
        self.enter(who, Act::Worked { what, folder })?;
        Ok(listing)
    }

    /// Writes an RFC 3161 request over the latest checkpoint, and beside it the checkpoint; answers the request's path.
    ///
    /// # Errors
    ///
    /// [`CaseError::Io`].
    pub fn ask_for_stamp(&self) -> Result<PathBuf, CaseError> {
        let checkpoint = self.checkpoint();
        let size = self.log.checkpoint().size();
        let folder = self.dir.join(STAMPS);
        let asked = folder.join(format!("{size:08}.tsq"));
        // Asked again, the same: there is no nonce, since nobody waits for the answer.
        replace(
            &folder.join(format!("{size:08}.checkpoint")),
            checkpoint.as_bytes(),
        )?;
        replace(&asked, &query(&sums_of(checkpoint.as_bytes())))?;
        Ok(asked)
    }

    /// Takes in the answer to a request; `Ok` means that it stamps that checkpoint, not that the
    /// stamper is one to believe, which `openssl ts -verify` tells with his certificate.
    ///
    /// # Errors
    ///
    /// [`CaseError::Stamp`] when it is refused, or stamps nothing of this case.
    pub fn stamp(&mut self, answer: &[u8], who: Who) -> Result<u64, CaseError> {
        let folder = self.dir.join(STAMPS);
        let imprint = stamp::imprint(answer)?;
        for path in seal::files_of(&folder)? {
            if path.extension().is_none_or(|kind| kind != "checkpoint") {
                continue;
            }
            let checkpoint = fs::read(&path).map_err(CaseError::io(&path))?;
            let sums = sums_of(&checkpoint);
            if sums.sha256 != imprint {
                continue;
            }
            let size = path
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse().ok());
            let size = size.ok_or_else(|| CaseError::Damaged(path.clone()))?;
            replace(&path.with_extension("tsr"), answer)?;
            self.enter(
                who,
                Act::Stamped {
                    size,
                    stamp: sums_of(answer),
                    checkpoint: sums,
                },
            )?;
            return Ok(size);
        }
        Err(StampError::Other.into())
    }

    /// The latest checkpoint of the custody log: whoever keeps it can show that nothing before it was changed.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.log.checkpoint().to_string()
    }

    /// Writes a listing, and says of its folder what the custody log is to hold.
    fn sealed(&self, folder: String, listing: &Listing) -> Result<Folder, CaseError> {
        let text = listing::json(listing);
        replace(&self.dir.join(format!("{folder}.json")), text.as_bytes())?;
        Ok(Folder {
            folder,
            listing: sums_of(text.as_bytes()),
            files: listing.files.len() as u64,
            bytes: listing.bytes(),
        })
    }

    /// The folder of the next exhibit or result.
    fn next(&self, of: &str) -> String {
        let folders = self.entries.iter().filter_map(|entry| entry.act.folder());
        let count = folders.filter(|sealed| is_in(&sealed.folder, of)).count();
        format!("{of}/{:04}", count + 1)
    }

    /// One more entry, under a checkpoint when this returns, and the manifest after it.
    fn enter(&mut self, who: Who, act: Act) -> Result<(), CaseError> {
        let entry = Entry {
            n: self.entries.len() as u64,
            who,
            act,
        };
        let text = serde_json::to_vec(&entry).map_err(|_| CaseError::TooLong)?;
        let appended = self.log.append_blocking(text, Vec::new())?;
        if appended.index != entry.n {
            return Err(CaseError::Damaged(self.dir.join(CUSTODY)));
        }
        self.entries.push(entry);
        self.log.checkpoint_now()?;
        self.log.acknowledge(self.entries.len() as u64);
        let manifest = manifest(&self.entries, &self.log.checkpoint());
        let note = self.signer.sign(manifest)?;
        replace(&self.dir.join(MANIFEST), note.to_string().as_bytes())
    }

    /// Folders that no entry names: their acts never came to an end.
    fn clear_away(&self) -> Result<(), CaseError> {
        for of in [EXHIBITS, RESULTS] {
            let folder = self.dir.join(of);
            for path in seal::files_of(&folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let name = name.split('.').next().unwrap_or_default();
                let folder = format!("{of}/{name}");
                let mut known = self.entries.iter().filter_map(|entry| entry.act.folder());
                let is_known = known.any(|sealed| sealed.folder == folder);
                if !is_known {
                    seal::remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a sealed folder is one of exhibits, or of results.
fn is_in(folder: &str, of: &str) -> bool {
    folder
        .strip_prefix(of)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What the manifest says: each sealed folder, then the checkpoint of the custody log.
fn manifest(entries: &[Entry], checkpoint: &liuhen_tlog::SignedCheckpoint) -> String {
    let mut text = "liuhen case manifest v1\n".to_owned();
    for sealed in entries.iter().filter_map(|entry| entry.act.folder()) {
        text += &format!(
            "{} sha256:{} sm3:{} files:{} bytes:{}\n",
            sealed.folder, sealed.listing.sha256, sealed.listing.sm3, sealed.files, sealed.bytes
        );
    }
    text += &format!(
        "custody entries:{} root:{}\n",
        checkpoint.size(),
        HEXLOWER.encode(&checkpoint.root().0)
    );
    text
}

fn read_head(dir: &Path) -> Result<Head, CaseError> {
    let path = dir.join(HEAD);
    let text = fs::read(&path).map_err(CaseError::io(&path))?;
    let head: Head = serde_json::from_slice(&text).map_err(|_| CaseError::Damaged(path))?;
    if head.liuhen_case != VERSION {
        return Err(CaseError::Version(head.liuhen_case));
    }
    Ok(head)
}

/// A key as its file has it: one line, the seed in hexadecimal.
fn key_file(key: &LogKey) -> Zeroizing<String> {
    let seed = Zeroizing::new(HEXLOWER.encode(key.seed().as_slice()));
    Zeroizing::new(format!("{KEY} {}\n", *seed))
}

fn read_key(path: &Path) -> Result<LogKey, CaseError> {
    let text = fs::read_to_string(path).map_err(CaseError::io(path))?;
    let text = Zeroizing::new(text);
    let digits = text.trim().strip_prefix(KEY).map(str::trim);
    let seed = digits.and_then(|digits| HEXLOWER.decode(digits.as_bytes()).ok());
    let seed = Zeroizing::new(seed.ok_or(CaseError::NoKey)?);
    let seed = seed.as_slice().try_into().map_err(|_| CaseError::NoKey)?;
    let seed = Zeroizing::new(seed);
    Ok(LogKey::from_seed(&seed))
}

/// The custody log, and what it holds. All of it is read from the tree, so nothing of the write-ahead
/// log is needed that was published: whatever of it is gone counts as acknowledged.
fn open_log(dir: &Path, key: &Path) -> Result<(Log, Vec<Entry>), CaseError> {
    let path = dir.join(CUSTODY);
    let open = |acknowledged| {
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            acknowledged,
            ..Options::default()
        };
        Ok::<_, CaseError>(Log::open(&path, read_key(key)?, options))
    };
    let (log, _) = match open(0)? {
        Err(LogError::ConsumerBehind { begins, .. }) => open(begins)??,
        opened => opened?,
    };
    let mut entries = Vec::new();
    for index in 0..log.size() {
        let entry: Entry = serde_json::from_slice(&log.leaf(index)?)
            .map_err(|_| CaseError::Damaged(path.clone()))?;
        entries.push(entry);
    }
    Ok((log, entries))
}

/// A path as the system knows it, also where its last part is not there yet.
fn outside(path: &Path) -> Result<PathBuf, CaseError> {
    if let Ok(known) = path.canonicalize() {
        return Ok(known);
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(CaseError::io(parent))?;
    Ok(parent.join(path.file_name().unwrap_or_default()))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CaseError> {
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(CaseError::io(path))
}

/// Puts a file in place whole, or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), CaseError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let _ = fs::remove_file(&new);
    write_new(&new, bytes, 0o444)?;
    fs::rename(&new, path).map_err(CaseError::io(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let sync = fs::File::open(folder).and_then(|folder| folder.sync_all());
    sync.map_err(CaseError::io(folder))
}

/// The verifier of a case's own key.
fn verifier(head: &Head) -> Result<Verifier, CaseError> {
    Ok(Verifier::parse(&head.vkey)?)
}
