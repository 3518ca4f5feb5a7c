//! Frames of films, which an ffmpeg on this machine takes out: one program for hundreds of codecs, in a
//! process of its own, which a film made to hurt cannot leave.
//!
//! Of a film some frames are taken, spread evenly; what shows for a moment between two is not seen. Sound
//! is not heard, subtitles are not read.

use std::fs::File;
use std::io::{Read, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::scan::Reason;

/// Containers that are opened. Lists of other files (`concat`, `hls`) are none of them: they would lead
/// out of the film.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg";
/// Longest that one frame may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest frame, as a picture.
const LARGEST: u64 = 256 << 20;
/// Pixels of a frame that ffmpeg may decode.
const PIXELS: &str = "100000000";

/// Where a film lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reel<'a> {
    /// In a file of its own.
    Path(&'a Path),
    /// In a file without a name, as what lies within an archive is put.
    Open(&'a File),
}

/// How films are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Films {
    frames: u32,
}

/// Why films cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FilmsError {
    /// The programs are not there.
    #[error(
        "{0} cannot be run: install ffmpeg (on Debian: apt install ffmpeg), or leave films out"
    )]
    NoProgram(&'static str),
}

impl Films {
    /// Looks at so many frames of each film.
    ///
    /// # Errors
    ///
    /// [`FilmsError::NoProgram`] where ffmpeg or ffprobe cannot be run.
    pub fn new(frames: u32) -> Result<Films, FilmsError> {
        for program in ["ffmpeg", "ffprobe"] {
            let mut command = Command::new(program);
            let ran = command.arg("-version").stdin(Stdio::null()).output();
            if !ran.is_ok_and(|ran| ran.status.success()) {
                return Err(FilmsError::NoProgram(program));
            }
        }
        Ok(Films { frames })
    }

    /// The moments of a film that are looked at, each in the middle of an equal part.
    ///
    /// # Errors
    ///
    /// [`Reason::Format`] for a film without pictures or of a sort that is not opened.
    pub(crate) fn moments(&self, film: Reel<'_>) -> Result<Vec<Duration>, Reason> {
        let words = [
            "-select_streams",
            "v:0",
            "-show_entries",
            "format=duration:stream=index",
        ];
        let mut command = careful("ffprobe");
        command
            .args(words)
            .args(["-of", "default=nokey=0:noprint_wrappers=1"]);
        shown(&mut command, film)?;
        let said = run(command)?;
        let said = String::from_utf8_lossy(&said);
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
        if value("index=").is_none() {
            return Err(Reason::Format("video"));
        }
        // A film that does not say how long it is has its beginning looked at.
        let seconds = value("duration=").and_then(|seconds| seconds.parse::<f64>().ok());
        let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
        let Some(seconds) = seconds else {
            return Ok(vec![Duration::ZERO]);
        };
        let part = seconds.min(1e6) / f64::from(self.frames);
        Ok((0..self.frames)
            .map(|at| Duration::from_secs_f64((f64::from(at) + 0.5) * part))
            .collect())
    }

    /// A frame as a PNG; none where the film ends before.
    ///
    /// # Errors
    ///
    /// [`Reason::Broken`], [`Reason::Bound`].
    pub(crate) fn frame(&self, film: Reel<'_>, at: Duration) -> Result<Vec<u8>, Reason> {
        let mut command = careful("ffmpeg");
        command.args(["-nostdin", "-ss", &format!("{:.3}", at.as_secs_f64())]);
        command.args(["-max_pixels", PIXELS, "-i"]);
        shown(&mut command, film)?;
        command.args(["-map", "0:v:0", "-an", "-sn", "-dn", "-frames:v", "1"]);
        command.args(["-f", "image2pipe", "-c:v", "png", "-"]);
        run(command)
    }
}

/// A program that reads this film and nothing else.
fn careful(program: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-v", "error", "-protocol_whitelist", "file"]);
    command.args(["-format_whitelist", CONTAINERS]);
    command
}

/// Gives a program the film: by its path, which is one of a file whatever it is called, or as its standard
/// input, which can be sought and has no name that could stay behind.
fn shown(command: &mut Command, film: Reel<'_>) -> Result<(), Reason> {
    match film {
        Reel::Path(path) => {
            let mut name = std::ffi::OsString::from("file:");
            name.push(path);
            command.arg(name).stdin(Stdio::null());
        }
        Reel::Open(mut file) => {
            let own = file.rewind().and_then(|()| file.try_clone());
            let own = own.map_err(|error| Reason::from(&error))?;
            command.arg("file:/dev/stdin").stdin(own);
        }
    }
    Ok(())
}

/// What a program writes, as far as bounds of time and size allow. What it says of a film may hold its
/// names, so it is not told.
fn run(mut command: Command) -> Result<Vec<u8>, Reason> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| Reason::from(&error))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(Reason::Fault);
    };
    let (tell, heard) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(LARGEST + 1).read_to_end(&mut bytes);
        // Nobody listens when the time is over.
        let _ = tell.send(read.map(|_| bytes));
    });
    let read = heard.recv_timeout(PATIENCE);
    let is_over = !matches!(&read, Ok(Ok(bytes)) if bytes.len() as u64 <= LARGEST);
    if is_over {
        // It may have ended meanwhile.
        let _ = child.kill();
    }
    let status = child.wait();
    let _ = reader.join();
    match (read, status) {
        (Err(_), _) => Err(Reason::Bound(format!(
            "a frame that takes more than {} s",
            PATIENCE.as_secs()
        ))),
        (Ok(Ok(bytes)), _) if bytes.len() as u64 > LARGEST => Err(Reason::Bound(format!(
            "a frame of more than {LARGEST} bytes"
        ))),
        (Ok(Ok(bytes)), Ok(status)) if status.success() => Ok(bytes),
        _ => Err(Reason::Broken("ffmpeg does not read this film".to_owned())),
    }
}
