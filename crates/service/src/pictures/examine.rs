//! A picture that turned up: which original it shows, and whose copy it is.
//!
//! The original is found and laid under the leak without any key; only then are the copies' keys asked. Every copy of every picture counts among those examined, whether its original was found or not.

use std::collections::BTreeMap;

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{DesignBased, EValue, Epsilon};
use liuhen_fingerprint::picture::{Limits, Print, Reference, Registered, Shelf};
use liuhen_fingerprint::plane::Plane;

use super::{StoredCopy, StoredPicture, room};
use crate::Service;
use crate::error::{Result, ServiceError};
use crate::exports::threshold;
use crate::leaks::{ChannelView, CopyView, LeakView, PictureFound};

/// Originals laid under a leak: those whose features share most with it.
const ORIGINALS_TRIED: usize = 8;

/// Copies listed of those that are not accused.
const LISTED: usize = 1000;

impl Service {
    /// Examines a leaked picture.
    pub(crate) fn examine_picture(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        let bytes = self.spooled_bytes(&view.id)?;
        let leak = room::plane(&room::decoded(&bytes)?)?;
        let copies = self.stored_copies()?;
        view.copies_examined = copies.len() as u64;
        if copies.is_empty() {
            return Ok(());
        }
        let limit = threshold(view.copies_examined, epsilon)?;
        view.threshold_ln = limit.ln();
        for original in self.shortlisted(&leak)? {
            let mut likeness = None;
            for (base, copies) in by_base(&copies, &original) {
                let Some(registered) = self.laid(&original, &base, &leak)? else {
                    continue;
                };
                likeness = likeness.max(Some(registered.carriers()));
                for (copy, evidence) in self.scored(&registered, &original, &copies)? {
                    let accused = limit.judge(evidence).is_accused();
                    view.copies.push(copy_view(copy, evidence, accused));
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
    ) -> Result<Vec<(&'a StoredCopy, EValue<DesignBased>)>> {
        let keys: Vec<ExportKey> = copies
            .iter()
            .map(|copy| self.export_key(&copy.key))
            .collect::<Result<_>>()?;
        let keys: Vec<&ExportKey> = keys.iter().collect();
        let scores = registered.score(&keys, original.view.id.as_bytes());
        Ok(copies.iter().copied().zip(scores).collect())
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

fn copy_view(copy: &StoredCopy, evidence: EValue<DesignBased>, accused: bool) -> CopyView {
    CopyView {
        export: copy.view.id.clone(),
        recipient: copy.view.request.recipient.clone(),
        purpose: copy.view.request.purpose.clone(),
        persons_shared: 0,
        trace_index: Some(copy.view.receipt.index),
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
