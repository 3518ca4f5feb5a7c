//! What an audit keeps on disk to go on where it stopped.
//!
//! `progress` is one small text, replaced whole; the piles beside it are only
//! ever appended to, and are cut to the lengths it states when taken up.
//!
//! Whoever can write here can make an audit lie: keep it as you keep the log's key.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::{
    AuditError,
    fault::{Fault, Faults},
    fold::{Fold, Known, rows_fit},
    pile::{Lengths, MOST_BITS, io_error},
};
use crate::{
    checkpoint::parse_decimal,
    disk::{SystemDisk, write_durably},
    hash::Hash,
    rotation::Keys,
    tile::LEVELS,
};

/// First line of the file.
const MAGIC: &str = "liuhen audit 1";

/// Everything `progress` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) fold: Fold,
    pub(super) known: Vec<Known>,
    pub(super) lengths: Lengths,
    /// Map roots up to this size were compared and are right.
    pub(super) mapped: u64,
}

/// A state directory, held by this process alone.
#[derive(Debug)]
pub(super) struct State {
    dir: PathBuf,
    log: Keys,
    /// Holds the lock while it is open.
    _lock: File,
}

impl State {
    /// Takes a directory, making it when it is not there.
    pub(super) fn open(dir: &Path, log: &Keys) -> Result<Self, AuditError> {
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(io_error(&path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(AuditError::Busy { dir: dir.into() }),
            Err(error) => return Err(io_error(&path)(error.into())),
        }
        Ok(Self {
            dir: dir.to_owned(),
            log: log.clone(),
            _lock: lock,
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What an earlier run saved, if there was one.
    pub(super) fn load(&self) -> Result<Option<Saved>, AuditError> {
        let path = self.path();
        match fs::read_to_string(&path) {
            Ok(text) => self.parse(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error(&path)(error)),
        }
    }

    /// Saves; the piles must be durable up to the lengths.
    pub(super) fn save(&self, saved: &Saved) -> Result<(), AuditError> {
        let path = self.path();
        let text = self.text(saved);
        write_durably(&SystemDisk, &path, text.as_bytes()).map_err(io_error(&path))
    }

    fn path(&self) -> PathBuf {
        self.dir.join("progress")
    }

    fn text(&self, saved: &Saved) -> String {
        let fold = &saved.fold;
        let mut text = format!("{MAGIC}\nlog {}\n", self.log.first());
        let numbers = [
            ("size", Some(fold.size)),
            ("events", Some(fold.events)),
            ("chunks", Some(fold.chunks)),
            ("map-roots", Some(fold.map_roots)),
            ("labels", Some(fold.labels)),
            ("map-size", fold.mapped),
            ("map-time", Some(fold.mapped_time)),
            ("map-checked", Some(saved.mapped)),
            ("gap", fold.gap),
            ("faults", Some(fold.faults.count)),
            ("root-bytes", Some(saved.lengths.roots)),
        ];
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name} {value}");
        };
        for (name, number) in numbers {
            if let Some(number) = number {
                line(name, &number);
            }
        }
        for length in &saved.lengths.labels {
            line("label-bytes", length);
        }
        for (level, row) in fold.rows.iter().enumerate() {
            let level = level.to_string();
            row.iter()
                .for_each(|hash| line("row", &format_args!("{level} {hash}")));
        }
        for known in &saved.known {
            let note = STANDARD.encode(known.signed.to_string());
            match known.found {
                Some(found) => line("checkpoint", &format_args!("{note} {found}")),
                None => line("checkpoint", &note),
            }
        }
        for fault in &fold.faults.listed {
            line("fault", &fault.to_string().replace(['\n', '\r'], " "));
        }
        line("end", &"");
        text
    }

    fn parse(&self, text: &str) -> Result<Saved, AuditError> {
        let bad = || AuditError::state(&self.path(), "not what an audit saved");
        let body = text.strip_prefix(MAGIC).ok_or_else(bad)?;
        let body = body.strip_prefix('\n').ok_or_else(bad)?;
        let body = body.strip_suffix("end \n").ok_or_else(bad)?;
        let mut saved = Saved {
            fold: Fold::default(),
            known: Vec::new(),
            lengths: Lengths {
                labels: Vec::new(),
                roots: 0,
            },
            mapped: 0,
        };
        for line in body.lines() {
            let (name, value) = line.split_once(' ').ok_or_else(bad)?;
            if name == "log" {
                if value != self.log.first().to_string() {
                    return Err(AuditError::OtherLog { log: value.into() });
                }
                continue;
            }
            self.take(&mut saved, name, value).ok_or_else(bad)?;
        }
        let piles = saved.lengths.labels.len();
        let fits = rows_fit(&saved.fold.rows, saved.fold.size);
        let piled = piles.is_power_of_two() && piles <= 1 << MOST_BITS;
        (fits && piled).then_some(saved).ok_or_else(bad)
    }

    /// Takes one line; `None` when it is malformed.
    fn take(&self, saved: &mut Saved, name: &str, value: &str) -> Option<()> {
        let fold = &mut saved.fold;
        match name {
            "size" => fold.size = parse_decimal(value)?,
            "events" => fold.events = parse_decimal(value)?,
            "chunks" => fold.chunks = parse_decimal(value)?,
            "map-roots" => fold.map_roots = parse_decimal(value)?,
            "labels" => fold.labels = parse_decimal(value)?,
            "map-time" => fold.mapped_time = parse_decimal(value)?,
            "map-size" => fold.mapped = Some(parse_decimal(value)?),
            "map-checked" => saved.mapped = parse_decimal(value)?,
            "gap" => fold.gap = Some(parse_decimal(value)?),
            "faults" => fold.faults.count = parse_decimal(value)?,
            "root-bytes" => saved.lengths.roots = parse_decimal(value)?,
            "label-bytes" => saved.lengths.labels.push(parse_decimal(value)?),
            "row" => {
                let (level, hash) = value.split_once(' ')?;
                let level = parse_decimal(level).filter(|level| *level < u64::from(LEVELS))?;
                let row = fold.rows.get_mut(usize::try_from(level).ok()?)?;
                row.push(Hash::from_base64(hash)?);
            }
            "checkpoint" => saved.known.push(self.known(value)?),
            "fault" => remember(&mut fold.faults, value),
            _ => return None,
        }
        Some(())
    }

    fn known(&self, value: &str) -> Option<Known> {
        let (note, found) = match value.split_once(' ') {
            Some((note, found)) => (note, Some(Hash::from_base64(found)?)),
            None => (value, None),
        };
        let note = STANDARD.decode(note).ok()?;
        let signed = self.log.verify_checkpoint(&note).ok()?;
        Some(Known { signed, found })
    }
}

/// Lists a fault without counting it: the count has a line of its own.
fn remember(faults: &mut Faults, words: &str) {
    faults.listed.push(Fault::Remembered(words.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checkpoint::Checkpoint, key::LogKey};

    fn saved() -> Saved {
        let signer = LogKey::from_seed(&[1; 32]).signer("state.example").unwrap();
        let checkpoint = |size| Checkpoint {
            origin: "state.example".into(),
            size,
            root: Hash([3; 32]),
            extensions: Vec::new(),
        };
        let known = |size, found| Known {
            signed: checkpoint(size).sign(&signer).unwrap(),
            found,
        };
        let mut fold = Fold {
            size: 512,
            events: 500,
            map_roots: 2,
            labels: 501,
            mapped: Some(300),
            mapped_time: 7,
            gap: Some(256),
            ..Fold::default()
        };
        fold.rows[1] = vec![Hash([1; 32]), Hash([2; 32])];
        fold.faults.note(Fault::Remembered("a fault".into()));
        fold.faults.count = 70;
        Saved {
            fold,
            known: vec![known(400, Some(Hash([3; 32]))), known(600, None)],
            lengths: Lengths {
                labels: vec![40, 0, 80, 20_000],
                roots: 112,
            },
            mapped: 100,
        }
    }

    fn verifier(seed: u8) -> Keys {
        let key = LogKey::from_seed(&[seed; 32]);
        Keys::of(key.signer("state.example").unwrap().verifier())
    }

    #[test]
    fn what_was_saved_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path(), &verifier(1)).unwrap();
        assert_eq!(state.load().unwrap(), None);
        state.save(&saved()).unwrap();
        assert_eq!(state.load().unwrap(), Some(saved()));
    }

    #[test]
    fn refuses_another_logs_state_and_a_second_audit() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path(), &verifier(1)).unwrap();
        state.save(&saved()).unwrap();
        let busy = State::open(dir.path(), &verifier(1));
        assert!(matches!(busy, Err(AuditError::Busy { .. })));
        drop(state);
        let other = State::open(dir.path(), &verifier(2)).unwrap().load();
        assert!(matches!(other, Err(AuditError::OtherLog { .. })));
    }

    #[test]
    fn refuses_a_state_that_was_cut_or_changed() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path(), &verifier(1)).unwrap();
        let text = state.text(&saved());
        for (cut, _) in text
            .match_indices('\n')
            .filter(|(at, _)| at + 1 < text.len())
        {
            let cut = &text[..=cut];
            assert!(state.parse(cut).is_err(), "{cut}");
        }
        let changes = [
            ("size 512", "size 513"),
            ("size 512", "size -1"),
            ("row 1", "row 9"),
            ("row 1", "row 2"),
            ("label-bytes 80\n", ""),
            ("events", "evnts"),
            ("audit 1", "audit 2"),
        ];
        for (from, to) in changes {
            assert!(text.contains(from));
            assert!(
                state.parse(&text.replacen(from, to, 1)).is_err(),
                "{from} to {to}"
            );
        }
    }
}
