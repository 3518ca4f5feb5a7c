//! Who holds a data directory: one process at a time, seen by the others, followed when it is gone.
//!
//! The lock is the kernel's (`flock`): it is let go when its holder dies, however it dies, and never sooner.
//! So two processes cannot both write, whatever clocks and networks do, and taking over from a holder that hangs means ending it first.
//! The line in the lock file and its heartbeat only tell; nothing is decided by them but whom to end.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, UnixMs};
use crate::error::{Result, ServiceError};

/// How often the holder shows that it lives.
const BEAT: Duration = Duration::from_secs(1);
/// How often a standby looks whether the holder is gone.
const LOOK: Duration = Duration::from_millis(200);
/// A holder silent for so long is said to hang.
const SILENT: Duration = Duration::from_secs(5);
/// The line is padded to this, so that each write replaces the whole of the last.
const LINE: usize = 512;

/// The process that holds a data directory, by its own word in the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Name of its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// When it took the directory: milliseconds since 1970, UTC.
    pub since: UnixMs,
    /// When the process began, in the kernel's ticks since boot: a process id alone may name another by now.
    started: u64,
    /// Which boot of which machine, and which space of process ids.
    world: String,
    /// Counts up for as long as it lives.
    beat: u64,
}

impl Holder {
    fn new() -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            pid,
            since: Clock::default().now(),
            started: started(pid).unwrap_or(0),
            world: world(),
            beat: 0,
        }
    }

    /// The line in the lock file of `dir`; `None` while nobody holds it, or before he wrote it.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join("lock")).ok()?;
        let end = text.iter().position(|byte| *byte == b'\n')?;
        serde_json::from_slice(&text[..end]).ok()
    }

    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.resize(line.len().max(LINE - 1), b' ');
        line.push(b'\n');
        line
    }

    /// Ends the process, if it is still the one that wrote the line, on this machine and of this user.
    ///
    /// # Errors
    ///
    /// Why it cannot be ended from here.
    fn kill(&self) -> std::result::Result<(), &'static str> {
        if self.world != world() || self.world.is_empty() {
            return Err("it runs on another machine or in another container");
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or("its process id is none")?;
        if self.pid == std::process::id() {
            return Err("it is this very process");
        }
        // From here on the handle means this one process; what is read afterwards tells whether it is the right one.
        let handle = pidfd_open(pid, PidfdFlags::empty())
            .map_err(|_| "it is gone, and another holds the directory")?;
        if self.started == 0 || started(self.pid) != Some(self.started) {
            return Err("its process id belongs to another process by now");
        }
        let owner = fs::metadata(format!("/proc/{}", self.pid)).map(|proc| proc.uid());
        if owner.ok() != Some(rustix::process::geteuid().as_raw()) {
            return Err("it runs as another user");
        }
        pidfd_send_signal(&handle, Signal::KILL).map_err(|_| "the system did not let it be ended")
    }
}

/// The held lock on a data directory.
#[derive(Debug)]
pub(crate) struct DirLock {
    file: Arc<File>,
    stop: Arc<AtomicBool>,
    heart: Option<JoinHandle<()>>,
}

impl DirLock {
    /// Takes the lock, or answers `None` when another process has it.
    fn try_take(dir: &Path) -> Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))
            .map_err(ServiceError::io("open the lock file"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => {
                return Err(ServiceError::Io {
                    what: "lock the data directory",
                    source: error.into(),
                });
            }
        }
        let mut holder = Holder::new();
        let (file, stop) = (Arc::new(file), Arc::new(AtomicBool::new(false)));
        let show = |file: &File, holder: &Holder| file.write_all_at(&holder.line(), 0);
        show(&file, &holder).map_err(ServiceError::io("write the lock file"))?;
        let heart = std::thread::Builder::new().name("lease".to_owned()).spawn({
            let (file, stop) = (file.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Acquire) {
                    std::thread::park_timeout(BEAT);
                    holder.beat += 1;
                    // A disk that takes no more shows as silence, which is what it is.
                    let _ = show(&file, &holder);
                }
            }
        });
        Ok(Some(Self {
            file,
            stop,
            heart: Some(heart.map_err(ServiceError::io("start the heartbeat"))?),
        }))
    }

    pub(crate) fn take(dir: &Path) -> Result<Self> {
        Self::try_take(dir)?.ok_or_else(|| ServiceError::InUse(dir.to_owned()))
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(heart) = self.heart.take() {
            heart.thread().unpark();
            let _ = heart.join();
        }
        // Whoever asks next must not be sent to a process that has let go.
        let _ = self.file.set_len(0);
        // The system lets go of the lock with the file anyway.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// What a standby sees while it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// Somebody holds the directory; who, as far as he said.
    Held(Option<Holder>),
    /// The holder has shown no life for this long.
    Silent(Holder, Duration),
    /// The holder was silent for too long and was ended; the directory comes free when the kernel is done with it.
    Ended(Holder),
    /// The holder was silent for too long and could not be ended, and why.
    CannotEnd(Holder, &'static str),
}

/// Waits until nobody holds `dir`, then takes it.
///
/// A holder silent for `kill_after` is ended (SIGKILL) if it runs on this machine as this user.
/// Silence is counted in looks of this process, so that a machine that slept, or a clock that jumped, ends nobody.
pub(crate) fn wait_and_take(
    dir: &Path,
    kill_after: Option<Duration>,
    tell: &mut dyn FnMut(&Waiting),
) -> Result<DirLock> {
    let mut watch = Watch::default();
    loop {
        if let Some(lock) = DirLock::try_take(dir)? {
            return Ok(lock);
        }
        watch.look(Holder::of(dir), kill_after, tell);
        std::thread::sleep(LOOK);
    }
}

/// What a standby remembers from look to look.
#[derive(Default)]
struct Watch {
    last: Option<Holder>,
    looked: Option<Instant>,
    silence: Duration,
    /// What of this holder was told already.
    told: Told,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    #[default]
    Nothing,
    Held,
    Silent,
    Ended,
}

impl Watch {
    fn look(
        &mut self,
        seen: Option<Holder>,
        kill_after: Option<Duration>,
        tell: &mut dyn FnMut(&Waiting),
    ) {
        // One look counts for a second at most, however long this process was not running in between.
        let passed = self
            .looked
            .map_or(Duration::ZERO, |at| at.elapsed().min(BEAT));
        self.looked = Some(Instant::now());
        let same =
            |a: &Holder, b: &Holder| (a.pid, a.started, &a.world) == (b.pid, b.started, &b.world);
        let stays = match (&self.last, &seen) {
            (Some(last), Some(seen)) => same(last, seen),
            (last, seen) => last.is_none() == seen.is_none(),
        };
        if !stays {
            self.told = Told::Nothing;
        }
        if self.last == seen && seen.is_some() {
            self.silence += passed;
        } else {
            self.silence = Duration::ZERO;
            if self.told == Told::Silent {
                self.told = Told::Nothing;
            }
        }
        self.last = seen;
        self.act(kill_after, tell);
    }

    fn act(&mut self, kill_after: Option<Duration>, tell: &mut dyn FnMut(&Waiting)) {
        let mut once = |told: &mut Told, now: Told, what: Waiting| {
            if *told < now {
                *told = now;
                tell(&what);
            }
        };
        once(&mut self.told, Told::Held, Waiting::Held(self.last.clone()));
        let Some(holder) = &self.last else { return };
        if kill_after.is_some_and(|limit| self.silence >= limit) && self.told < Told::Ended {
            let outcome = match holder.kill() {
                Ok(()) => Waiting::Ended(holder.clone()),
                Err(why) => Waiting::CannotEnd(holder.clone(), why),
            };
            once(&mut self.told, Told::Ended, outcome);
        } else if self.silence >= SILENT {
            let silent = Waiting::Silent(holder.clone(), self.silence);
            once(&mut self.told, Told::Silent, silent);
        }
    }
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_end().chars().take(64).collect()
}

/// Which boot of which machine, and which space of process ids: what makes a process id mean one process.
fn world() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match boot.trim_end() {
        "" => String::new(),
        boot => format!("{boot} {}", space.display()),
    }
}

/// When a process began: the 22nd field of `/proc/PID/stat` (proc(5)), counted after the name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named_while_it_holds_and_not_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        let holder = Holder::of(dir.path()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.started, started(holder.pid).unwrap());
        assert!(DirLock::try_take(dir.path()).unwrap().is_none());
        assert!(matches!(
            DirLock::take(dir.path()),
            Err(ServiceError::InUse(_))
        ));
        let begun = Instant::now();
        while Holder::of(dir.path()).unwrap().beat == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "no heartbeat");
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(lock);
        assert_eq!(Holder::of(dir.path()), None);
        DirLock::take(dir.path()).unwrap();
    }

    #[test]
    fn a_changing_beat_is_life_and_an_unchanging_one_is_told_once() {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        let mut holder = Holder::new();
        let long_ago = || Instant::now().checked_sub(Duration::from_secs(100));
        for beat in 0..20 {
            holder.beat = beat;
            watch.looked = long_ago();
            watch.look(Some(holder.clone()), None, &mut |what| {
                told.push(what.clone())
            });
        }
        assert!(matches!(told[..], [Waiting::Held(Some(_))]), "{told:?}");
        // A hundred seconds in which this process did not run count for one.
        for looks in 1..=7 {
            watch.looked = long_ago();
            watch.look(Some(holder.clone()), None, &mut |what| {
                told.push(what.clone())
            });
            assert_eq!(
                told.len(),
                if looks < 5 { 1 } else { 2 },
                "after {looks} looks"
            );
        }
        assert!(matches!(told[1], Waiting::Silent(..)));
    }

    #[test]
    fn refuses_to_end_a_process_that_is_not_the_one_that_wrote() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let right = Holder {
            pid: child.id(),
            started: started(child.id()).unwrap(),
            ..Holder::new()
        };
        let rows = [
            (
                "another start",
                Holder {
                    started: right.started + 1,
                    ..right.clone()
                },
            ),
            (
                "no start",
                Holder {
                    started: 0,
                    ..right.clone()
                },
            ),
            (
                "another machine",
                Holder {
                    world: "elsewhere".into(),
                    ..right.clone()
                },
            ),
            ("this process", Holder::new()),
        ];
        for (name, holder) in rows {
            assert!(holder.kill().is_err(), "{name}");
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "ended though it was another"
        );
        right.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(right.kill().is_err(), "gone");
    }
}
