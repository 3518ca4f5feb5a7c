//! Checking a case with nothing but its folder.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use data_encoding::HEXLOWER;
use liuhen_tlog::audit::{Audit, DirSource, Settings};
use liuhen_tlog::fsck::Finding;
use liuhen_tlog::note::SignedNote;
use liuhen_tlog::{SignedCheckpoint, Verifier, fsck, inspect, read_keys};
use serde::Deserialize;

use super::fit::{Misfit, misfits};
use super::listing::{Listing, Sealed, Sealing, Sums, sums_of};
use super::seal::{self, Watch};
use super::{
    Act, CUSTODY, CaseError, EXHIBITS, Entry, HEAD, MANIFEST, RESULTS, Roots, STAMPS, listing,
    manifest, query, read_head, sealed_bytes, stamp, stamp_path, verifier,
};

/// Misfits of one count that are told; the rest is a number.
const MOST_MISFITS: usize = 100;

/// One thing that is not as it was sealed. Paths are within the case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// A sealed file is gone.
    #[error("{path}: missing")]
    Missing {
        /// Where it lay.
        path: String,
    },
    /// A file that nothing in the case names.
    #[error("{path}: was never sealed")]
    Added {
        /// Where it lies.
        path: String,
    },
    /// A file has other bytes than were sealed.
    #[error("{path}: changed since it was sealed")]
    Changed {
        /// Where it lies.
        path: String,
    },
    /// A file cannot be read.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// Where it lies.
        path: String,
        /// What the system says.
        why: String,
    },
    /// The manifest is not signed by the case key, or says something else than the custody log.
    #[error("{MANIFEST}: {why}")]
    Manifest {
        /// In which way.
        why: String,
    },
    /// The custody log is damaged, forked, or not signed by the case key.
    #[error("{CUSTODY}: {why}")]
    Custody {
        /// In which way.
        why: String,
    },
    /// An entry of the custody log that cannot follow those before it.
    #[error("{CUSTODY}, entry {n}: {why}")]
    Entry {
        /// Which, counted from 0.
        n: u64,
        /// In which way.
        why: &'static str,
    },
    /// A sealed result is not of what was sealed before it.
    #[error("{path}: {why}")]
    Result {
        /// The result.
        path: String,
        /// In which way.
        why: String,
    },
    /// The checkpoint given as an earlier one does not belong to this case's log.
    #[error("the earlier checkpoint: {why}")]
    Earlier {
        /// In which way.
        why: String,
    },
}

/// What a check found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Verified {
    /// What the case is called.
    pub name: String,
    /// The key that everything was checked under. Compare it with the one that was told apart from the folder.
    pub vkey: String,
    /// Exhibits.
    pub exhibits: u64,
    /// Files of exhibits and results that were summed anew.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries of the custody log, in order, as far as they can be read.
    pub entries: Vec<Entry>,
    /// Hash of the custody log's root and its size, as its checkpoint has them.
    pub checkpoint: Option<String>,
    /// Everything that is not as it was sealed.
    pub faults: Vec<Fault>,
}

/// Checks everything in a case's folder: sums of all files, manifest, custody log.
///
/// `key` is the case's key as it was told apart from the folder; without it the folder's own is
/// used, which shows damage but not a case that was written anew with another key. `earlier` is a
/// checkpoint that was kept elsewhere: the log must still contain all that was under it.
///
/// # Errors
///
/// [`CaseError`] when there is no case to be checked, or the check was stopped; whatever is wrong
/// in a case is a [`Fault`].
pub fn verify(
    dir: &Path,
    key: Option<&Verifier>,
    earlier: Option<&[u8]>,
    watch: &mut dyn Watch,
) -> Result<Verified, CaseError> {
    let head = read_head(dir)?;
    let own = verifier(&head)?;
    let trusted = key.unwrap_or(&own);
    let mut check = Check {
        dir,
        known: BTreeSet::new(),
        homes: [EXHIBITS, RESULTS, STAMPS, CUSTODY]
            .map(PathBuf::from)
            .into(),
        roots: Roots::new(),
        faults: Vec::new(),
        files: 0,
        bytes: 0,
    };
    if key.is_some_and(|key| key.to_string() != head.vkey) {
        check.faults.push(Fault::Changed {
            path: HEAD.to_owned(),
        });
    }
    let (entries, checkpoint) = check.custody(trusted, earlier);
    check.entries(&entries)?;
    for entry in &entries {
        check.act(&entry.act, trusted, watch)?;
    }
    check.results(&entries);
    check.stamps(trusted)?;
    check.manifest(trusted, &entries, checkpoint.as_ref());
    check.strangers()?;
    let exhibits = entries
        .iter()
        .filter(|entry| matches!(entry.act, Act::Sealed { .. }));
    Ok(Verified {
        name: head.name,
        vkey: trusted.to_string(),
        exhibits: exhibits.count() as u64,
        files: check.files,
        bytes: check.bytes,
        checkpoint: checkpoint.map(|checkpoint| checkpoint.to_string()),
        faults: check.faults,
        entries,
    })
}

/// What was sealed before a result.
#[derive(Default)]
struct Before {
    exhibits: Vec<Listing>,
    /// Counts: their folders, and the SHA-256 of each.
    counts: BTreeSet<(String, String)>,
    /// The SHA-256 of each sample.
    samples: BTreeSet<String>,
    /// A listing cannot be read, so nothing can be said of what is missing.
    is_unknown: bool,
}

impl Before {
    /// What of a result is not of what was sealed before it.
    fn wrong(&self, what: &str, bytes: &[u8]) -> Vec<String> {
        #[derive(Deserialize)]
        struct Drawn {
            count: String,
            count_sha256: String,
        }
        #[derive(Deserialize)]
        struct Marked {
            sample: String,
        }
        let fits = match what {
            _ if self.is_unknown => true,
            "count" => match misfits(&self.exhibits, bytes) {
                Ok(found) => return told(&found),
                Err(_) => false,
            },
            "sample" => serde_json::from_slice(bytes)
                .is_ok_and(|drawn: Drawn| self.counts.contains(&(drawn.count, drawn.count_sha256))),
            _ => serde_json::from_slice(bytes)
                .is_ok_and(|marked: Marked| self.samples.contains(&marked.sample)),
        };
        match fits {
            true => Vec::new(),
            false => vec!["is of nothing that was sealed before it".to_owned()],
        }
    }
}

/// Misfits in words; of very many the first.
fn told(found: &[Misfit]) -> Vec<String> {
    let first = found.iter().take(MOST_MISFITS).map(ToString::to_string);
    let more = found.len().saturating_sub(MOST_MISFITS);
    let more = (more > 0).then(|| format!("{more} more files do not fit"));
    first.chain(more).collect()
}

struct Check<'a> {
    dir: &'a Path,
    /// Files that something in the case names, within the case.
    known: BTreeSet<PathBuf>,
    /// Folders that may be empty.
    homes: BTreeSet<PathBuf>,
    /// Of the custody log, as far as its entries can be read.
    roots: Roots,
    faults: Vec<Fault>,
    files: u64,
    bytes: u64,
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Check<'_> {
    /// The custody log as a log, and what it says.
    fn custody(
        &mut self,
        key: &Verifier,
        earlier: Option<&[u8]>,
    ) -> (Vec<Entry>, Option<SignedCheckpoint>) {
        let dir = self.dir.join(CUSTODY);
        let roots = &mut self.roots;
        let mut fault = |why: String| self.faults.push(Fault::Custody { why });
        let report = match fsck(&dir, Some(key), None, |_| {}) {
            Ok(report) => report,
            Err(error) => {
                fault(error.to_string());
                return (Vec::new(), None);
            }
        };
        // A case is closed well after each act, so even what would be harmless elsewhere is a change.
        for finding in &report.findings {
            let cut_off = matches!(
                finding,
                Finding::Unfinished { .. } | Finding::TornEnd { .. } | Finding::Ahead { .. }
            );
            let hint = ", as when an act is cut off: the next one puts it right";
            fault(format!("{finding}{}", if cut_off { hint } else { "" }));
        }
        let Some(checkpoint) = report.checkpoint else {
            return (Vec::new(), None);
        };
        if checkpoint.note().signatures().len() != 1 {
            fault("its checkpoint is signed by others too".to_owned());
        }
        for path in unlike_their_successors(&dir.join("tile")) {
            let name = shown(path.strip_prefix(&dir).unwrap_or(&path));
            fault(format!("{name} is not the beginning of what followed it"));
        }
        let (mut entries, mut is_whole) = (Vec::new(), true);
        for index in 0..checkpoint.size() {
            let read = inspect::entry(&dir, index).map_err(|error| error.to_string());
            is_whole &= read.is_ok();
            let entry = read.and_then(|leaf| {
                if is_whole {
                    roots.push(&leaf);
                }
                serde_json::from_slice(&leaf).map_err(|_| "is no entry of a case".to_owned())
            });
            match entry {
                Ok(entry) => entries.push(entry),
                Err(why) => fault(format!("entry {index}: {why}")),
            }
        }
        if let Some(earlier) = earlier {
            self.earlier(&dir, key, earlier);
        }
        (entries, Some(checkpoint))
    }

    fn earlier(&mut self, dir: &Path, key: &Verifier, earlier: &[u8]) {
        let mut fault = |why: String| self.faults.push(Fault::Earlier { why });
        let kept = match SignedCheckpoint::verify(earlier, key) {
            Ok(kept) => kept,
            Err(error) => return fault(error.to_string()),
        };
        let Ok(keys) = read_keys(dir) else {
            return fault("the log's keys cannot be read".to_owned());
        };
        let source = DirSource::new(dir);
        let audit = Audit {
            source: &source,
            log: &keys,
            earlier: vec![kept],
            state: None,
            settings: Settings {
                map: false,
                ..Settings::default()
            },
        };
        match audit.run(&mut |_| std::ops::ControlFlow::Continue(())) {
            Ok(report) => {
                for found in &report.faults {
                    fault(found.to_string());
                }
            }
            Err(error) => fault(error.to_string()),
        }
    }

    /// Numbers and times must run on, and the first entry opens the case.
    fn entries(&mut self, entries: &[Entry]) -> Result<(), CaseError> {
        let mut before: Option<jiff::Timestamp> = None;
        for (n, entry) in (0..).zip(entries) {
            let mut fault = |why| self.faults.push(Fault::Entry { n, why });
            if entry.n != n {
                fault("carries another number");
            }
            if (n == 0) != matches!(entry.act, Act::Opened { .. }) {
                fault("a case is opened once, and first");
            }
            match entry.who.at.parse::<jiff::Timestamp>() {
                Ok(at) => {
                    if before.is_some_and(|before| at < before) {
                        fault("is dated before the one before it");
                    }
                    before = Some(at);
                }
                Err(_) => fault("has no readable time"),
            }
        }
        Ok(())
    }

    fn act(&mut self, act: &Act, key: &Verifier, watch: &mut dyn Watch) -> Result<(), CaseError> {
        match act {
            Act::Opened { head } => {
                self.sealed_file(Path::new(HEAD), head);
            }
            Act::Sealed(folder) | Act::Worked { folder, .. } => {
                self.folder(&folder.folder, &folder.listing, watch)?;
            }
            Act::Stamped {
                size,
                stamp,
                checkpoint,
            } => {
                let path = |kind: &str| PathBuf::from(stamp_path(*size, kind));
                if let Some(bytes) = self.sealed_file(&path("checkpoint"), checkpoint)
                    && !self.roots.are_under(&bytes, *size, key)
                {
                    let path = shown(&path("checkpoint"));
                    let why = "is no beginning of this custody log under the case's key".to_owned();
                    self.faults.push(Fault::Result { path, why });
                }
                if let Some(bytes) = self.sealed_file(&path("tsr"), stamp) {
                    let stamped = stamp::imprint(&bytes).ok();
                    if stamped.as_deref() != Some(&checkpoint.sha256) {
                        let path = shown(&path("tsr"));
                        self.faults.push(Fault::Changed { path });
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether results are of what was sealed: counts of the exhibits, samples of a count, verdicts
    /// on a sample. Whatever is not as it was sealed is told of elsewhere.
    fn results(&mut self, entries: &[Entry]) {
        let mut before = Before::default();
        for entry in entries {
            let (what, folder) = match &entry.act {
                Act::Sealed(sealed) => {
                    match listing(self.dir, entries, &sealed.folder) {
                        Ok(listing) => before.exhibits.push(listing),
                        Err(_) => before.is_unknown = true,
                    }
                    continue;
                }
                Act::Worked { what, folder } => (what.as_str(), &folder.folder),
                Act::Opened { .. } | Act::Stamped { .. } => continue,
            };
            let name = match what {
                "count" => "count.json",
                "sample" => "sample.json",
                "verdict" => "estimate.json",
                _ => continue,
            };
            let listing = listing(self.dir, entries, folder);
            let Some(sums) = listing.as_ref().ok().and_then(|listing| listing.sums(name)) else {
                before.is_unknown |= listing.is_err();
                continue;
            };
            if let Ok(bytes) = sealed_bytes(self.dir, entries, folder, name) {
                let path = format!("{folder}/{name}");
                let wrong = before.wrong(what, &bytes);
                let fault = |why| Fault::Result {
                    path: path.clone(),
                    why,
                };
                self.faults.extend(wrong.into_iter().map(fault));
            }
            match what {
                "count" => drop(before.counts.insert((folder.clone(), sums.sha256.clone()))),
                "sample" => drop(before.samples.insert(sums.sha256.clone())),
                _ => {}
            }
        }
    }

    /// What was asked of a stamper: a checkpoint of this log, and the request that says so.
    fn stamps(&mut self, key: &Verifier) -> Result<(), CaseError> {
        let folder = self.dir.join(STAMPS);
        let paths = match fs::symlink_metadata(&folder) {
            Ok(meta) if meta.is_dir() => seal::files_of(&folder)?,
            _ => Vec::new(),
        };
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let size = name.split('.').next().and_then(|stem| stem.parse().ok());
            let Some(size) = size else {
                continue;
            };
            let [checkpoint, asked] =
                ["checkpoint", "tsq"].map(|kind| PathBuf::from(stamp_path(size, kind)));
            let inside = Path::new(STAMPS).join(name.as_ref());
            if inside != checkpoint && inside != asked {
                continue;
            }
            // A link could lead to what changes with the day.
            let plain = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
            let read = |inside: &Path| fs::read(self.dir.join(inside)).unwrap_or_default();
            let bytes = read(&checkpoint);
            let is_ours = plain
                && self.roots.are_under(&bytes, size, key)
                && (inside == checkpoint || read(&asked) == query(&sums_of(&bytes)));
            if !is_ours && !self.known.contains(&inside) {
                let path = shown(&inside);
                self.faults.push(Fault::Changed { path });
            }
            self.known.insert(inside);
        }
        Ok(())
    }

    /// A small file whose sums an entry holds; its bytes when they are the sealed ones.
    fn sealed_file(&mut self, inside: &Path, sums: &Sums) -> Option<Vec<u8>> {
        self.known.insert(inside.to_owned());
        match fs::read(self.dir.join(inside)) {
            Ok(bytes) if sums_of(&bytes) == *sums => Some(bytes),
            Ok(_) => {
                let path = shown(inside);
                self.faults.push(Fault::Changed { path });
                None
            }
            Err(error) => {
                self.unread(inside, &error);
                None
            }
        }
    }

    fn unread(&mut self, inside: &Path, error: &io::Error) {
        let path = shown(inside);
        self.faults.push(match error.kind() {
            io::ErrorKind::NotFound => Fault::Missing { path },
            _ => Fault::Unreadable {
                path,
                why: error.to_string(),
            },
        });
    }

    /// A sealed folder against its listing.
    fn folder(
        &mut self,
        folder: &str,
        listing: &Sums,
        watch: &mut dyn Watch,
    ) -> Result<(), CaseError> {
        let inside = PathBuf::from(folder);
        if !is_inside(&inside) {
            let why = "names a folder outside of the case";
            self.faults.push(Fault::Custody {
                why: why.to_owned(),
            });
            return Ok(());
        }
        let Some(text) = self.sealed_file(&PathBuf::from(format!("{folder}.json")), listing) else {
            // Without it nobody can say what belongs there; the strangers are not counted as well.
            self.known.insert(inside);
            return Ok(());
        };
        let Ok(listing) = serde_json::from_slice::<Listing>(&text) else {
            let path = format!("{folder}.json");
            self.faults.push(Fault::Changed { path });
            return Ok(());
        };
        for sealed in &listing.files {
            self.file(&inside, sealed, watch)?;
        }
        self.homes.insert(inside);
        Ok(())
    }

    fn file(
        &mut self,
        folder: &Path,
        sealed: &Sealed,
        watch: &mut dyn Watch,
    ) -> Result<(), CaseError> {
        let Sealing::File { size, sums, .. } = &sealed.sealing else {
            return Ok(());
        };
        let name = path_of(sealed);
        if !is_inside(&name) {
            let path = shown(&name);
            self.faults.push(Fault::Changed { path });
            return Ok(());
        }
        let inside = folder.join(name);
        let path = self.dir.join(&inside);
        let plain = fs::symlink_metadata(&path).map(|meta| meta.is_file());
        let summed = plain.and_then(|plain| plain.then(|| seal::sum_file(&path)).transpose());
        match summed {
            // A link or a folder in its place.
            Ok(None) => {
                let path = shown(&inside);
                self.faults.push(Fault::Changed { path });
            }
            Ok(Some((found, length))) => {
                self.files += 1;
                self.bytes += length;
                if found != *sums || length != *size {
                    let path = shown(&inside);
                    self.faults.push(Fault::Changed { path });
                }
                if !watch.copied(length) {
                    return Err(CaseError::Stopped);
                }
            }
            Err(error) => self.unread(&inside, &error),
        }
        self.known.insert(inside);
        Ok(())
    }

    fn manifest(
        &mut self,
        key: &Verifier,
        entries: &[Entry],
        checkpoint: Option<&SignedCheckpoint>,
    ) {
        self.known.insert(PathBuf::from(MANIFEST));
        let mut fault = |why: &str| {
            let why = why.to_owned();
            self.faults.push(Fault::Manifest { why });
        };
        let bytes = match fs::read(self.dir.join(MANIFEST)) {
            Ok(bytes) => bytes,
            Err(error) => return fault(&error.to_string()),
        };
        let note = match SignedNote::parse(&bytes) {
            Ok(note) => note,
            Err(error) => return fault(&error.to_string()),
        };
        // One signature and no more: what else it carries would be somebody's addition.
        if note.verify(&[key]).is_err() || note.signatures().len() != 1 {
            return fault("is not signed by the case key");
        }
        if checkpoint.is_some_and(|checkpoint| {
            note.text() != manifest(entries, checkpoint.size(), checkpoint.root())
        }) {
            fault("does not say what the custody log says");
        }
    }

    /// Whatever lies in the case and is named by nothing in it, empty folders too.
    fn strangers(&mut self) -> Result<(), CaseError> {
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let paths = seal::files_of(&self.dir.join(&folder))?;
            if paths.is_empty() && !self.homes.contains(&folder) {
                let path = shown(&folder);
                self.faults.push(Fault::Added { path });
            }
            for path in paths {
                let Some(name) = path.file_name() else {
                    continue;
                };
                let inside = folder.join(name);
                if self.known.contains(&inside) {
                    continue;
                }
                let meta = fs::symlink_metadata(&path).map_err(CaseError::io(&path))?;
                if meta.is_dir() {
                    folders.push(inside);
                } else if !is_of_the_log(&inside, meta.len()) {
                    let path = shown(&inside);
                    self.faults.push(Fault::Added { path });
                }
            }
        }
        Ok(())
    }
}

/// Whether a file has a name that a log of a case writes; what they hold is for the log's own check,
/// which knows the names of tiles, and nothing is ever written into the lock.
fn is_of_the_log(inside: &Path, length: u64) -> bool {
    let Ok(inside) = inside.strip_prefix(CUSTODY) else {
        return false;
    };
    let name = inside.to_str().unwrap_or_default();
    let segment = name
        .strip_prefix("wal/")
        .and_then(|name| name.strip_suffix(".wal"));
    match (name, segment) {
        ("vkey" | "checkpoint", _) => true,
        ("lock", _) => length == 0,
        (_, Some(first)) => first.len() == 20 && first.bytes().all(|byte| byte.is_ascii_digit()),
        _ => inside.starts_with("tile"),
    }
}

/// Tiles that a smaller log left behind and that are no beginning of the larger ones in their place.
///
/// The check of the log passes them over, since nothing depends on them any more.
fn unlike_their_successors(folder: &Path) -> Vec<PathBuf> {
    let mut unlike = Vec::new();
    for path in seal::files_of(folder).unwrap_or_default() {
        if !path.is_dir() {
            continue;
        }
        if path.extension().is_none_or(|kind| kind != "p") {
            unlike.extend(unlike_their_successors(&path));
            continue;
        }
        let mut tiles = seal::files_of(&path).unwrap_or_default();
        tiles.sort_by_key(|tile| fs::metadata(tile).map_or(0, |meta| meta.len()));
        // The whole tile, when there is one, has their name without the ending.
        tiles.extend(Some(path.with_extension("")).filter(|whole| whole.is_file()));
        for pair in tiles.windows(2) {
            let read = |path: &Path| fs::read(path).unwrap_or_default();
            if !read(&pair[1]).starts_with(&read(&pair[0])) {
                unlike.push(pair[0].clone());
            }
        }
    }
    unlike
}

/// The path as the source's file system had it.
fn path_of(sealed: &Sealed) -> PathBuf {
    let Some(raw) = &sealed.raw else {
        return PathBuf::from(&sealed.path);
    };
    let bytes = HEXLOWER.decode(raw.as_bytes()).unwrap_or_default();
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// Whether a path leads down and nowhere else, whatever a hostile listing says.
fn is_inside(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}
