//! What the vault reads from outside itself: leaves from a log, tokens from a caller.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_vault::trace::{ChunkLeaf, EventLeaf, chunk_leaf};
use liuhen_vault::{SiteId, SubjectId, Token};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(leaf) = EventLeaf::parse(bytes) {
        assert_eq!(1 + 64 + leaf.ciphertext.len(), bytes.len());
    }
    if let Ok(leaf) = ChunkLeaf::parse(bytes) {
        assert_eq!(chunk_leaf(leaf.header, leaf.labels).unwrap(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.to_string(), text);
    }
    if let Ok(site) = text.parse::<SiteId>() {
        assert_eq!(site.to_string(), text);
    }
    if let Ok(subject) = text.parse::<SubjectId>() {
        assert_eq!(subject.to_string(), text);
    }
});
