//! `serve`: run the vault, its API and its console.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use liuhen_server::{Limits, ServeOptions};
use liuhen_service::{Config, Service, Waiting, demo};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::courier::Post;
use crate::exit::Exit;
use crate::vault::{Opening, runtime};
use crate::{bar, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  liuhen serve                 a vault in ./liuhen-data, on http://127.0.0.1:8420
  liuhen serve --demo          the same with a thousand invented people and a year of reads
  liuhen serve --standby       waits until the serving process is gone, then serves
  liuhen serve --listen 0.0.0.0:8420 --public-url https://vault.example.com
                               behind a proxy that ends TLS")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    opening: Opening,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// The address people type, when a proxy stands in front. Links begin with it; with https, cookies are for TLS only.
    #[arg(long, value_name = "URL", env = "LIUHEN_PUBLIC_URL")]
    public_url: Option<String>,
    /// A proxy in front ends TLS and checks the host name: allows listening beyond loopback without --public-url.
    #[arg(long)]
    behind_tls_proxy: bool,
    /// Who witnesses the log: a C2SP tlog-policy; DIR/witnesses when it is there.
    #[arg(long, value_name = "FILE")]
    witnesses: Option<PathBuf>,
    /// Where a monitor finds /metrics (Prometheus), without signing in; best on loopback.
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Largest upload, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    upload_limit: u64,
    /// When another process holds the data directory, wait until it is gone, then serve.
    #[arg(long)]
    standby: bool,
    /// With --standby: end a holder that shows no life for so many seconds (SIGKILL; same machine, same user).
    #[arg(long, value_name = "SECONDS", requires = "standby", value_parser = clap::value_parser!(u64).range(3..=86_400))]
    kill_hung_after: Option<u64>,
    /// Put about a thousand invented people and a year of reads into a new vault.
    #[arg(long)]
    demo: bool,
    /// Print one JSON object when ready.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: ServeArgs) -> Result<Exit> {
    // Before a vault is made for a server that will not start.
    liuhen_server::check_address(
        args.listen,
        args.public_url.as_deref(),
        args.behind_tls_proxy,
    )?;
    let service = match args.standby {
        true => stand_by(&args)?,
        false => {
            std::net::TcpListener::bind(args.listen)
                .with_context(|| format!("cannot listen on {}", args.listen))?;
            Service::open(&config(&args)?)?
        }
    };
    let served = runtime()?.block_on(serve(&service, args));
    // Also after a failure: what was traced is to be flushed.
    let closed = service.close().context("closing the vault");
    served.and(closed.map(|()| Exit::Done))
}

fn config(args: &ServeArgs) -> Result<Config> {
    Ok(Config {
        witnesses: args.witnesses.clone(),
        ..args.opening.config()?
    })
}

/// Waits for the data directory. The address may be the holder's until then, so it is not tried before.
fn stand_by(args: &ServeArgs) -> Result<Arc<Service>> {
    let config = config(args)?;
    let dir = args.opening.dir().display();
    let limit = args.kill_hung_after.map(Duration::from_secs);
    let service = Service::open_when_free(&config, limit, |waiting| {
        show::note(match waiting {
            Waiting::Held(Some(holder)) => {
                format!("standing by: {dir} is held by {}", show::holder(holder))
            }
            Waiting::Silent(holder, silence) => format!(
                "{} has shown no life for {} s; it keeps the directory until it ends",
                show::holder(holder),
                silence.as_secs()
            ),
            Waiting::Ended(holder) => {
                format!("ended {}, which showed no life", show::holder(holder))
            }
            Waiting::CannotEnd(holder, why) => {
                format!("{} cannot be ended from here: {why}", show::holder(holder))
            }
            _ => format!("standing by: {dir} is held"),
        });
    })?;
    Ok(service)
}

async fn serve(service: &Arc<Service>, args: ServeArgs) -> Result<Exit> {
    let stop = stop_signal()?;
    if args.demo {
        seed(service).await?;
    }
    service.ask_witnesses(Post::new())?;
    let invitation = service.first_start()?;
    let limits = Limits {
        upload_bytes: args.upload_limit.saturating_mul(1 << 20),
        ..Limits::default()
    };
    let dir = args.opening.dir().display().to_string();
    let options = ServeOptions {
        addr: args.listen,
        public_url: args.public_url,
        behind_tls_proxy: args.behind_tls_proxy,
        metrics: args.metrics,
        limits,
        shutdown: stop,
        ready: |url: &str| announce(url, invitation.as_deref(), &dir, args.json),
    };
    liuhen_server::serve(Arc::clone(service), options).await?;
    if !args.json {
        show::note("stopped");
    }
    Ok(Exit::Done)
}

/// Prints where to go. A closed standard output is no reason to stop serving.
fn announce(url: &str, invitation: Option<&str>, dir: &str, as_json: bool) {
    let link = invitation.map(|secret| format!("{url}/setup?secret={secret}"));
    let shown = if as_json {
        show::json(&json!({ "listening": url, "setup": link, "dir": dir }))
    } else {
        let mut text = format!("listening on {url}\n");
        if let Some(link) = link {
            text.push_str(&format!(
                "no administrator yet; this link works once:\n  {link}\n"
            ));
        }
        text.push_str("stop with Ctrl-C\n");
        show::text(&text)
    };
    if let Err(error) = shown {
        tracing::warn!(%error, "cannot print");
    }
}

/// Completes at the first Ctrl-C or SIGTERM; a second one ends the program as usual.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}

async fn seed(service: &Arc<Service>) -> Result<()> {
    let bar = bar::count(0, "demo");
    let progress = |what: &str, done: u64, total: u64| {
        bar.set_message(what.to_owned());
        bar.set_length(total);
        bar.set_position(done);
    };
    demo::seed(service, &progress)
        .await
        .context("seeding the demonstration")?;
    bar.finish_and_clear();
    Ok(())
}
