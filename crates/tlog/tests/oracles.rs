//! Our tiles, proofs, notes and checkpoints against the crates `tlog_tiles` and `signed_note`.

#![expect(clippy::panic, reason = "helpers of tests")]

use std::{path::PathBuf, time::Duration};

use liuhen_tlog::{
    Checkpoint, Hash, Log, LogKey, Options, SignedCheckpoint, Signer, Verifier, leaf_hash,
    note::SignedNote, proof, tree::Frontier,
};
use proptest::prelude::*;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{Tile, TileHashReader, TileReader};

const ORIGIN: &str = "oracle.example/log";

fn theirs(hash: &Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

/// Reads our directory by their path names.
struct OurDir(PathBuf);

impl TileReader for OurDir {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            let path = tile.path();
            // Go's sumdb puts the height into the path, C2SP does not.
            let path = path.replacen("tile/8/", "tile/", 1);
            std::fs::read(self.0.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn their_client_reads_our_tiles_and_gives_our_proofs() {
    let dir = tempfile::tempdir().unwrap();
    let key = LogKey::from_seed(&[1; 32]);
    Log::create(dir.path(), &key, ORIGIN).unwrap();
    let options = Options {
        checkpoint_within: Duration::from_secs(60),
        ..Options::default()
    };
    let (log, _) = Log::open(dir.path(), key, options).unwrap();
    let mut older = Vec::new();
    for steps in [1u64, 254, 1, 1, 300, 66_000] {
        for _ in 1..steps {
            log.append(steps.to_be_bytes().to_vec(), Vec::new(), |r| {
                drop(r.unwrap())
            });
        }
        log.append_blocking(b"last".to_vec(), Vec::new()).unwrap();
        let signed = log.checkpoint_now().unwrap();
        let (size, root) = (signed.size(), signed.root());
        let ours = OurDir(dir.path().to_owned());
        let reader = TileHashReader::new(size, theirs(&root), &ours);
        assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap(), theirs(&root));
        for index in [0, size / 3, size / 2, size - 1] {
            let path = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let found = log.inclusion(index, size).unwrap();
            assert_eq!(found.iter().map(theirs).collect::<Vec<_>>(), path);
            let leaf = leaf_hash(&log.leaf(index).unwrap());
            tlog_tiles::check_record(&path, size, theirs(&root), index, theirs(&leaf)).unwrap();
        }
        older.push((size, root));
        for (old, old_root) in &older {
            let path = log.consistency(*old, size).unwrap();
            assert_eq!(
                proof::verify_consistency(*old, size, &path, old_root, &root),
                Ok(())
            );
            assert_eq!(log.root(*old).unwrap(), *old_root);
            let path = path.iter().map(theirs).collect::<Vec<_>>();
            assert_eq!(tlog_tiles::prove_tree(size, *old, &reader).unwrap(), path);
        }
    }
    assert_eq!(log.size(), 66_557);
}

#[test]
fn their_notes_are_ours_and_ours_theirs() {
    let signer = LogKey::from_seed(&[2; 32]).signer(ORIGIN).unwrap();
    let vkey = signer.verifier().to_string();
    let known = || VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size: 42,
        root: Hash([9; 32]),
        extensions: vec!["one".into()],
    };
    let signed = checkpoint.sign(&signer).unwrap().to_string();
    let note = Note::from_bytes(signed.as_bytes()).unwrap();
    let (good, unknown) = note.verify(&known()).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 0));
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((read.origin(), read.size()), (ORIGIN, 42));
    assert_eq!(read.hash(), &tlog_tiles::Hash([9; 32]));

    let mut note = Note::new(note.text(), &[]).unwrap();
    let their_signer = StandardSigner::new(&signer.secret()).unwrap();
    note.add_sigs(&[&their_signer]).unwrap();
    // Ed25519 is deterministic: not only valid, but the same bytes.
    assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), signed);
    assert!(SignedCheckpoint::verify(signed.as_bytes(), &signer.verifier()).is_ok());
    assert_eq!(
        Signer::parse(&signer.secret())
            .unwrap()
            .verifier()
            .to_string(),
        vkey
    );
    assert!(Verifier::parse(&vkey).is_ok());
}

proptest! {
    #[test]
    fn both_judge_notes_of_any_form_alike(
        text in "[a\n ]{0,6}",
        sigs in proptest::collection::vec("(— |- )?[a+ ]{0,3} [A=]{0,12}", 0..3),
        end in "\n?",
    ) {
        let whole = format!("{text}\n\n{}{end}", sigs.join("\n"));
        let ours = SignedNote::parse(whole.as_bytes());
        let theirs = Note::from_bytes(whole.as_bytes());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} / {:?} {:?}", whole, ours, theirs.err());
    }

    #[test]
    fn both_verify_inclusion_alike(size in 1u64..70, index in 0u64..80, drop in 0usize..3, flip in any::<bool>()) {
        let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        let tree = liuhen_tlog::tree::MemoryTree::new(leaves.clone());
        let Ok(mut path) = proof::prove_inclusion(&tree, index, size);
        path.truncate(path.len().saturating_sub(drop));
        if let Some(first) = path.first_mut().filter(|_| flip) {
            first.0[0] ^= 1;
        }
        let leaf = leaves.get(usize::try_from(index).unwrap()).copied().unwrap_or(Hash([0; 32]));
        let ours = proof::verify_inclusion(&leaf, index, size, &path, &frontier.root());
        let path: Vec<_> = path.iter().map(theirs).collect();
        let theirs = tlog_tiles::check_record(&path, size, theirs(&frontier.root()), index, theirs(&leaf));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
    }
}
