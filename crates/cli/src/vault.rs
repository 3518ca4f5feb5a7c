//! Reaching a vault: its directory on this machine, or a running server.
//!
//! Both answer with the wire types of `liuhen-server`, so that a verb shows the same either way.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::imports::{ImportPlan, ImportState, ImportStatus, Preview};
use liuhen_server::api::leaks::{Leak, LeakState};
use liuhen_server::api::pictures::{Picture, PictureCopy, PictureCopyAsk};
use liuhen_server::api::sightings::{SightingAnswer, SightingAsk};
use liuhen_server::api::wire::RowProblem;
use liuhen_service::{Caller, Config, Service};
use tokio::runtime::Runtime;

use crate::remote::Remote;
use crate::{ask, bar, show};

/// How to open a data directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Opening {
    /// The data directory; made when it does not exist.
    #[arg(
        long,
        visible_alias = "data",
        value_name = "DIR",
        env = "LIUHEN_DIR",
        default_value = "liuhen-data"
    )]
    dir: PathBuf,
    /// The root key's file, when it lies elsewhere than in the data directory.
    #[arg(long, value_name = "FILE", env = "LIUHEN_ROOT_KEY")]
    root_key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the root key. A new root key is sealed with it.
    #[arg(long, value_name = "FILE", env = "LIUHEN_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Opening {
    /// The data directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens the vault in the directory.
    pub(crate) fn vault(&self) -> Result<Vault> {
        // Opening would make a new vault, which nobody means who wants to work on one.
        if !self.dir.join("vault.db").exists() {
            bail!(
                "{} holds no vault; give --dir, or --server for a running one, or begin with `liuhen serve`",
                self.dir.display()
            );
        }
        let service = Service::open(&self.config()?)?;
        Ok(Vault::Local(Local {
            service,
            caller: Caller::local(),
            runtime: runtime()?,
        }))
    }

    /// What the service needs; asks for the passphrase of a sealed key on a terminal.
    pub(crate) fn config(&self) -> Result<Config> {
        let mut config = Config {
            dir: self.dir.clone(),
            root_key: self.root_key.clone(),
            ..Config::default()
        };
        if let Some(file) = &self.passphrase_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("reading the passphrase in {}", file.display()))?;
            let line = text.lines().next().unwrap_or_default();
            if line.is_empty() {
                bail!("the first line of {} is empty", file.display());
            }
            config.passphrase = Some(line.to_owned().into());
        }
        if config.needs_passphrase()? {
            if !show::is_answered() {
                bail!(
                    "the root key {} is sealed; give --passphrase-file, or run on a terminal",
                    config.root_key_path().display()
                );
            }
            config.passphrase = Some(ask::passphrase("passphrase of the root key: ")?.into());
        }
        Ok(config)
    }
}

/// Which vault a verb works on.
#[derive(Debug, clap::Args)]
pub(crate) struct Where {
    #[command(flatten)]
    opening: Opening,
    /// A running server, such as http://127.0.0.1:8420. The API key is read from LIUHEN_KEY, or from the file that LIUHEN_KEY_FILE names.
    #[arg(long, value_name = "URL", env = "LIUHEN_SERVER", conflicts_with_all = ["root_key", "passphrase_file"])]
    server: Option<String>,
}

impl Where {
    /// Opens the directory, or prepares to ask the server.
    pub(crate) fn open(&self) -> Result<Vault> {
        match &self.server {
            Some(url) => Ok(Vault::Remote(Remote::new(url)?)),
            None => self.opening.vault(),
        }
    }
}

/// A vault that answers.
pub(crate) enum Vault {
    /// In this process.
    Local(Local),
    /// Over HTTP.
    Remote(Remote),
}

/// A vault opened in this process.
pub(crate) struct Local {
    service: Arc<Service>,
    caller: Caller,
    runtime: Runtime,
}

/// The async half of the program.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Err(error) = self.service.close() {
            show::note(format_args!("liuhen: closing the vault: {error}"));
        }
    }
}

impl Vault {
    /// Hands a file in; nothing of it is stored as records yet.
    pub(crate) fn upload(&self, path: &Path) -> Result<String> {
        let (file, name, bar) = open_file(path, "uploading")?;
        let reader = bar::Metered::new(file, &bar);
        let id = match self {
            Self::Local(local) => {
                let upload = local.spool(reader)?;
                upload.finish_import(&local.caller, &name)?
            }
            Self::Remote(remote) => remote.upload("/v1/imports", &[("file_name", name)], reader)?,
        };
        bar.finish_and_clear();
        Ok(id)
    }

    /// What an uploaded file seems to hold.
    pub(crate) fn preview(
        &self,
        id: &str,
        sheet: Option<&str>,
        has_header: Option<bool>,
    ) -> Result<Preview> {
        match self {
            Self::Local(local) => Ok(local
                .service
                .import_preview(&local.caller, id, sheet, has_header)?
                .into()),
            Self::Remote(remote) => {
                let mut query = Vec::new();
                if let Some(sheet) = sheet {
                    query.push(("sheet", sheet.to_owned()));
                }
                if let Some(has_header) = has_header {
                    query.push(("has_header", has_header.to_string()));
                }
                remote.get(&format!("/v1/imports/{id}/preview"), &query)
            }
        }
    }

    /// Lets the rows go in.
    pub(crate) fn start(&self, id: &str, plan: ImportPlan) -> Result<()> {
        match self {
            Self::Local(local) => {
                let plan = plan.try_into().map_err(told)?;
                local
                    .runtime
                    .block_on(local.service.import_start(&local.caller, id, plan))?;
                Ok(())
            }
            Self::Remote(remote) => remote.post(&format!("/v1/imports/{id}/start"), &plan),
        }
    }

    /// How far an import is.
    pub(crate) fn status(&self, id: &str) -> Result<ImportStatus> {
        match self {
            Self::Local(local) => Ok(local.service.import_status(&local.caller, id)?.into()),
            Self::Remote(remote) => remote.get(&format!("/v1/imports/{id}"), &[]),
        }
    }

    /// All imports.
    pub(crate) fn imports(&self) -> Result<Vec<ImportStatus>> {
        match self {
            Self::Local(local) => {
                let list = local.service.imports(&local.caller)?;
                Ok(list.into_iter().map(Into::into).collect())
            }
            Self::Remote(remote) => remote.get("/v1/imports", &[]),
        }
    }

    /// Forgets an upload that was not started.
    pub(crate) fn discard(&self, id: &str) -> Result<()> {
        match self {
            Self::Local(local) => Ok(local.service.discard_import(&local.caller, id)?),
            Self::Remote(remote) => remote.delete(&format!("/v1/imports/{id}")),
        }
    }

    /// Rows that were left out, from a row on.
    pub(crate) fn problems(&self, id: &str, from: u64, limit: usize) -> Result<Vec<RowProblem>> {
        match self {
            Self::Local(local) => {
                let list = local
                    .service
                    .import_problems(&local.caller, id, from, limit)?;
                Ok(list.into_iter().map(Into::into).collect())
            }
            Self::Remote(remote) => {
                let query = [("from", from.to_string()), ("limit", limit.to_string())];
                remote.get(&format!("/v1/imports/{id}/problems"), &query)
            }
        }
    }

    /// Follows an import to its end.
    pub(crate) fn follow_import(&self, id: &str) -> Result<ImportStatus> {
        let bar = bar::bytes(0, "importing");
        loop {
            let status = self.status(id)?;
            bar.set_length(status.bytes_total);
            bar.set_position(status.bytes_done);
            bar.set_message(format!("importing, {} rows", status.rows));
            if matches!(status.state, ImportState::Done | ImportState::Failed) {
                bar.finish_and_clear();
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Takes a picture in.
    pub(crate) fn add_picture(&self, path: &Path, token: Option<&str>) -> Result<Picture> {
        let (file, name, bar) = open_file(path, "reading")?;
        let reader = bar::Metered::new(file, &bar);
        let picture = match self {
            Self::Local(local) => {
                let upload = local.spool(reader)?;
                let of = token.map(|token| liuhen_service::Handle::Token {
                    token: token.to_owned(),
                });
                let add = local
                    .service
                    .add_picture(&local.caller, upload, &name, of.as_ref());
                local.runtime.block_on(add)?.into()
            }
            Self::Remote(remote) => {
                let token = token.map(|token| ("token", token));
                remote.upload_form("/v1/pictures", token.as_slice(), &name, reader)?
            }
        };
        bar.finish_and_clear();
        Ok(picture)
    }

    /// Issues a copy of a picture.
    pub(crate) fn issue_picture(
        &self,
        id: &str,
        ask: PictureCopyAsk,
        font: Option<&Path>,
    ) -> Result<PictureCopy> {
        match self {
            Self::Local(local) => {
                let issue = local
                    .service
                    .issue_picture(&local.caller, id, ask.into(), font);
                Ok(local.runtime.block_on(issue)?.into())
            }
            Self::Remote(_) if font.is_some() => {
                bail!("a server writes with its own font; leave --font out")
            }
            Self::Remote(remote) => remote.post_for(&format!("/v1/pictures/{id}/copies"), &ask),
        }
    }

    /// The file of a copy.
    pub(crate) fn picture_file(&self, copy: &str) -> Result<Vec<u8>> {
        match self {
            Self::Local(local) => {
                let file = local.service.picture_file(&local.caller, copy);
                Ok(local.runtime.block_on(file)?.bytes)
            }
            Self::Remote(remote) => remote.bytes(&format!("/v1/pictures/copies/{copy}/file")),
        }
    }

    /// Hands a leaked file in and follows its examination to the end.
    pub(crate) fn trace(&self, path: &Path, epsilon: Option<f64>) -> Result<Leak> {
        let (file, name, bar) = open_file(path, "reading")?;
        let reader = bar::Metered::new(file, &bar);
        let id = match self {
            Self::Local(local) => {
                let upload = local.spool(reader)?;
                let start = local
                    .service
                    .start_leak(&local.caller, upload, &name, epsilon);
                local.runtime.block_on(start)?
            }
            Self::Remote(remote) => {
                let mut query = vec![("file_name", name)];
                query.extend(epsilon.map(|epsilon| ("epsilon", epsilon.to_string())));
                remote.upload("/v1/leaks", &query, reader)?
            }
        };
        bar.set_message("examining");
        loop {
            let leak = self.leak(&id)?;
            if leak.state != LeakState::Running {
                bar.finish_and_clear();
                return Ok(leak);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The canaries to look for; only where the vault lies, since a list of them must not travel.
    pub(crate) fn watch(&self) -> Result<liuhen_service::Watch> {
        match self {
            Self::Local(local) => Ok(local.service.watch(&local.caller)?),
            Self::Remote(_) => bail!("canaries are looked for where the vault lies; give --dir"),
        }
    }

    /// Notes canaries seen in a file.
    pub(crate) fn sight(
        &self,
        place: &str,
        canaries: &BTreeSet<String>,
    ) -> Result<Option<liuhen_service::SightingView>> {
        match self {
            Self::Local(local) => {
                let told = local.service.sight(&local.caller, place, canaries);
                Ok(local.runtime.block_on(told)?)
            }
            Self::Remote(_) => Ok(None),
        }
    }

    /// Compares values seen outside with the canaries.
    pub(crate) fn sighting(&self, ask: SightingAsk) -> Result<SightingAnswer> {
        match self {
            Self::Local(local) => {
                let report = liuhen_service::SightingReport {
                    place: ask.place,
                    values: ask.values,
                };
                let told = local.service.report_sighting(&local.caller, &report);
                Ok(local.runtime.block_on(told)?.into())
            }
            Self::Remote(remote) => remote.post_for("/v1/sightings", &ask),
        }
    }

    /// The report on an examined leak, as PDF.
    pub(crate) fn leak_report(&self, id: &str, chinese: bool) -> Result<Vec<u8>> {
        match self {
            Self::Local(local) => Ok(local.service.leak_report(&local.caller, id, chinese)?),
            Self::Remote(remote) => {
                let lang = if chinese { "zh" } else { "en" };
                remote.bytes(&format!("/v1/leaks/{id}/report?lang={lang}"))
            }
        }
    }

    fn leak(&self, id: &str) -> Result<Leak> {
        match self {
            Self::Local(local) => Ok(local.service.leak(&local.caller, id)?.into()),
            Self::Remote(remote) => remote.get(&format!("/v1/leaks/{id}"), &[]),
        }
    }
}

impl Local {
    fn spool(&self, mut reader: impl Read) -> Result<liuhen_service::Upload> {
        let mut upload = self.service.upload()?;
        std::io::copy(&mut reader, &mut upload).context("keeping the file")?;
        upload.flush().context("keeping the file")?;
        Ok(upload)
    }
}

fn open_file(path: &Path, what: &str) -> Result<(File, String, indicatif::ProgressBar)> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let about = file
        .metadata()
        .with_context(|| format!("opening {}", path.display()))?;
    if about.is_dir() {
        bail!("{} is a directory; give a file", path.display());
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let bar = bar::bytes(about.len(), what);
    Ok((file, name.to_string_lossy().into_owned(), bar))
}

/// An error of the server's wire types, as the program shows it.
fn told(error: liuhen_server::ApiError) -> anyhow::Error {
    anyhow::anyhow!("{}", error.detail())
}
