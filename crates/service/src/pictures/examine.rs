//! A picture that turned up: which original it shows, and whose copy it is.
//!
//! Two ways: the mark of a copy, read against its original, and the pattern of a viewer's screens, read without one. The original is found and laid under the leak without any key; only then are the copies' keys asked. Every copy of every picture and every viewer-day counts among those examined, whether anything of it was found or not.

use std::collections::BTreeMap;

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{DesignBased, EValue, Epsilon, Threshold};
use liuhen_fingerprint::picture::{Limits, Print, Reference, Registered, Shelf};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::tile;

use super::{FILE_AT_MOST, StoredCopy, StoredPicture, room};
use crate::error::{Result, ServiceError};
use crate::exports::threshold;
use crate::leaks::{ChannelView, CopyView, LeakView, PictureFound};
use crate::screens::{self, StoredScreen};
use crate::{Service, ids};

/// Originals laid under a leak: those whose features share most with it.
const ORIGINALS_TRIED: usize = 8;

/// Copies listed of those that are not accused.
const LISTED: usize = 1000;

impl Service {
    /// Examines a leaked picture.
    pub(crate) fn examine_picture(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        if view.size > FILE_AT_MOST {
            return Err(ServiceError::Invalid(format!(
                "a picture's file has at most {FILE_AT_MOST} bytes"
            )));
        }
        let bytes = self.spooled_bytes(&view.id)?;
        let leak = room::plane(&room::decoded(&bytes)?)?;
        let (copies, screens) = (self.stored_copies()?, self.screens()?);
        view.copies_examined = (copies.len() + screens.len()) as u64;
        if view.copies_examined == 0 {
            return Ok(());
        }
        let limit = threshold(view.copies_examined, epsilon)?;
        view.threshold_ln = limit.ln();
        self.examine_screens(view, &screens, &leak, limit);
        for original in self.shortlisted(&leak)? {
            let mut likeness = None;
            for (base, copies) in by_base(&copies, &original) {
                let registered = match self.laid(&original, &base, &leak) {
                    Ok(Some(registered)) => registered,
                    Ok(None) => continue,
                    // Deleted meanwhile, or damaged: the others are compared all the same.
                    Err(error) => {
                        tracing::error!(picture = %original.view.id, %error, "an original could not be compared");
                        continue;
                    }
                };
                likeness = likeness.max(Some(registered.carriers()));
                for (copy, key, evidence) in self.scored(&registered, &original, &copies)? {
                    let accused = limit.judge(evidence).is_accused();
                    view.copies.push(copy_view(copy, &key, evidence, accused));
                }
            }
            if let Some(carriers) = likeness {
                view.pictures.push(PictureFound {
                    picture: original.view.id.clone(),
                    name: original.view.name.clone(),
                    sha256: original.view.sha256.clone(),
                    carriers: carriers as u64,
                });
            }
        }
        view.copies.sort_by(|a, b| {
            let order = b.ln_e.total_cmp(&a.ln_e);
            order.then_with(|| a.export.cmp(&b.export))
        });
        let accused = view.accused().count();
        view.copies.truncate(LISTED.max(accused));
        Ok(())
    }

    /// Compares the leak with the pattern of every viewer's screens; no original is needed.
    fn examine_screens(
        &self,
        view: &mut LeakView,
        screens: &[StoredScreen],
        leak: &Plane,
        limit: Threshold,
    ) {
        for (screen, evidence) in screens.iter().zip(self.screen_scores(screens, leak)) {
            // Nearly all of the many viewer-days say nothing; they were examined and count.
            if evidence.ln() > 0.0 {
                view.copies.push(CopyView {
                    export: screen.id(),
                    recipient: screen.name.clone(),
                    purpose: String::new(),
                    persons_shared: 0,
                    trace_index: Some(screen.index),
                    leaf_hash: Some(screen.leaf_hash.clone()),
                    commitment: Some(ids::hex(
                        &self.screen_key(&screen.who, &screen.day).commitment(),
                    )),
                    channels: vec![ChannelView {
                        name: "screen".to_owned(),
                        ln_e: evidence.ln(),
                    }],
                    ln_e: evidence.ln(),
                    accused: limit.judge(evidence).is_accused(),
                });
            }
        }
    }

    /// The originals the leak may show, likeliest first; no key is asked.
    fn shortlisted(&self, leak: &Plane) -> Result<Vec<StoredPicture>> {
        let mut pictures: Vec<Option<StoredPicture>> =
            self.stored_pictures()?.into_iter().map(Some).collect();
        let mut shelf = Shelf::new();
        for stored in pictures.iter().flatten() {
            shelf.add(&stored.print);
        }
        let print = Print::of_leak(leak, Limits::default()).map_err(told)?;
        let found = shelf.shortlist(&print, ORIGINALS_TRIED);
        Ok(found
            .into_iter()
            .filter_map(|at| pictures.get_mut(at).and_then(Option::take))
            .collect())
    }

    /// Refuses an original that carries somebody's mark: all its copies would carry it too and accuse him.
    pub(super) fn refuse_marked(&self, plane: &Plane) -> Result<()> {
        let (copies, screens) = (self.stored_copies()?, self.screens()?);
        let examined = (copies.len() + screens.len()) as u64;
        if examined == 0 {
            return Ok(());
        }
        let limit = threshold(examined, Epsilon::DEFAULT)?;
        let mut marked = self
            .screen_scores(&screens, plane)
            .into_iter()
            .any(|evidence| limit.judge(evidence).is_accused());
        for original in self.shortlisted(plane)? {
            for (base, copies) in by_base(&copies, &original) {
                if let Some(registered) = self.laid(&original, &base, plane)? {
                    let scores = self.scored(&registered, &original, &copies)?;
                    marked |= scores
                        .iter()
                        .any(|(.., evidence)| limit.judge(*evidence).is_accused());
                }
            }
        }
        if marked {
            return Err(ServiceError::Invalid(
                "this picture carries the mark of a copy or screen; take in the original"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// What each viewer's screens say; nothing when the picture is too small or too large to be looked at.
    fn screen_scores(&self, screens: &[StoredScreen], plane: &Plane) -> Vec<EValue<DesignBased>> {
        let keys: Vec<ExportKey> = screens
            .iter()
            .map(|screen| self.screen_key(&screen.who, &screen.day))
            .collect();
        match tile::look(plane) {
            Ok(look) if !keys.is_empty() => look.score(&keys, screens::PART),
            _ => Vec::new(),
        }
    }

    fn laid(
        &self,
        original: &StoredPicture,
        base: &str,
        leak: &Plane,
    ) -> Result<Option<Registered>> {
        let plane = room::plane(&self.base(&original.view.id, base)?)?;
        let reference = Reference::new(&plane, Limits::default()).map_err(told)?;
        reference.register(leak, Limits::default()).map_err(told)
    }

    fn scored<'a>(
        &self,
        registered: &Registered,
        original: &StoredPicture,
        copies: &[&'a StoredCopy],
    ) -> Result<Vec<(&'a StoredCopy, ExportKey, EValue<DesignBased>)>> {
        let keys: Vec<ExportKey> = copies
            .iter()
            .map(|copy| self.export_key(&copy.key))
            .collect::<Result<_>>()?;
        let refs: Vec<&ExportKey> = keys.iter().collect();
        let scores = registered.score(&refs, original.view.id.as_bytes());
        let scored = copies.iter().copied().zip(keys).zip(scores);
        Ok(scored
            .map(|((copy, key), evidence)| (copy, key, evidence))
            .collect())
    }
}

/// The copies of one picture by what they were marked upon.
fn by_base<'a>(
    copies: &'a [StoredCopy],
    original: &StoredPicture,
) -> BTreeMap<String, Vec<&'a StoredCopy>> {
    let mut bases: BTreeMap<String, Vec<&StoredCopy>> = BTreeMap::new();
    for copy in copies {
        if copy.view.picture == original.view.id {
            bases.entry(copy.base.clone()).or_default().push(copy);
        }
    }
    bases
}

fn copy_view(
    copy: &StoredCopy,
    key: &ExportKey,
    evidence: EValue<DesignBased>,
    accused: bool,
) -> CopyView {
    CopyView {
        export: copy.view.id.clone(),
        recipient: copy.view.request.recipient.clone(),
        purpose: copy.view.request.purpose.clone(),
        persons_shared: 0,
        trace_index: Some(copy.view.receipt.index),
        leaf_hash: Some(copy.view.receipt.leaf_hash.clone()),
        commitment: Some(ids::hex(&key.commitment())),
        channels: vec![ChannelView {
            name: "picture".to_owned(),
            ln_e: evidence.ln(),
        }],
        ln_e: evidence.ln(),
        accused,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "for map_err, which hands the error over"
)]
fn told(error: liuhen_fingerprint::FingerprintError) -> ServiceError {
    ServiceError::Invalid(error.to_string())
}
