//! What the log reads as text: signed notes, keys, checkpoints, receipts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_tlog::note::SignedNote;
use liuhen_tlog::{Checkpoint, LogKey, Receipt, SignedCheckpoint, Signer, Verifier};

fuzz_target!(|bytes: &[u8]| {
    let known = LogKey::from_seed(&[7; 32]).verifier("example.com/log").unwrap();
    if let Ok(note) = SignedNote::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _trusted = note.verify(&[&known]);
    }
    let _unsigned = SignedCheckpoint::verify(bytes, &known);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.to_string(), text);
    }
    if let Ok(signer) = Signer::parse(text) {
        assert_eq!(signer.secret().as_str(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(receipt) = Receipt::parse(text) {
        assert_eq!(receipt.to_string(), text);
        assert!(receipt.verify(&known).is_err(), "nobody signed this");
    }
});
