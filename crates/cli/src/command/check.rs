//! `check`: what a picture gives away before it is shared, and a copy that does not.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use liuhen_service::sight::{self, Gives, Hide, LARGEST, Looker};
use serde::Serialize;

use crate::exit::Exit;
use crate::eyes::Eyes;
use crate::processors::processors;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen check photo.jpg                            # faces, words, codes, place, time, device
  liuhen check photo.jpg --safe safe.jpg            # a copy with all of it hidden, looked at again
  liuhen check photo.jpg --drawn seen.png           # the picture with a frame around each
  liuhen check photo.jpg --safe safe.jpg --keep-face 1 --faces coarsen

Nothing leaves this machine, and nothing is kept. A child's face is a face: how old somebody is
cannot be told from a picture and is not guessed. What is not told may still be there.
`liuhen models install` fetches the networks once.")]
pub(crate) struct CheckArgs {
    /// The pictures.
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Write a copy in which everything found is hidden; of one picture only.
    #[arg(long, value_name = "FILE")]
    safe: Option<PathBuf>,
    /// Write the picture with a frame around everything found, as PNG; of one picture only.
    #[arg(long, value_name = "FILE")]
    drawn: Option<PathBuf>,
    /// How the copy hides faces.
    #[arg(long, value_enum, default_value_t = Faces::Fill, requires = "safe")]
    faces: Faces,
    /// Leave these faces in the copy, by their numbers.
    #[arg(long, value_name = "N", value_delimiter = ',', requires = "safe")]
    keep_face: Vec<usize>,
    /// Leave QR and bar codes in the copy.
    #[arg(long, requires = "safe")]
    keep_codes: bool,
    /// Print as JSON, a line for each picture.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    eyes: Eyes,
}

/// How faces are hidden.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Faces {
    /// One colour.
    Fill,
    /// Five by five squares.
    Coarsen,
    /// Left as they are.
    Keep,
}

impl From<Faces> for sight::Faces {
    fn from(faces: Faces) -> Self {
        match faces {
            Faces::Fill => Self::Fill,
            Faces::Coarsen => Self::Coarsen,
            Faces::Keep => Self::Keep,
        }
    }
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Told<'a> {
    file: &'a Path,
    width: u32,
    height: u32,
    gives: &'a [Gives],
    safe: Option<Safe>,
}

/// What became of the copy.
#[derive(Serialize)]
struct Safe {
    output: PathBuf,
    hidden: u64,
    unsure: u64,
    codes: u64,
    looks: u32,
}

pub(crate) fn run(args: &CheckArgs) -> Result<Exit> {
    if args.photos.len() > 1 && (args.safe.is_some() || args.drawn.is_some()) {
        bail!("--safe and --drawn are for one picture; for many, `liuhen redact`");
    }
    let looker = args
        .eyes
        .demanded(processors())
        .context("opening the models")?;
    let mut exit = Exit::Done;
    for photo in &args.photos {
        if let Err(error) = one(args, photo, &looker) {
            if args.photos.len() == 1 || show::is_broken_pipe(&error) {
                return Err(error);
            }
            show::error(&error);
            exit = Exit::Incomplete;
        }
    }
    Ok(exit)
}

fn one(args: &CheckArgs, photo: &Path, looker: &Looker) -> Result<()> {
    let bytes = read(photo).with_context(|| format!("reading {}", photo.display()))?;
    let seen = looker
        .see(&bytes, sight::detector())
        .with_context(|| format!("looking at {}", photo.display()))?;
    let gives = seen.gives_away();
    if let Some(path) = &args.drawn {
        let png = sight::png(&seen.drawn()).context("drawing")?;
        write(photo, path, &png)?;
    }
    let safe = args
        .safe
        .as_ref()
        .map(|path| -> Result<Safe> {
            let hide = Hide {
                faces: args.faces.into(),
                keep_faces: args.keep_face.clone(),
                keep_codes: args.keep_codes,
                ..Hide::default()
            };
            if let Some(none) = args
                .keep_face
                .iter()
                .find(|&&n| n == 0 || n > seen.faces.len())
            {
                bail!("there is no face {none}: {} were found", seen.faces.len());
            }
            let copy = looker
                .hide(&bytes, sight::detector(), &hide)
                .with_context(|| format!("hiding what {} shows", photo.display()))?;
            write(photo, path, &copy.bytes)?;
            Ok(Safe {
                output: path.clone(),
                hidden: copy.found.values().sum(),
                unsure: copy.unsure,
                codes: copy.codes,
                looks: copy.looks,
            })
        })
        .transpose()?;
    if args.json {
        return show::json(&Told {
            file: photo,
            width: seen.picture.width(),
            height: seen.picture.height(),
            gives: &gives,
            safe,
        });
    }
    tell(args, photo, &gives, safe.as_ref())
}

fn tell(args: &CheckArgs, photo: &Path, gives: &[Gives], safe: Option<&Safe>) -> Result<()> {
    let lang = show::lang();
    let zh = show::speaks_chinese();
    let name = photo.display();
    if gives.is_empty() {
        let nothing = if zh {
            "没有发现会泄露个人信息的内容"
        } else {
            "gives nothing away that was found"
        };
        show::line(format_args!("{name}: {nothing}"))?;
    } else {
        show::line(format_args!("{name}:"))?;
        for given in gives {
            show::line(format_args!("  {}", show::plain(&given.text(lang))))?;
        }
    }
    if let Some(safe) = safe {
        let output = safe.output.display();
        show::line(if zh {
            format!(
                "{output}：已遮盖 {} 处（另有不确定的 {} 处、条码 {} 个），复查 {} 次后不再发现",
                safe.hidden, safe.unsure, safe.codes, safe.looks
            )
        } else {
            format!(
                "{output}: {} places hidden, {} more to be sure, {} codes; nothing is found after {} looks",
                safe.hidden, safe.unsure, safe.codes, safe.looks
            )
        })
    } else if gives.is_empty() || args.photos.len() > 1 {
        Ok(())
    } else {
        let command = format!("liuhen check {name} --safe {}", safe_name(photo).display());
        show::line(if zh {
            format!("一条命令生成安全的副本：{command}")
        } else {
            format!("a copy without it: {command}")
        })
    }
}

fn read(photo: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(photo)?.take(LARGEST + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::other(
            "larger than any picture that is read, 256 MiB",
        ));
    }
    Ok(bytes)
}

fn safe_name(photo: &Path) -> PathBuf {
    let stem = photo.file_stem().unwrap_or_default().to_string_lossy();
    let ending = photo.extension().unwrap_or_default().to_string_lossy();
    photo.with_file_name(format!("{stem}-safe.{ending}"))
}

fn write(photo: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let of = |path: &Path| path.canonicalize().ok();
    if of(photo).is_some() && of(photo) == of(path) {
        bail!("the copy would be written over the picture; give another file");
    }
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
