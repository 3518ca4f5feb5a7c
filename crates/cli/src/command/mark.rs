//! `mark`: a copy of a picture for a named recipient, marked as his; or only the visible words of a purpose.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::pictures::{PictureCopy, PictureCopyAsk};
use liuhen_service::mark_visibly;
use serde::Serialize;

use crate::exit::Exit;
use crate::show;
use crate::vault::Where;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen mark card.jpg --to 'Courier Ltd' --purpose delivery -o for-courier.jpg
  liuhen mark card.jpg --to 'School 3' --purpose enrol --visible '仅供办理入学使用，他用无效，2026年11月22日' -o copy.jpg
  liuhen mark card.jpg --only-visible '仅供办理入学使用，他用无效' -o copy.jpg

JPEG, PNG, WebP and TIFF. The copy is written as the picture came, without EXIF, place or thumbnail.
The hidden mark leads the copy back by `liuhen trace`, also cropped, scaled, photographed or
recompressed; it needs a vault, which keeps the picture. --only-visible needs none and keeps nothing.
A font with the characters is looked for where systems keep them; --font names one.")]
pub(crate) struct MarkArgs {
    /// The picture.
    picture: PathBuf,
    /// Where the copy is written; never over the picture itself.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Who will hold the copy.
    #[arg(
        long,
        value_name = "RECIPIENT",
        required_unless_present = "only_visible"
    )]
    to: Option<String>,
    /// The declared purpose, by id.
    #[arg(long, value_name = "ID", required_unless_present = "only_visible")]
    purpose: Option<String>,
    /// Words written visibly over the whole copy.
    #[arg(long, value_name = "WORDS")]
    visible: Option<String>,
    /// Write only these words over the picture, without vault and hidden mark.
    #[arg(long, value_name = "WORDS", conflicts_with_all = ["to", "purpose", "visible"])]
    only_visible: Option<String>,
    /// The font of the visible words.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// Token of the person whom the picture shows: his trace then names every copy.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Done<'a> {
    output: &'a Path,
    copy: Option<&'a PictureCopy>,
}

pub(crate) fn run(args: &MarkArgs) -> Result<Exit> {
    if same_file(&args.picture, &args.output) {
        bail!("the copy would be written over the picture; give another --output");
    }
    let copy = match &args.only_visible {
        Some(words) => {
            let bytes = std::fs::read(&args.picture)
                .with_context(|| format!("reading {}", args.picture.display()))?;
            let marked = mark_visibly(&bytes, words, args.font.as_deref())
                .with_context(|| format!("marking {}", args.picture.display()))?;
            write(&args.output, &marked)?;
            None
        }
        None => Some(hidden(args)?),
    };
    if args.json {
        show::json(&Done {
            output: &args.output,
            copy: copy.as_ref(),
        })?;
    } else {
        show::text(&tell(args, copy.as_ref()))?;
    }
    Ok(Exit::Done)
}

fn hidden(args: &MarkArgs) -> Result<PictureCopy> {
    let (Some(to), Some(purpose)) = (&args.to, &args.purpose) else {
        bail!("give --to and --purpose");
    };
    let vault = args.place.open()?;
    let picture = vault.add_picture(&args.picture, args.token.as_deref())?;
    let ask = PictureCopyAsk {
        recipient: to.clone(),
        purpose: purpose.clone(),
        visible: args.visible.clone(),
    };
    let copy = vault.issue_picture(&picture.id, ask, args.font.as_deref())?;
    write(&args.output, &vault.picture_file(&copy.id)?)?;
    Ok(copy)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}

fn same_file(one: &Path, other: &Path) -> bool {
    let of = |path: &Path| path.canonicalize().ok();
    of(one).is_some() && of(one) == of(other)
}

fn tell(args: &MarkArgs, copy: Option<&PictureCopy>) -> String {
    let output = args.output.display();
    let Some(copy) = copy else {
        return format!("{output}: the words stand on it; no hidden mark");
    };
    let quality = match copy.psnr {
        Some(psnr) if copy.blind => format!("hidden mark at {psnr:.1} dB"),
        Some(psnr) => format!("hidden mark at {psnr:.1} dB, read by the original only"),
        None => "too small for a hidden mark: it cannot be led back".to_owned(),
    };
    format!(
        "{output}: copy {} for {}; {quality}; traced at {}",
        copy.id,
        show::plain(&copy.request.recipient),
        copy.receipt.index
    )
}
