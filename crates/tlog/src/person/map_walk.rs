//! Interim: verifies a proof of labels in a map, until the map's own module is here.

use sha2::{Digest, Sha256};

use crate::{entry::Label, hash::Hash};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the map proof does not hold")]
pub struct MapProofError;

pub(super) fn verify(
    asked: &[Label],
    proof: &[u8],
    root: &Hash,
) -> Result<Vec<Option<u64>>, MapProofError> {
    let mut found = vec![None; asked.len()];
    let mut walk = Walk {
        asked,
        rest: proof,
        found: &mut found,
    };
    let top = walk
        .walk(0, 0, asked.len(), &mut [0; 32])
        .ok_or(MapProofError)?;
    if !walk.rest.is_empty() || top != *root {
        return Err(MapProofError);
    }
    Ok(found)
}

struct Walk<'a> {
    asked: &'a [Label],
    rest: &'a [u8],
    found: &'a mut [Option<u64>],
}

fn bit(label: &Label, depth: usize) -> bool {
    label[depth / 8] >> (7 - depth % 8) & 1 == 1
}

impl Walk<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    fn walk(&mut self, depth: usize, low: usize, high: usize, prefix: &mut Label) -> Option<Hash> {
        if low == high {
            return self.take().map(Hash);
        }
        match self.take::<1>()?[0] {
            0 => Some(Hash([0; 32])),
            1 => {
                let label: Label = self.take()?;
                let index = self.take::<8>()?;
                let fits = (0..depth).all(|d| bit(&label, d) == bit(prefix, d));
                if !fits || self.asked.binary_search(&label).is_ok() {
                    return None;
                }
                Some(leaf(&label, index))
            }
            2 => {
                let index = self.take::<8>()?;
                let position = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
                if !(low..high).contains(&position) {
                    return None;
                }
                self.found[position] = Some(u64::from_be_bytes(index));
                Some(leaf(&self.asked[position], index))
            }
            3 if depth < 256 => {
                let middle = low + self.asked[low..high].partition_point(|l| !bit(l, depth));
                let mask = 0x80 >> (depth % 8);
                prefix[depth / 8] &= !mask;
                let left = self.walk(depth + 1, low, middle, prefix)?;
                prefix[depth / 8] |= mask;
                let right = self.walk(depth + 1, middle, high, prefix)?;
                prefix[depth / 8] &= !mask;
                let mut sha = Sha256::new();
                sha.update([3]);
                sha.update(left.0);
                sha.update(right.0);
                Some(Hash(sha.finalize().into()))
            }
            _ => None,
        }
    }
}

fn leaf(label: &Label, index: [u8; 8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([2]);
    sha.update(label);
    sha.update(index);
    Hash(sha.finalize().into())
}
