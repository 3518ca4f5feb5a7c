//! `openapi`: print the description of the API.

use anyhow::Result;

use crate::exit::Exit;
use crate::show;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  liuhen openapi > openapi.json")]
pub(crate) struct OpenapiArgs {
    /// On one line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &OpenapiArgs) -> Result<Exit> {
    match args.json {
        true => show::json(&liuhen_server::api::openapi())?,
        false => show::text(&liuhen_server::api::openapi_json())?,
    }
    Ok(Exit::Done)
}
