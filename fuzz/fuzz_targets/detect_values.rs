//! A value of every kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_detect::{Verdict, check, mask, normalise};
use liuhen_kinds::Kind;

fuzz_target!(|text: &str| {
    for &kind in Kind::BUILTIN {
        if let Some(normal) = normalise(kind, text) {
            let again = normalise(kind, &normal);
            assert_eq!(again.as_deref(), Some(normal.as_str()), "{}", kind.name());
            assert!(!matches!(check(kind, text), Verdict::Invalid(_)), "{}", kind.name());
        }
        let _shown = mask(kind, text);
    }
});
