//! The program `liuhen`: a file per verb.
//!
//! Parses its arguments, asks `liuhen-service` or a running server, and shows the answer; it holds no rule.
//! Exit codes are in [`exit`].

mod ask;
mod bar;
mod command;
mod courier;
mod database;
mod exit;
mod eyes;
mod processors;
mod remote;
mod served;
mod show;
mod unpacking;
mod vault;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// Keep personal information so that every look leaves a trace.
#[derive(Debug, Parser)]
#[command(name = "liuhen", version, about, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Look for personal information in files and folders.
    Scan(command::scan::ScanArgs),
    /// Make copies of files in which personal information is hidden, each scanned again.
    Redact(command::redact::RedactArgs),
    /// Count a leak: rows, items and persons, under every key policy.
    Count(command::count::CountArgs),
    /// Keep exhibits under seal, count them, and check a case.
    Case(command::case::CaseArgs),
    /// Show how each kind of personal information weighs, and by which source.
    Rules(command::rules::RulesArgs),
    /// Run the vault, its API and its console.
    Serve(command::serve::ServeArgs),
    /// Bring a table in.
    Import(command::import::ImportArgs),
    /// Make a copy of a picture for a recipient, marked as his.
    Mark(command::mark::MarkArgs),
    /// Say what a picture gives away before it is shared, and make a safe copy.
    Check(command::check::CheckArgs),
    /// Fetch and show the networks that look at pictures.
    Models(command::models::ModelsArgs),
    /// Lead a leaked file back to the copy it came from.
    Trace(command::trace::TraceArgs),
    /// Compare numbers seen outside with the canaries, and name the exports that carried one.
    Sighting(command::sighting::SightingArgs),
    /// Check the log, or a receipt, offline.
    Verify(command::verify::VerifyArgs),
    /// Run an independent witness for logs.
    Witness(command::witness::WitnessArgs),
    /// Look at a log's directory, check it, mend its tiles.
    Log(command::log::LogArgs),
    /// Copy a data directory, also while it is served.
    Backup(command::backup::BackupArgs),
    /// Bring a copy of a data directory back.
    Restore(command::backup::RestoreArgs),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi(command::openapi::OpenapiArgs),
    /// Print a completion script for a shell.
    Completions(command::completions::CompletionsArgs),
}

/// Many small allocations on many threads: what a traced read is made of.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Whatever is written is the owner's alone: data, logs, reports of leaks.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let cli = Cli::parse();
    log_to_stderr();
    let ended = match cli.verb {
        Verb::Scan(args) => command::scan::run(&args),
        Verb::Redact(args) => command::redact::run(&args),
        Verb::Count(args) => command::count::run(&args),
        Verb::Case(args) => command::case::run(&args),
        Verb::Rules(args) => command::rules::run(&args),
        Verb::Serve(args) => command::serve::run(args),
        Verb::Import(args) => command::import::run(&args),
        Verb::Mark(args) => command::mark::run(&args),
        Verb::Check(args) => command::check::run(&args),
        Verb::Models(args) => command::models::run(&args),
        Verb::Trace(args) => command::trace::run(&args),
        Verb::Sighting(args) => command::sighting::run(&args),
        Verb::Verify(args) => command::verify::run(&args),
        Verb::Witness(args) => command::witness::run(&args),
        Verb::Log(args) => command::log::run(&args),
        Verb::Backup(args) => command::backup::run_backup(&args),
        Verb::Restore(args) => command::backup::run_restore(&args),
        Verb::Openapi(args) => command::openapi::run(&args),
        Verb::Completions(args) => command::completions::run(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) if show::is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            show::error(&error);
            if let Some(holder) = exit::holder(&error) {
                show::note(format_args!("held by {}", show::holder(&holder)));
            }
            Exit::of(&error).into()
        }
    }
}

/// `LIUHEN_LOG` chooses what is logged, such as `info` or `liuhen_server=debug`; warnings when it is not set.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LIUHEN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
