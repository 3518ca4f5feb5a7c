//! What a log answers to a person: the container, and every step of its check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_tlog::person::{MAX_LABELS, PersonProof, tree_proof::verify_entries};
use liuhen_tlog::{Checkpoint, Hash, Label, LogKey, leaf_hash, node_hash};

/// Labels that no input can have been made for.
fn labels(count: usize) -> Vec<Label> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes()).0).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let signer = LogKey::from_seed(&[7; 32]).signer("example.com/log").unwrap();
    let Ok(proof) = PersonProof::parse(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes);
    assert!((1..=MAX_LABELS).contains(&proof.asked()));
    // A tree whose root nobody can have reached: nothing is believed, whatever the sizes.
    for size in [0, 1, 3, 1 << 40, u64::MAX] {
        let checkpoint = Checkpoint {
            origin: "example.com/log".into(),
            size,
            root: node_hash(&Hash([1; 32]), &Hash([2; 32])),
            extensions: Vec::new(),
        };
        let checkpoint = checkpoint.sign(&signer).unwrap();
        let asked = labels(proof.asked());
        assert!(proof.check(proof.from(), &asked, &checkpoint).is_err());
    }
    // The map and the entries are reached only by proofs that fit; so the parts are fed alone too.
    let (hashes, rest) = bytes.as_chunks::<32>();
    let hashes: Vec<Hash> = hashes.iter().copied().map(Hash).collect();
    let mut entries: Vec<(u64, Hash)> = rest.iter().map(|b| (u64::from(*b), Hash([0; 32]))).collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    let _ = verify_entries(&entries, 256, &hashes, &Hash([3; 32]));
    let mut asked = labels(40);
    asked.sort_unstable();
    let _ = liuhen_tlog::map::verify(&asked, bytes, &Hash([3; 32]));
});
