//! Any bytes as text, read whole and in any pieces: spans slice, pieces give the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_detect::{Detector, Hit};
use liuhen_document::Span;

fuzz_target!(|data: &[u8]| {
    // The sizes of the pieces hang on the text itself, so that any file is a corpus.
    let seed = data.iter().fold(data.len() as u64, |seed, byte| {
        seed.rotate_left(7).wrapping_add(u64::from(*byte))
    });
    let text = String::from_utf8_lossy(data);
    let detector = Detector::builtin();
    let mut whole: Vec<Hit> = Vec::new();
    detector.hits(&text, |found| {
        let span = found.hit.span;
        let (start, end) = (span.bytes.0 as usize, span.bytes.1 as usize);
        assert_eq!(text.get(start..end), Some(found.text));
        assert!(!found.text.is_empty());
        assert_eq!(Span::of(&text, start, end), Some(span));
        assert!((0.0..=1.0).contains(&found.hit.confidence));
        whole.push(*found.hit);
    });
    let mut pieces: Vec<Hit> = Vec::new();
    let mut stream = detector.stream();
    let mut left: &str = &text;
    let mut state = seed;
    while !left.is_empty() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Mostly a few bytes, at times much: both sides of every buffer.
        let size = 1 + (state >> 33) as usize % if state >> 62 == 0 { 70_000 } else { 24 };
        let mut cut = size.min(left.len());
        while !left.is_char_boundary(cut) {
            cut += 1;
        }
        let (piece, rest) = left.split_at(cut);
        stream.push(piece, &mut |found| pieces.push(*found.hit));
        left = rest;
    }
    stream.finish(&mut |found| pieces.push(*found.hit));
    assert_eq!(whole, pieces);
});
