//! Values that carry marks, as written by us and as they come back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_fingerprint::code::Symbol;
use liuhen_fingerprint::table::{observe, plain, variants};

fuzz_target!(|input: (bool, &str, &str, u64)| {
    let (is_date, canonical, leaked, bits) = input;
    let kind = if is_date { "date_of_birth" } else { "address" };
    let seen = observe(kind, canonical, leaked);
    let Some(carrier) = variants(kind, canonical) else {
        assert!(seen.is_empty());
        return;
    };
    assert_eq!(seen.len(), carrier.places().count());
    let (mut chosen, mut rest) = (Vec::new(), bits);
    let written = carrier.write(|_| {
        chosen.push(if rest & 1 == 1 { Symbol::One } else { Symbol::Zero });
        rest >>= 1;
        chosen[chosen.len() - 1]
    });
    // A place may be unclear, never wrong.
    let back = carrier.observe(written.as_str());
    for (read, wrote) in back.iter().zip(&chosen) {
        assert!(read.is_none_or(|read| read == *wrote), "{written:?}");
    }
    assert_eq!(plain(kind, written.as_str()).as_str(), plain(kind, canonical).as_str());
});
