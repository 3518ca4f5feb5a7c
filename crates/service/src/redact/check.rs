//! The copy, scanned again: the pipeline of `scan`, which knows nothing of how the copy was made.

use std::ops::ControlFlow;
use std::path::Path;

use liuhen_redact::Written;

use super::{Left, Request, Why};
use crate::scan::{self, Event, Reason, Site, shown};

/// What a scan of the copy still finds, but for what was written there. `named` says that the
/// copy's name was chosen by hand, and is nobody's business here.
pub(super) fn check(
    request: &Request<'_>,
    file: &Path,
    written: &Written,
    named: bool,
) -> Result<Vec<Left>, Why> {
    let judge = written.judge();
    let spare = |kind, text: &str| judge.wrote(kind, text);
    let again = scan::Request {
        least: request.policy.least(),
        model: request.model,
        packs: request.packs,
        looker: request.looker,
        spare: Some(&spare),
        ..scan::Request::new(vec![file.to_owned()])
    };
    let here = shown(file);
    let mut left = Vec::new();
    let mut unread = None;
    scan::scan(&again, &mut |event| {
        match event {
            Event::Finding(path, finding) if request.policy.hides(finding.kind()) => {
                let own = path == here;
                if !(own && named && finding.site == Site::Name) {
                    let inside = path.strip_prefix(&here).unwrap_or_default();
                    left.push(Left {
                        inside: inside.trim_start_matches(" / ").to_owned(),
                        site: finding.site,
                        kind: finding.kind(),
                    });
                }
            }
            // Pictures are looked into by whoever makes copies of them.
            Event::Note(note) if !is_picture(&note.reason) => unread = Some(note.reason.clone()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    match unread {
        // What cannot be read again may hold anything.
        Some(reason) => Err(Why::Unread(reason)),
        None => Ok(left),
    }
}

fn is_picture(reason: &Reason) -> bool {
    matches!(reason, Reason::Format(what) if what.ends_with(" picture"))
}
