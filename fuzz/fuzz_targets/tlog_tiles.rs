//! Paths of tiles, bundles of entries, and proofs made of any hashes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_tlog::proof::{verify_consistency, verify_inclusion};
use liuhen_tlog::tile::{TileId, entries, hashes};
use liuhen_tlog::{Hash, leaf_hash};

fuzz_target!(|input: (&str, &[u8], u64, u64)| {
    let (path, bytes, index, size) = input;
    if let Some(tile) = TileId::parse(path) {
        assert_eq!(tile.to_string(), path);
    }
    if let Some(found) = entries(bytes) {
        assert_eq!(found.iter().map(|entry| entry.len() + 2).sum::<usize>(), bytes.len());
    }
    let Some(path) = hashes(&bytes[..bytes.len() - bytes.len() % Hash::LEN]) else {
        unreachable!("a whole number of hashes")
    };
    // Roots that the fuzzer cannot reach by hashing: no proof may lead there.
    let (leaf, root) = (leaf_hash(b"leaf"), leaf_hash(b"root"));
    assert!(verify_inclusion(&leaf, index, size, &path, &root).is_err());
    assert!(verify_consistency(index, size, &path, &leaf, &root).is_err());
});
