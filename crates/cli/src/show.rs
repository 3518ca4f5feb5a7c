//! Standard output and standard error.
//!
//! Results go to standard output, everything about the work to standard error, so that pipes carry results only.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Result;
use liuhen_kinds::Lang;
use liuhen_service::{Holder, rfc3339};
use serde::Serialize;

/// One line of the result.
pub(crate) fn line(text: impl Display) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Text that ends its own lines.
pub(crate) fn text(text: &str) -> Result<()> {
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// One JSON object on a line of its own.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// A line about the work.
pub(crate) fn note(text: impl Display) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Why it failed, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Most errors already end with their cause.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    note(format_args!("liuhen: {text}"));
}

/// A process that holds a data directory, in words.
pub(crate) fn holder(holder: &Holder) -> String {
    let (host, since) = (plain(&holder.host), rfc3339(holder.since));
    format!("process {} on {host} since {since}", holder.pid)
}

/// Whether somebody sits there to answer a question.
pub(crate) fn is_answered() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether the terminal's language is Chinese (POSIX: `LC_ALL`, then `LC_MESSAGES`, then `LANG`).
pub(crate) fn speaks_chinese() -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
        .is_some_and(|value| value.to_string_lossy().starts_with("zh"))
}

/// The language of the terminal.
pub(crate) fn lang() -> Lang {
    if speaks_chinese() { Lang::Zh } else { Lang::En }
}

/// Lets a fault of the program tell its place and not its message, which may quote a text.
pub(crate) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|fault| {
        let place = fault.location().map(ToString::to_string);
        note(format_args!(
            "liuhen: a fault of this program at {}; please report it",
            place.unwrap_or_default()
        ));
    }));
}

/// Whether the reader of our output went away, as `head` does.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Cuts control characters, so that nothing from a file moves the cursor or colours the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Pads to a width on the terminal, where a Han character takes two columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let mut padded = plain(text);
    let used: usize = padded.chars().map(columns).sum();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    padded
}

/// Columns of a character: two for East Asian wide ones (the ranges of Unicode's UAX 11 that names and headers use).
fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_counts_han_twice() {
        assert_eq!(pad("手机", 6), "手机  ");
        assert_eq!(pad("phone", 3), "phone");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\r\n"), "a [31mb  ");
    }
}
