//! Overlaps, resolved once.
//!
//! Of candidates that share a byte, one is kept: the one with the highest sum
//! of confidence, firmness and length; between equals the one that begins first,
//! then the one whose kind stands first in the catalogue. Nothing depends on the
//! order in which candidates were found.

use super::compiled::confidence;
use super::window::Candidate;

/// What firmness and length are worth beside a confidence of 1,000.
const RANK: i32 = 120;
const BYTE: i32 = 2;
const LONGEST: usize = 60;

fn worth(candidate: &Candidate) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1000")]
    let sure = (confidence(candidate.logit) * 1000.0) as i32;
    let length = i32::try_from((candidate.end - candidate.start).min(LONGEST)).unwrap_or(0);
    sure + RANK * candidate.rank as i32 + BYTE * length
}

/// Takes candidates that begin before `frontier` out of `candidates`, and puts
/// those that are kept into `kept`, in order of place.
pub(super) fn resolve(candidates: &mut Vec<Candidate>, frontier: usize, kept: &mut Vec<Candidate>) {
    candidates.sort_by_key(|c| (c.start, std::cmp::Reverse(c.end), c.kind));
    let mut taken = 0;
    while taken < candidates.len() {
        // A cluster: each shares a byte with one before it.
        let mut end = candidates[taken].end;
        let mut next = taken + 1;
        while next < candidates.len() && candidates[next].start < end {
            end = end.max(candidates[next].end);
            next += 1;
        }
        // One that is still to come might join.
        if end > frontier || candidates[taken].start >= frontier {
            break;
        }
        choose(&mut candidates[taken..next], kept);
        taken = next;
    }
    candidates.drain(..taken);
}

fn choose(cluster: &mut [Candidate], kept: &mut Vec<Candidate>) {
    let first = kept.len();
    if cluster.len() > 1 {
        cluster.sort_by_key(|c| (std::cmp::Reverse(worth(c)), c.start, c.end, c.kind));
    }
    for candidate in cluster.iter() {
        let free = kept[first..]
            .iter()
            .all(|other| candidate.end <= other.start || other.end <= candidate.start);
        if free {
            kept.push(*candidate);
        }
    }
    kept[first..].sort_by_key(|c| c.start);
}
