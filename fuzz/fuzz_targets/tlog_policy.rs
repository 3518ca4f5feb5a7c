//! Policies of whom to believe: whatever is read writes itself so that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_tlog::{Checkpoint, Hash, LogKey, Policy};

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let text = policy.to_string();
    assert_eq!(Policy::parse(text.as_bytes()).as_ref(), Ok(&policy), "{text}");
    let checkpoint = Checkpoint {
        origin: "example.com/log".into(),
        size: 0,
        root: Hash::empty_root(),
        extensions: Vec::new(),
    };
    let signer = LogKey::from_seed(&[7; 32]).signer("example.com/log").unwrap();
    let verdict = policy.check(&checkpoint.sign(&signer).unwrap()).unwrap();
    // Nobody cosigned: only a policy that asks for nobody is content.
    assert!(verdict.cosigned.is_empty());
    assert_eq!(verdict.quorum, text.ends_with("quorum none\n"));
});
