//! What was told apart from a case's folder, and the check under it; `case verify` and `case report` ask the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use liuhen_service::case::{Verified, verify};
use liuhen_tlog::Verifier;

use crate::{bar, show};

/// Said after a check under nothing but the folder's own key.
const OWN_KEY: &str =
    "checked under the folder's own key; compare it with the one you were told, or give --earlier";

#[derive(Debug, clap::Args)]
pub(super) struct Kept {
    /// The case's public key, as it was told apart from the folder.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// A checkpoint of the custody log that was kept elsewhere.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
}

impl Kept {
    /// Whether the check shows more than damage.
    pub(super) fn is_given(&self) -> bool {
        self.vkey.is_some() || self.earlier.is_some()
    }

    /// Checks a case under it.
    pub(super) fn check(&self, dir: &Path) -> Result<Verified> {
        let key = self.vkey.as_deref().map(Verifier::parse).transpose();
        let key = key.context("--vkey")?;
        let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
        let earlier = self.earlier.as_ref().map(read).transpose()?;
        let bar = bar::so_far("verifying");
        let verified = verify(dir, key.as_ref(), earlier.as_deref(), &mut |bytes| {
            bar.inc(bytes);
            true
        });
        bar.finish_and_clear();
        verified.with_context(|| format!("case {}", dir.display()))
    }

    /// Says what a check without it does not show.
    pub(super) fn remind(&self) {
        if !self.is_given() {
            show::note(OWN_KEY);
        }
    }
}
