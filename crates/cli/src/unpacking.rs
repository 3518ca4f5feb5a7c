//! How files are taken apart: passwords, strings, bounds; asked alike by every verb that reads files.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use liuhen_service::scan::{Limits, Passwords, Wishes};

use crate::ask;

/// What may open what is locked, and how far to go.
#[derive(Debug, clap::Args)]
pub(crate) struct Unpacking {
    /// Try the passwords of this file, one a line, on whatever is locked.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Ask for a password to try on whatever is locked.
    #[arg(long)]
    ask_password: bool,
    /// Look for strings in binary data: UTF-8, UTF-16 and GBK.
    #[arg(long)]
    strings: bool,
    #[command(flatten)]
    bounds: Bounds,
}

/// What one file may unpack to.
#[derive(Debug, clap::Args)]
struct Bounds {
    /// Bytes that one file may unpack to, over all that lies in it.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_unpacked_bytes)]
    max_unpacked: u64,
    /// How many times its size a packed file may unpack to.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_ratio)]
    max_ratio: u64,
    /// How deep files may lie within files.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_depth)]
    max_depth: usize,
    /// Files that one file may unpack to.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_files)]
    max_files: u64,
}

impl Unpacking {
    /// The wishes that these arguments tell. Passwords come from a file or a prompt, since every
    /// process of a machine may read another's arguments.
    pub(crate) fn wishes(&self) -> Result<Wishes> {
        let mut passwords = Vec::new();
        if let Some(path) = &self.password_file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            passwords.extend(text.lines().map(str::to_owned));
        }
        if self.ask_password {
            passwords.push(ask::passphrase("Password of what is locked: ")?);
        }
        Ok(Wishes {
            limits: Limits {
                max_unpacked_bytes: self.bounds.max_unpacked,
                max_ratio: self.bounds.max_ratio,
                max_depth: self.bounds.max_depth,
                max_files: self.bounds.max_files,
                ..Limits::default()
            },
            passwords: Passwords::new(passwords),
            strings: self.strings,
            ..Wishes::default()
        })
    }
}
