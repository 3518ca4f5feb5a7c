//! What a witness is sent, and what is said to convict a log.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use liuhen_tlog::note::Signature;
use liuhen_tlog::witness::{AddCheckpoint, Evidence, Options};
use liuhen_tlog::{Cosigner, CosignerVerifier, LogKey, Verifier, Witness};
use tempfile::TempDir;

fn key() -> Verifier {
    LogKey::from_seed(&[7; 32]).verifier("example.com/log").unwrap()
}

/// A witness that knows one log and never meets its signature.
static WITNESS: LazyLock<(TempDir, Witness)> = LazyLock::new(|| {
    let dir = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    std::fs::write(dir.path().join("logs"), format!("{}\n", key())).unwrap();
    let cosigner = Cosigner::from_seed("witness.example.com", &[8; 32]).unwrap();
    let witness = Witness::open(dir.path(), cosigner, Options::default()).unwrap();
    (dir, witness)
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    let status = WITNESS.1.add_checkpoint(bytes).status();
    assert!([400, 403, 404].contains(&status), "nobody signed this");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(signature) = Signature::parse(text) {
        assert_eq!(signature.to_string(), text);
    }
    if let Ok(verifier) = CosignerVerifier::parse(text) {
        assert_eq!(verifier.to_string(), text);
    }
    if let Ok(evidence) = Evidence::parse(text) {
        assert_eq!(evidence.to_string(), text);
        assert!(evidence.judge(&[&key()]).is_err(), "nobody signed this");
    }
});
