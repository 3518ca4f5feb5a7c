//! `witness`: run an independent witness for logs.
//!
//! Rule: C2SP tlog-witness. It needs no vault and trusts no log: it remembers what it cosigned and refuses whatever did not grow from that.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use liuhen_server::{Limits, WitnessOptions, serve_witness};
use liuhen_tlog::witness::{Options, Witness};
use liuhen_tlog::{Cosigner, Verifier};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::serve::stop_signal;
use crate::exit::Exit;
use crate::show;
use crate::vault::runtime;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen witness --name witness.example/w1 --log 'liuhen.invalid/log+1a2b3c4d+AU…' --listen 0.0.0.0:8431
                     makes a key in ./liuhen-witness when there is none, and cosigns that log
  liuhen witness --dir /var/lib/witness --listen 127.0.0.1:8431
                     goes on with the key and the logs of that directory; SIGHUP reads `logs` again

What it prints as `witness …` belongs into the log's policy. Evidence against a log lies in DIR/evidence; `liuhen verify evidence` reads it.
Never put an old copy of DIR back: a witness that forgets what it cosigned is none.")]
pub(crate) struct WitnessArgs {
    /// Where the witness keeps its key, the logs it knows and what it cosigned.
    #[arg(long, value_name = "DIR", default_value = "liuhen-witness")]
    dir: PathBuf,
    /// Its name, best an address without scheme such as witness.example/w1; needed once, when the key is made.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A log to cosign, by its verifier key; kept in DIR/logs. May be given several times.
    #[arg(long = "log", value_name = "VKEY")]
    logs: Vec<String>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8431")]
    listen: SocketAddr,
    /// The address the log asks at, when it is another.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Print one JSON object when ready.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &WitnessArgs) -> Result<Exit> {
    let making = || format!("making {}", args.dir.display());
    fs::create_dir_all(&args.dir).with_context(making)?;
    let cosigner = cosigner(args)?;
    add_logs(&args.dir, &args.logs)?;
    let witness = Arc::new(Witness::open(&args.dir, cosigner, Options::default())?);
    if witness.status().is_empty() {
        bail!(
            "no log to witness: give --log with a log's verifier key, or write it into {}",
            args.dir.join("logs").display()
        );
    }
    runtime()?.block_on(serve(args, witness))
}

async fn serve(args: &WitnessArgs, witness: Arc<Witness>) -> Result<Exit> {
    let stop = stop_signal()?;
    let again = tokio::spawn(reload_on_hangup(Arc::clone(&witness))?);
    let told = Arc::clone(&witness);
    let options = WitnessOptions {
        addr: args.listen,
        limits: Limits::default(),
        shutdown: stop,
        ready: |url: &str| announce(args, &told, url),
    };
    serve_witness(witness, options).await?;
    again.abort();
    Ok(Exit::Done)
}

/// Reads the file of logs again at each SIGHUP.
fn reload_on_hangup(witness: Arc<Witness>) -> Result<impl Future<Output = ()>> {
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            match witness.reload() {
                Ok(logs) => tracing::warn!(logs, "read the logs again"),
                Err(error) => tracing::error!(%error, "the logs stay as they were"),
            }
        }
    })
}

fn announce(args: &WitnessArgs, witness: &Witness, listening: &str) {
    let url = args.public_url.as_deref().unwrap_or(listening);
    let key = witness.verifier();
    let logs: Vec<String> = witness.status().into_iter().map(|log| log.origin).collect();
    let line = format!("witness {} {key} {url}", short(key.name()));
    let shown = if args.json {
        show::json(&json!({
            "listening": listening,
            "vkey": key.to_string(),
            "policy": line,
            "logs": logs,
        }))
    } else {
        show::text(&format!(
            "listening on {listening}\ncosigning {}\nfor the log's policy:\n  {line}\nstop with Ctrl-C\n",
            logs.join(", ")
        ))
    };
    if let Err(error) = shown {
        tracing::warn!(%error, "cannot print");
    }
}

/// A name within a policy has no blanks; slashes would only look odd.
fn short(name: &str) -> String {
    name.replace(['/', ':'], "-")
}

fn cosigner(args: &WitnessArgs) -> Result<Cosigner> {
    let path = args.dir.join("key");
    if path.exists() {
        let text = Zeroizing::new(fs::read_to_string(&path).context("reading the witness's key")?);
        let cosigner = Cosigner::parse(text.trim_end())
            .with_context(|| format!("{} is no key of a witness", path.display()))?;
        if let Some(name) = &args.name
            && name != cosigner.verifier().name()
        {
            bail!(
                "the key in {} is that of {}; a witness keeps its name",
                path.display(),
                cosigner.verifier().name()
            );
        }
        return Ok(cosigner);
    }
    let Some(name) = &args.name else {
        bail!(
            "{} holds no key yet: give --name, such as witness.example/w1",
            args.dir.display()
        );
    };
    let cosigner = Cosigner::generate(name)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| format!("making {}", path.display()))?;
    file.write_all(cosigner.secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(cosigner)
}

/// Adds logs to the file of logs, unless they stand there.
fn add_logs(dir: &Path, logs: &[String]) -> Result<()> {
    let path = dir.join("logs");
    let mut text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "# verifier keys of the logs to cosign, one a line\n".to_owned()
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let known = text.len();
    for log in logs {
        Verifier::parse(log).with_context(|| format!("--log {log} is no verifier key"))?;
        if text.lines().all(|line| line.trim() != log) {
            text.push_str(log);
            text.push('\n');
        }
    }
    if text.len() > known || !path.exists() {
        liuhen_tlog::disk::write_durably(&liuhen_tlog::disk::SystemDisk, &path, text.as_bytes())
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
