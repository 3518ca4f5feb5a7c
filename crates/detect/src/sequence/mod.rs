//! Names, addresses and organisations in running Chinese text.
//!
//! A small convolutional tagger: characters and n-grams are looked up, a few
//! layers mix them with their neighbours, and the best well formed sequence of
//! tags is read off. Weights come from `models/`, whose card tells how they were
//! trained and how far they can be trusted. Arithmetic is integer, or float in
//! one fixed order, so every processor gives the same answer.
//!
//! Cutting a document into segments, and what a finding means, belong to others.

mod decode;
mod features;
mod kernel;
mod network;
mod weights;

use std::sync::OnceLock;

pub use weights::WeightsError;

use features::Features;
use network::Network;

/// The weights that ship with the crate.
static BUILTIN: &[u8] = include_bytes!("../../models/sequence.bin");

/// Longest stretch seen at once, in characters; also the bound of a workspace.
const LONGEST: usize = 250;

/// What a span of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// A person's name, without a title.
    Person,
    /// A place or a postal address, in one span from province to room.
    Address,
    /// A company, an authority, a school, a hospital.
    Organisation,
}

/// One span found.
#[derive(Clone, Copy, Debug)]
pub struct Tagged {
    /// What it is.
    pub label: Label,
    /// First byte in the segment, on a character boundary.
    pub start: usize,
    /// One past the last byte, on a character boundary.
    pub end: usize,
    /// From 0 to 1: of spans at 0.9, about nine in ten were right on held-back text.
    pub confidence: f32,
}

/// A loaded tagger.
pub struct Model {
    features: Features,
    network: Network,
    calibration: decode::Calibration,
}

/// Buffers of one thread, kept between segments so that tagging does not allocate.
#[derive(Default)]
pub struct Workspace {
    starts: Vec<usize>,
    ids: Vec<u16>,
    network: network::Buffers,
    decode: decode::Buffers,
}

impl Model {
    /// The tagger that ships with the crate, loaded once.
    ///
    /// A damaged file cannot be built into a release: a test loads it. Were it
    /// damaged all the same, the model finds nothing rather than end the program.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Self::read(BUILTIN).unwrap_or_else(|_| Self::blank()))
    }

    /// Reads a weights file.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when the bytes are cut short, altered or of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, WeightsError> {
        weights::read(bytes)
    }

    /// A model that finds nothing.
    fn blank() -> Self {
        Self {
            features: Features::default(),
            network: Network::default(),
            calibration: decode::Calibration::default(),
        }
    }

    /// Appends the spans of `segment`, one sentence or line, to `found`, in order.
    ///
    /// Longer text is cut at punctuation, or where it grows past 250 characters.
    pub fn tag(&self, segment: &str, workspace: &mut Workspace, found: &mut Vec<Tagged>) {
        let mut base = 0;
        while base < segment.len() {
            let rest = segment.get(base..).unwrap_or("");
            let taken = self.take(rest, workspace);
            if taken == 0 {
                return;
            }
            if workspace.ids.iter().any(|&id| self.features.is_han(id)) {
                let scores =
                    self.network
                        .run(&self.features, &workspace.ids, &mut workspace.network);
                decode::spans(scores, &self.calibration, &mut workspace.decode, |span| {
                    let edge = |i: usize| workspace.starts.get(i).copied().unwrap_or(taken);
                    found.push(Tagged {
                        label: span.label,
                        start: base + edge(span.start),
                        end: base + edge(span.end),
                        confidence: span.confidence,
                    });
                });
            }
            base += taken;
        }
    }

    /// Takes characters off the front of `text` up to a good place to cut; gives their bytes.
    fn take(&self, text: &str, workspace: &mut Workspace) -> usize {
        workspace.starts.clear();
        workspace.ids.clear();
        // Characters and bytes up to the last mark seen, should the text be too long.
        let mut cut = None;
        for (at, c) in text.char_indices() {
            if workspace.ids.len() == LONGEST {
                let (chars, bytes) = cut.unwrap_or((LONGEST, at));
                workspace.starts.truncate(chars);
                workspace.ids.truncate(chars);
                return bytes;
            }
            workspace.starts.push(at);
            workspace.ids.push(self.features.id(c));
            if matches!(
                c,
                '。' | '！' | '？' | '；' | '\n' | '，' | '、' | '!' | '?' | ';' | ',' | ' '
            ) && workspace.ids.len() > LONGEST / 2
            {
                cut = Some((workspace.ids.len(), at + c.len_utf8()));
            }
        }
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Vec<(Label, String)> {
        let mut found = Vec::new();
        Model::builtin().tag(text, &mut Workspace::default(), &mut found);
        found
            .iter()
            .map(|t| (t.label, text[t.start..t.end].to_owned()))
            .collect()
    }

    #[test]
    fn the_builtin_weights_load() {
        assert!(Model::read(BUILTIN).is_ok());
    }

    #[test]
    fn finds_whom_and_where_a_parcel_goes() {
        let spans =
            tag("收件人：李建国，电话13800000000，地址：浙江省杭州市西湖区文三路21号3栋501室");
        let expected = [
            (Label::Person, "李建国"),
            (Label::Address, "浙江省杭州市西湖区文三路21号3栋501室"),
        ];
        assert_eq!(spans, expected.map(|(l, s)| (l, s.to_owned())));
    }

    #[test]
    fn spares_ordinary_words() {
        for text in [
            "",
            "hello, world",
            "13800000000",
            "高兴的时候要注意安全",
            "黄金方案成功",
        ] {
            assert!(tag(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn long_text_is_cut_and_offsets_stay_on_boundaries() {
        let text =
            "收件人：欧阳建国，电话13800000000，地址：浙江省杭州市西湖区文三路21号3栋2单元501室。"
                .repeat(40);
        let mut found = Vec::new();
        Model::builtin().tag(&text, &mut Workspace::default(), &mut found);
        for t in &found {
            assert!(text.get(t.start..t.end).is_some_and(|s| !s.is_empty()));
            assert!((0.0..=1.0).contains(&t.confidence));
        }
        let unbroken = "啊".repeat(1000);
        Model::builtin().tag(&unbroken, &mut Workspace::default(), &mut found);
    }

    #[test]
    fn refuses_damaged_weights() {
        assert!(Model::read(&[]).is_err());
        assert!(Model::read(&BUILTIN[..BUILTIN.len() / 2]).is_err());
        let mut altered = BUILTIN.to_vec();
        altered[1000] ^= 1;
        assert!(Model::read(&altered).is_err());
    }
}
