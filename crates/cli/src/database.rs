//! Arguments of verbs that read database servers, and where their passwords come from.

use std::path::Path;

use anyhow::{Context as _, Result};
use liuhen_service::scan::Databases;

/// What a verb asks of database servers.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Sampled {
    /// Read no more than the first N rows of each table of a database server, by primary key.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
}

impl Sampled {
    /// How to read them; the environment's password goes before the first line of the file, and none
    /// is ever an argument, which every process of a machine may read.
    pub(crate) fn databases(&self, password_file: Option<&Path>) -> Result<Databases> {
        let first = match password_file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("reading {}", path.display()))?;
                text.lines().next().map(str::to_owned)
            }
            None => None,
        };
        let password = |name: &str| {
            let stated = std::env::var(name).ok().filter(|text| !text.is_empty());
            stated.or_else(|| first.clone()).map(Into::into)
        };
        Ok(Databases {
            postgres: password("PGPASSWORD"),
            mysql: password("MYSQL_PWD"),
            sample: self.sample,
        })
    }
}
