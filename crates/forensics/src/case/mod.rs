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
//! checkpoint handed to the other side, or a stamp over one, rules that out for all that came before.
//!
//! What an act has under way is called `….part`, and nothing else is ever removed: the entry is made
//! durable, then the parts get their names, then the manifest is written. [`Case::open`] ends what a
//! kill left between two of these steps; [`show`] and [`verify`] change nothing.
//!
//! What the exhibits say belongs to [`crate::count`]; asking for the time, to the caller.

mod error;
mod fit;
mod listing;
mod seal;
mod stamp;
mod verify;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use liuhen_tlog::note::SignedNote;
use liuhen_tlog::tree::Frontier;
use liuhen_tlog::{
    Hash, Log, LogError, LogKey, Options, SignedCheckpoint, Signer, Verifier, inspect, leaf_hash,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use error::CaseError;
pub use fit::{Misfit, misfits};
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
/// Behind the names of what an act has under way.
const PART: &str = ".part";
/// Behind the names of files that are being written.
const NEW: &str = ".new";

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

/// The listing of a sealed folder, as its entry has it.
///
/// # Errors
///
/// [`CaseError::Damaged`] when no entry names the folder, or its listing is another than was sealed.
pub fn listing(dir: &Path, entries: &[Entry], folder: &str) -> Result<Listing, CaseError> {
    let path = dir.join(format!("{folder}.json"));
    let mut sealed = entries.iter().filter_map(|entry| entry.act.folder());
    let Some(sealed) = sealed.find(|sealed| sealed.folder == folder) else {
        return Err(CaseError::Damaged(path));
    };
    let text = fs::read(&path).map_err(CaseError::io(&path))?;
    let listing = (sums_of(&text) == sealed.listing)
        .then(|| serde_json::from_slice(&text).ok())
        .flatten();
    listing.ok_or(CaseError::Damaged(path))
}

/// The bytes of a file of a sealed folder, as they were sealed.
///
/// # Errors
///
/// [`CaseError::Damaged`] when file or listing are others than were sealed, or were never sealed.
pub fn sealed_bytes(
    dir: &Path,
    entries: &[Entry],
    folder: &str,
    name: &str,
) -> Result<Vec<u8>, CaseError> {
    let path = dir.join(folder).join(name);
    let listing = listing(dir, entries, folder)?;
    let Some(sums) = listing.sums(name) else {
        return Err(CaseError::Damaged(path));
    };
    let bytes = fs::read(&path).map_err(CaseError::io(&path))?;
    match sums_of(&bytes) == *sums {
        true => Ok(bytes),
        false => Err(CaseError::Damaged(path)),
    }
}

/// What a case's folder says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// What it is called.
    #[serde(rename = "case")]
    pub head: Head,
    /// What was done.
    pub entries: Vec<Entry>,
    /// The latest checkpoint of the custody log.
    pub checkpoint: String,
}

/// Reads what was done in a case; needs no key and changes nothing.
///
/// # Errors
///
/// [`CaseError`] when there is no case, or its custody log cannot be read; whether all is as it was
/// sealed is for [`verify`].
pub fn show(dir: &Path) -> Result<Shown, CaseError> {
    let head = read_head(dir)?;
    let custody = dir.join(CUSTODY);
    let path = custody.join("checkpoint");
    let bytes = fs::read(&path).map_err(CaseError::io(&path))?;
    let checkpoint = SignedCheckpoint::verify(&bytes, &verifier(&head)?)?;
    let mut entries = Vec::new();
    for index in 0..checkpoint.size() {
        let leaf = inspect::entry(&custody, index)?;
        let entry = serde_json::from_slice(&leaf);
        entries.push(entry.map_err(|_| CaseError::Damaged(custody.clone()))?);
    }
    Ok(Shown {
        head,
        entries,
        checkpoint: checkpoint.to_string(),
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
    roots: Roots,
    /// Results that were begun and are not sealed yet.
    begun: Option<PathBuf>,
}

/// Roots of the custody log: of none of its entries, of the first, of the first two, and so on.
#[derive(Debug)]
struct Roots {
    frontier: Frontier,
    roots: Vec<Hash>,
}

impl Roots {
    fn new() -> Self {
        let frontier = Frontier::new();
        let roots = vec![frontier.root()];
        Self { frontier, roots }
    }

    fn push(&mut self, leaf: &[u8]) {
        self.frontier.push(leaf_hash(leaf));
        self.roots.push(self.frontier.root());
    }

    fn of(&self, size: u64) -> Option<Hash> {
        let at = usize::try_from(size).ok()?;
        self.roots.get(at).copied()
    }

    /// Whether this is a checkpoint over the first `size` entries, signed by the case's key and nobody else.
    fn are_under(&self, checkpoint: &[u8], size: u64, key: &Verifier) -> bool {
        SignedCheckpoint::verify(checkpoint, key).is_ok_and(|signed| {
            signed.size() == size
                && self.of(size) == Some(signed.root())
                && signed.note().signatures().len() == 1
        })
    }
}

/// What is thrown away unless the act comes to its end.
impl Drop for Case {
    fn drop(&mut self) {
        if let Some(begun) = &self.begun {
            // What stays is removed when the case is opened next.
            let _ = seal::remove(begun);
        }
    }
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
        let above = outside_folder(dir);
        fs::create_dir_all(above).map_err(CaseError::io(above))?;
        // The folder is not there yet: neither is, then, one that the key would lie in.
        let whole = |path: &Path| std::path::absolute(path).map_err(CaseError::io(path));
        if whole(key)?.starts_with(whole(dir)?) || outside(key)?.starts_with(outside(dir)?) {
            return Err(CaseError::KeyInside);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| CaseError::Random)?;
        let (random, salt) = random.split_at(8);
        // Whole or not at all: a killed `create` leaves nothing under the names that were asked for.
        // A folder that is there may be the one that whoever asks stands in, and stays.
        let ending = format!(".{}{NEW}", HEXLOWER.encode(salt));
        let new_key = with_ending(key, &ending);
        let new = match dir.is_dir() {
            true => dir.to_owned(),
            false => with_ending(dir, &ending),
        };
        let made = Self::make(&new, &new_key, random, (name, number), who).and_then(|()| {
            fs::rename(&new_key, key).map_err(CaseError::io(key))?;
            if new != dir {
                fs::rename(&new, dir).map_err(CaseError::io(dir))?;
            }
            seal::sync_folder(above)
        });
        if let Err(error) = made {
            let _ = seal::remove(&new_key);
            for part in [HEAD, MANIFEST, CUSTODY, EXHIBITS, RESULTS, STAMPS] {
                let _ = seal::remove(&new.join(part));
            }
            if new != dir {
                let _ = fs::remove_dir(&new);
            }
            return Err(error);
        }
        Self::open(dir, key)
    }

    fn make(
        dir: &Path,
        key: &Path,
        random: &[u8],
        (name, number): (&str, &str),
        who: Who,
    ) -> Result<(), CaseError> {
        fs::create_dir_all(dir).map_err(CaseError::io(dir))?;
        let secret = LogKey::generate()?;
        let signer = secret.signer(&format!("liuhen.invalid/case/{}", HEXLOWER.encode(random)))?;
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
        let head = sums_of(text.as_bytes());
        Self::open(dir, key)?.enter(who, Act::Opened { head })
    }

    /// Takes a case up again. What a killed act left half done is ended when it has its entry, else
    /// removed; nothing that was ever sealed is.
    ///
    /// # Errors
    ///
    /// [`CaseError`]; [`CaseError::OtherKey`] when the key is another case's; [`CaseError::Damaged`]
    /// when the manifest says something else than the custody log, as when one of them was set back.
    pub fn open(dir: &Path, key: &Path) -> Result<Self, CaseError> {
        let head = read_head(dir)?;
        let secret = read_key(key)?;
        let signer = secret.signer(verifier(&head)?.name())?;
        if signer.verifier().to_string() != head.vkey {
            return Err(CaseError::OtherKey);
        }
        drop(secret);
        let (log, entries, roots) = open_log(dir, key)?;
        let case = Self {
            dir: dir.to_owned(),
            head,
            log,
            signer,
            entries,
            roots,
            begun: None,
        };
        case.go_on()?;
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

    /// The bytes of a file of a sealed folder, as they were sealed.
    ///
    /// # Errors
    ///
    /// As [`sealed_bytes`].
    pub fn result(&self, folder: &str, name: &str) -> Result<Vec<u8>, CaseError> {
        sealed_bytes(&self.dir, &self.entries, folder, name)
    }

    /// The listings of all exhibits, as they were sealed.
    ///
    /// # Errors
    ///
    /// As [`listing`].
    pub fn listings(&self) -> Result<Vec<Listing>, CaseError> {
        let sealed = self.entries.iter().filter_map(|entry| match &entry.act {
            Act::Sealed(sealed) => Some(listing(&self.dir, &self.entries, &sealed.folder)),
            _ => None,
        });
        sealed.collect()
    }

    /// Whether an entry of this time may follow the last.
    ///
    /// # Errors
    ///
    /// [`CaseError::Clock`] when it lies before that of the last act, or is no time.
    pub fn in_time(&self, who: &Who) -> Result<(), CaseError> {
        let last = self.entries.last().map(|entry| entry.who.at.as_str());
        let before = last.map(str::parse::<jiff::Timestamp>);
        match (who.at.parse::<jiff::Timestamp>(), before) {
            (Ok(now), Some(Ok(before))) if now >= before => Ok(()),
            // A case whose last entry has no readable time is unsound already.
            (Ok(_), None | Some(Err(_))) => Ok(()),
            _ => Err(CaseError::Clock {
                now: who.at.clone(),
                last: last.unwrap_or_default().to_owned(),
            }),
        }
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
        self.in_time(&who)?;
        let folder = self.next(EXHIBITS)?;
        let to = part(&self.dir.join(&folder));
        let listing = seal::copy(source, &to, &folder, &who, watch)?;
        let sealed = self.sealed(folder, &listing)?;
        self.enter(who, Act::Sealed(sealed))?;
        Ok(listing)
    }

    /// A new empty folder for results; [`Case::seal_results`] puts it under seal and gives it its
    /// name, which is this without `.part`. It is removed when the case is dropped before that.
    ///
    /// # Errors
    ///
    /// [`CaseError::Io`]; [`CaseError::Damaged`] when something lies under that name.
    pub fn results(&mut self) -> Result<PathBuf, CaseError> {
        let folder = part(&self.dir.join(self.next(RESULTS)?));
        seal::remove(&folder)?;
        fs::create_dir(&folder).map_err(CaseError::io(&folder))?;
        self.begun = Some(folder.clone());
        Ok(folder)
    }

    /// Seals the folder that [`Case::results`] gave last.
    ///
    /// # Errors
    ///
    /// [`CaseError`].
    pub fn seal_results(&mut self, what: &str, who: Who) -> Result<Listing, CaseError> {
        self.in_time(&who)?;
        let folder = self.next(RESULTS)?;
        let listing = seal::in_place(&part(&self.dir.join(&folder)), &folder, &who)?;
        let folder = self.sealed(folder, &listing)?;
        let what = what.to_owned();
        // From its entry on it is the log's, whatever happens to this process.
        self.begun = None;
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
    /// [`CaseError::Stamp`] when it is refused, stamps nothing that this case's key signed over the
    /// beginning of this custody log, or that checkpoint has a stamp.
    pub fn stamp(&mut self, answer: &[u8], who: Who) -> Result<u64, CaseError> {
        self.in_time(&who)?;
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
            let Some(size) = size else {
                continue;
            };
            let is_named = path == self.dir.join(stamp_path(size, "checkpoint"));
            let key = self.signer.verifier();
            if !is_named || !self.roots.are_under(&checkpoint, size, &key) {
                return Err(StampError::Foreign.into());
            }
            let kept = self.dir.join(stamp_path(size, "tsr"));
            if kept.exists() {
                return Err(StampError::Again.into());
            }
            replace(&part(&kept), answer)?;
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
        let path = self.dir.join(format!("{folder}.json"));
        replace(&part(&path), text.as_bytes())?;
        Ok(Folder {
            folder,
            listing: sums_of(text.as_bytes()),
            files: listing.files.len() as u64,
            bytes: listing.bytes(),
        })
    }

    /// The folder of the next exhibit or result, where nothing lies.
    fn next(&self, of: &str) -> Result<String, CaseError> {
        let folders = self.entries.iter().filter_map(|entry| entry.act.folder());
        let count = folders.filter(|sealed| is_in(&sealed.folder, of)).count();
        let folder = format!("{of}/{:04}", count + 1);
        for path in [
            self.dir.join(&folder),
            self.dir.join(format!("{folder}.json")),
        ] {
            if fs::symlink_metadata(&path).is_ok() {
                return Err(CaseError::Damaged(path));
            }
        }
        Ok(folder)
    }

    /// One more entry, under a checkpoint when this returns, and the manifest after it.
    fn enter(&mut self, who: Who, act: Act) -> Result<(), CaseError> {
        let entry = Entry {
            n: self.entries.len() as u64,
            who,
            act,
        };
        let text = serde_json::to_vec(&entry).map_err(|_| CaseError::TooLong)?;
        let appended = self.log.append_blocking(text.clone(), Vec::new())?;
        if appended.index != entry.n {
            return Err(CaseError::Damaged(self.dir.join(CUSTODY)));
        }
        self.entries.push(entry);
        self.roots.push(&text);
        self.log.checkpoint_now()?;
        self.log.acknowledge(self.entries.len() as u64);
        self.name_parts()?;
        self.write_manifest()
    }

    fn write_manifest(&self) -> Result<(), CaseError> {
        let manifest = self.manifest(self.entries.len());
        let note = self.signer.sign(manifest)?;
        replace(&self.dir.join(MANIFEST), note.to_string().as_bytes())
    }

    /// What the manifest says after so many entries.
    fn manifest(&self, count: usize) -> String {
        let size = count as u64;
        let root = self
            .roots
            .of(size)
            .unwrap_or_else(|| Frontier::new().root());
        manifest(self.entries.get(..count).unwrap_or_default(), size, root)
    }

    /// Ends what a kill interrupted: parts whose entry is there get their names, others go, and the
    /// manifest that is one entry behind is written anew.
    fn go_on(&self) -> Result<(), CaseError> {
        let path = self.dir.join(MANIFEST);
        let count = self.entries.len();
        let text = match fs::read(&path) {
            Ok(bytes) => {
                let note = SignedNote::parse(&bytes).ok();
                let key = self.signer.verifier();
                let note = note.filter(|note| note.verify(&[&key]).is_ok());
                Some(note.ok_or_else(|| CaseError::Damaged(path.clone()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(CaseError::io(&path)(error)),
        };
        let is_behind = match text.as_ref().map(SignedNote::text) {
            None if count <= 1 => count == 1,
            Some(text) if text == self.manifest(count) => false,
            Some(text) if count > 1 && text == self.manifest(count - 1) => true,
            // The log was set back, or the manifest: whatever lies there may be all that is left of an act.
            _ => return Err(CaseError::Damaged(path)),
        };
        self.name_parts()?;
        self.clear_away()?;
        match is_behind {
            true => self.write_manifest(),
            false => Ok(()),
        }
    }

    /// Gives what the last entry sealed its name.
    fn name_parts(&self) -> Result<(), CaseError> {
        let named = match self.entries.last().map(|entry| &entry.act) {
            Some(Act::Sealed(sealed) | Act::Worked { folder: sealed, .. }) => {
                vec![format!("{}.json", sealed.folder), sealed.folder.clone()]
            }
            Some(Act::Stamped { size, .. }) => vec![stamp_path(*size, "tsr")],
            Some(Act::Opened { .. }) | None => Vec::new(),
        };
        for name in named {
            let to = self.dir.join(name);
            let from = part(&to);
            if fs::symlink_metadata(&to).is_err() && fs::symlink_metadata(&from).is_ok() {
                fs::rename(&from, &to).map_err(CaseError::io(&to))?;
                seal::sync_folder(outside_folder(&to))?;
            }
        }
        Ok(())
    }

    /// Removes what acts had under way that never came to their entry.
    fn clear_away(&self) -> Result<(), CaseError> {
        seal::remove(&with_ending(&self.dir.join(MANIFEST), NEW))?;
        for of in [EXHIBITS, RESULTS, STAMPS] {
            let folder = self.dir.join(of);
            if !folder.is_dir() {
                continue;
            }
            for path in seal::files_of(&folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_ours = name.starts_with(|first: char| first.is_ascii_digit());
                if is_ours && [PART, NEW].iter().any(|ending| name.ends_with(ending)) {
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
fn manifest(entries: &[Entry], size: u64, root: Hash) -> String {
    let mut text = "liuhen case manifest v1\n".to_owned();
    for sealed in entries.iter().filter_map(|entry| entry.act.folder()) {
        text += &format!(
            "{} sha256:{} sm3:{} files:{} bytes:{}\n",
            sealed.folder, sealed.listing.sha256, sealed.listing.sm3, sealed.files, sealed.bytes
        );
    }
    text += &format!("custody entries:{size} root:{}\n", HEXLOWER.encode(&root.0));
    text
}

fn read_head(dir: &Path) -> Result<Head, CaseError> {
    let path = dir.join(HEAD);
    let text = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CaseError::None(dir.to_owned()),
        _ => CaseError::io(&path)(error),
    })?;
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
fn open_log(dir: &Path, key: &Path) -> Result<(Log, Vec<Entry>, Roots), CaseError> {
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
    let (mut entries, mut roots) = (Vec::new(), Roots::new());
    for index in 0..log.size() {
        let leaf = log.leaf(index)?;
        let entry = serde_json::from_slice(&leaf);
        entries.push(entry.map_err(|_| CaseError::Damaged(path.clone()))?);
        roots.push(&leaf);
    }
    Ok((log, entries, roots))
}

/// A path as the system knows it, also where its last part is not there yet.
fn outside(path: &Path) -> Result<PathBuf, CaseError> {
    if let Ok(known) = path.canonicalize() {
        return Ok(known);
    }
    let parent = outside_folder(path);
    let parent = parent.canonicalize().map_err(CaseError::io(parent))?;
    Ok(parent.join(path.file_name().unwrap_or_default()))
}

/// The folder that a path lies in.
fn outside_folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A path with something behind its name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Where lies what is to have this name once its act has an entry.
fn part(path: &Path) -> PathBuf {
    with_ending(path, PART)
}

/// A file of the stamp over the first `size` entries, within the case.
fn stamp_path(size: u64, kind: &str) -> String {
    format!("{STAMPS}/{size:08}.{kind}")
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
    let new = with_ending(path, NEW);
    let _ = fs::remove_file(&new);
    write_new(&new, bytes, 0o444)?;
    fs::rename(&new, path).map_err(CaseError::io(path))?;
    seal::sync_folder(outside_folder(path))
}

/// The verifier of a case's own key.
fn verifier(head: &Head) -> Result<Verifier, CaseError> {
    Ok(Verifier::parse(&head.vkey)?)
}
