//! What several looks say of one face becomes one face.

use super::{Candidate, Face, Quality, Verdict};
use crate::rules::Faces as Rules;

/// One face for each group of boxes that overlap, the surest of them, the surest groups first.
pub(super) fn merged(mut candidates: Vec<Candidate>, rules: &Rules) -> Vec<Face> {
    // Two networks have two scales of scores: each is read against its own threshold.
    let strength = |candidate: &Candidate| {
        let sure = if candidate.dense {
            rules.small_sure
        } else {
            rules.sure
        };
        candidate.score / sure
    };
    // The network with landmarks tells better where a face is, the other whether there is one.
    candidates.sort_by(|a, b| {
        a.dense
            .cmp(&b.dense)
            .then(strength(b).total_cmp(&strength(a)))
            .then(a.area.left.total_cmp(&b.area.left))
            .then(a.area.top.total_cmp(&b.area.top))
    });
    let mut kept: Vec<(Candidate, bool)> = Vec::new();
    for candidate in candidates {
        let same = kept.iter_mut().find(|(other, _)| {
            let shared = candidate.area.shared(&other.area);
            let smaller = candidate.area.size().min(other.area.size()).max(1.0);
            candidate.area.overlap(&other.area) > rules.same || shared / smaller > 0.7
        });
        let sure = strength(&candidate) >= 1.0;
        match same {
            // Both networks half sure of one place is sure.
            Some((other, known)) => *known |= sure || other.dense != candidate.dense,
            None => kept.push((candidate, sure)),
        }
    }
    kept.into_iter()
        .map(|(candidate, sure)| Face {
            area: candidate.area,
            landmarks: candidate.landmarks,
            score: candidate.score,
            verdict: if sure {
                Verdict::Face
            } else {
                Verdict::CouldNotTell
            },
            quality: Quality::default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Area;

    fn rules() -> &'static Rules {
        &crate::rules::rules().unwrap().faces
    }

    fn candidate(left: f32, score: f32, dense: bool) -> Candidate {
        Candidate {
            area: Area::new(left, 10.0, 40.0, 50.0),
            landmarks: None,
            score,
            dense,
        }
    }

    #[test]
    fn boxes_of_one_face_become_one_and_neighbours_stay_two() {
        let faces = merged(
            vec![
                candidate(10.0, 0.8, false),
                candidate(12.0, 0.9, false),
                candidate(60.0, 0.85, false),
            ],
            rules(),
        );
        assert_eq!(faces.len(), 2);
        assert!((faces[0].score - 0.9).abs() < 1e-6);
        assert!(faces.iter().all(|face| face.verdict == Verdict::Face));
    }

    #[test]
    fn one_network_half_sure_cannot_tell_and_two_can() {
        let half = candidate(10.0, 0.5, false);
        let faces = merged(vec![half.clone()], rules());
        assert_eq!(faces[0].verdict, Verdict::CouldNotTell);
        let faces = merged(vec![half, candidate(11.0, 0.3, true)], rules());
        assert_eq!(faces.len(), 1);
        assert_eq!(faces[0].verdict, Verdict::Face);
    }
}
