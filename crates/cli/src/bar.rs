//! Progress on a terminal; silence elsewhere.

use std::io::{self, IsTerminal as _, Read};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over bytes.
pub(crate) fn bytes(total: u64, what: &str) -> ProgressBar {
    styled(total, what, "{msg} [{bar:30}] {bytes}/{total_bytes} {eta}")
}

/// A bar over things counted.
pub(crate) fn count(total: u64, what: &str) -> ProgressBar {
    styled(total, what, "{msg} [{bar:30}] {pos}/{len} {eta}")
}

/// Bytes so far, where nobody knows how many there will be.
pub(crate) fn so_far(what: &str) -> ProgressBar {
    styled(0, what, "{spinner} {msg} {bytes} {bytes_per_sec} {elapsed}")
}

/// Things counted so far, where nobody knows how many there will be.
pub(crate) fn so_far_counted(what: &str) -> ProgressBar {
    styled(0, what, "{spinner} {msg} {pos} {elapsed}")
}

fn styled(total: u64, what: &str, template: &str) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what.to_owned());
    // The templates stand above and are right; the plain bar would do as well.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A reader that moves a bar.
pub(crate) struct Metered<R> {
    inner: R,
    bar: ProgressBar,
}

impl<R: Read> Metered<R> {
    /// Moves `bar` by every byte read from `inner`.
    pub(crate) fn new(inner: R, bar: &ProgressBar) -> Self {
        Self {
            inner,
            bar: bar.clone(),
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
