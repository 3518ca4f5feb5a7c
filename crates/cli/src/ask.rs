//! Questions to whoever sits at the terminal.

use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context as _, Result};

/// A yes-or-no question; anything but yes is no.
pub(crate) fn yes(question: &str) -> Result<bool> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ").context("asking")?;
    stderr.flush().context("asking")?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "是"))
}

/// A passphrase, typed without echo.
pub(crate) fn passphrase(question: &str) -> Result<String> {
    rpassword::prompt_password(question).context("reading the passphrase")
}
