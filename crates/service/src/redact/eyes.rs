//! Pictures and PDF, as `redact` asks for them: looked at, painted over, looked at again.

use liuhen_detect::Detector;
use liuhen_kinds::Kind;
use liuhen_redact::{Pictures, Policy, Refusal};

use crate::sight::{Hide, HideError, Looker, SightError, VisionError};

/// Eyes that hide what a policy hides.
#[derive(Debug)]
pub struct Eyes<'a> {
    pub(super) looker: &'a Looker,
    pub(super) detector: &'a Detector,
    pub(crate) hide: Hide,
}

impl<'a> Eyes<'a> {
    /// Eyes for pictures, by what a policy hides; `detector` as [`crate::sight::detector_with`] makes it.
    #[must_use]
    pub fn new(
        looker: &'a Looker,
        detector: &'a Detector,
        policy: &Policy,
        hide: Hide,
    ) -> Eyes<'a> {
        let kept = |kind: &Kind| !policy.hides(*kind);
        let keep: Vec<Kind> = Kind::BUILTIN.iter().copied().filter(kept).collect();
        Eyes {
            looker,
            detector,
            hide: Hide {
                // Who chooses kinds does not want everything that might be one hidden.
                only_known: hide.only_known || policy.is_limited(),
                keep,
                ..hide
            },
        }
    }
}

impl Pictures for Eyes<'_> {
    fn redact(&self, bytes: &[u8]) -> Result<(Vec<u8>, Vec<(Kind, u64)>), Refusal> {
        let hidden = self
            .looker
            .hide(bytes, self.detector, &self.hide)
            .map_err(|error| refusal(&error))?;
        Ok((hidden.bytes, hidden.found.into_iter().collect()))
    }
}

pub(super) fn refusal(error: &HideError) -> Refusal {
    use liuhen_picture::PictureError;
    match error {
        HideError::StillSeen(..) => Refusal::Left,
        HideError::Sight(SightError::Vision(VisionError::NotInstalled { .. })) => {
            Refusal::Port("the models for pictures are not installed: `liuhen models install`")
        }
        HideError::Sight(SightError::Vision(_)) => {
            Refusal::Port("the networks for pictures failed")
        }
        HideError::Picture(error) | HideError::Sight(SightError::Picture(error)) => match error {
            PictureError::UnknownFormat
            | PictureError::Unsupported(_)
            | PictureError::Animated(_) => Refusal::Format("a picture of this kind"),
            PictureError::TooLarge { limit } => Refusal::TooLarge(*limit),
            PictureError::TooManyPixels { limit, .. } => Refusal::TooManyPixels(*limit),
            _ => Refusal::Damaged("the picture"),
        },
    }
}
