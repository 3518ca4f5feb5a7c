//! `completions`: print a completion script for a shell.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Cli;
use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  liuhen completions bash > ~/.local/share/bash-completion/completions/liuhen"
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
    /// As a JSON object with the members `shell` and `script`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "liuhen", &mut script);
    let script = String::from_utf8_lossy(&script);
    if args.json {
        let shell = args.shell.to_string();
        show::json(&serde_json::json!({ "shell": shell, "script": script }))?;
    } else {
        show::text(&script)?;
    }
    Ok(Exit::Done)
}
