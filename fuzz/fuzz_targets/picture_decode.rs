//! Any bytes as a picture; seeds lie under `crates/picture/tests/pictures`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_picture::{Encoding, Limits, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { pixels: 1 << 18, bytes: 4 << 20 };
    let Ok(picture) = decode(bytes, &limits) else { return };
    let count = u64::from(picture.width()) * u64::from(picture.height());
    assert!(count > 0 && count <= limits.pixels);
    let written = encode(&picture, Encoding::Png).unwrap();
    assert!(decode(&written, &limits).unwrap() == picture);
});
