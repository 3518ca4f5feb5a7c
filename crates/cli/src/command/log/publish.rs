//! `log publish`: copy the public part of a log to an object store.
//!
//! Built only with the feature `s3`; without it the verb says how.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
TARGET is file:///path or s3://bucket/prefix. S3 takes its endpoint (plain
http://), region and credentials from AWS_ENDPOINT_URL, AWS_REGION and
AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or from the file that
AWS_SHARED_CREDENTIALS_FILE names.

Works while a server runs. Needs a program built with `--features s3`.
Ends with 5 when log and target contradict each other; nothing is replaced then.

Examples:
  liuhen log publish liuhen-data file:///srv/www/log
  liuhen log publish liuhen-data s3://trace/log --every 1")]
pub(super) struct PublishArgs {
    /// The data directory of a vault, or a log's own directory.
    dir: PathBuf,
    /// Where to: file:///path or s3://bucket/prefix.
    target: String,
    /// Go on, looking for something new every so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: Option<u64>,
    /// Publish the newest checkpoint, not the one that witnesses have cosigned.
    #[arg(long)]
    newest: bool,
    /// The key to trust, as kept elsewhere; the directory's own when not given.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// Print one JSON object for each run that published something.
    #[arg(long)]
    json: bool,
}

#[cfg(not(feature = "s3"))]
pub(super) fn run(args: &PublishArgs) -> anyhow::Result<crate::exit::Exit> {
    let PublishArgs { dir, target, .. } = args;
    let _ = (args.every, args.newest, &args.vkey, args.json);
    anyhow::bail!(
        "this program was built without publishing ({} to {target}): build it with `cargo build --release --features s3`",
        dir.display()
    )
}

#[cfg(feature = "s3")]
pub(super) use with_s3::run;

#[cfg(feature = "s3")]
mod with_s3 {
    use std::time::Duration;

    use anyhow::{Context as _, Result};
    use liuhen_bucket::{PublishError, Published, Publisher, Target};
    use serde_json::json;

    use super::PublishArgs;
    use crate::command::serve::stop_signal;
    use crate::command::verify::{log_dir, verifier};
    use crate::exit::Exit;
    use crate::vault::runtime;
    use crate::{bar, show};

    pub(in crate::command::log) fn run(args: &PublishArgs) -> Result<Exit> {
        let dir = log_dir(&args.dir)?;
        let target = Target::parse(&args.target)?;
        if let Target::Directory(_) = &target {
            readable_by_all();
        }
        let opened = target.open().with_context(|| format!("opening {target}"))?;
        let publisher = Publisher::new(opened.store.clone(), &opened.prefix, &dir);
        let mut publisher = publisher.newest(args.newest);
        if let Some(key) = &args.vkey {
            publisher = publisher.trusting(verifier(key)?);
        }
        match args.every {
            None => runtime()?.block_on(once(args, &publisher)),
            Some(seconds) => {
                let pause = Duration::from_secs(seconds);
                runtime()?.block_on(again_and_again(args, &publisher, pause))
            }
        }
    }

    /// What is made from here on may be read by everyone: it is the log's public part, for a web server of another account. The verb makes nothing else.
    fn readable_by_all() {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    }

    async fn once(args: &PublishArgs, publisher: &Publisher) -> Result<Exit> {
        let bar = bar::count(0, "publishing");
        let published = publisher
            .publish_once(&|step| {
                bar.set_length(step.of);
                bar.set_position(step.done);
            })
            .await;
        bar.finish_and_clear();
        match published {
            Ok(published) => tell(args, published).map(|()| Exit::Done),
            Err(error) => failed(error),
        }
    }

    /// Until it is told to stop, or something fails that will not pass.
    async fn again_and_again(
        args: &PublishArgs,
        publisher: &Publisher,
        pause: Duration,
    ) -> Result<Exit> {
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let mut first = true;
        loop {
            // A run that is cut off leaves what readers find complete.
            let published = tokio::select! {
                published = publisher.publish_once(&|_| {}) => published,
                () = &mut stop => return Ok(Exit::Done),
            };
            match published {
                Ok(published) if first || published.uploaded > 0 => {
                    tell(args, published)?;
                    first = false;
                }
                Ok(_) => {}
                Err(error) if error.is_passing() => {
                    show::note(format_args!(
                        "liuhen: {:#}; trying again",
                        anyhow::Error::new(error)
                    ));
                }
                Err(error) => return failed(error),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => return Ok(Exit::Done),
            }
        }
    }

    fn tell(args: &PublishArgs, published: Published) -> Result<()> {
        let Published {
            size,
            uploaded,
            bytes,
        } = published;
        match args.json {
            true => show::json(&json!({ "size": size, "uploaded": uploaded, "bytes": bytes })),
            false => show::line(format_args!(
                "published {size} entries: {uploaded} objects uploaded, {bytes} bytes"
            )),
        }
    }

    /// A contradiction is a finding, not a failure of the program.
    fn failed(error: PublishError) -> Result<Exit> {
        use PublishError as E;
        match error {
            E::Store { .. } | E::Log(_) | E::Contended | E::Stopped => Err(error.into()),
            finding => {
                show::error(&finding.into());
                Ok(Exit::Unsound)
            }
        }
    }
}
