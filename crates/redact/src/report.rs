//! What was done to a file, without a value; and, apart from it, what was written.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use liuhen_detect::fold;
use liuhen_kinds::{Kind, KindInfo, Lang, RulePack};

use crate::{Action, Refusal};

macro_rules! dropped {
    ($($variant:ident $code:literal $zh:literal $en:literal;)*) => {
        /// What was left out of a copy, or made plain in it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Dropped {
            $(#[doc = concat!($en, ".")] $variant,)*
        }

        impl Dropped {
            /// Every one there is.
            pub const ALL: &'static [Dropped] = &[$(Dropped::$variant),*];

            /// The stable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Dropped::$variant => $code,)* }
            }

            /// In words.
            #[must_use]
            pub const fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Dropped::$variant, Lang::Zh) => $zh,
                      (Dropped::$variant, Lang::En) => $en,)*
                }
            }
        }
    };
}

dropped! {
    Metadata "metadata" "文档属性" "properties of the document";
    Thumbnail "thumbnail" "缩略图" "a thumbnail";
    CustomXml "custom_xml" "自定义 XML" "custom XML";
    Embedded "embedded" "嵌入的对象" "an embedded object";
    Macro "macro" "宏" "macros";
    Printer "printer_settings" "打印机设置" "settings of a printer";
    Pivot "pivot" "数据透视表及缓存" "a pivot table and its cache";
    ExternalLink "external_link" "外部链接" "a link to another document";
    Chart "chart" "图表" "a chart";
    Diagram "diagram" "SmartArt 图形" "a diagram";
    Media "media" "音频或视频" "sound or video";
    Revision "revision" "修订记录" "a tracked change";
    Field "field" "域代码" "the code of a field";
    Formula "formula" "公式（保留其值）" "a formula, whose value stays";
    Names "defined_name" "定义的名称" "a defined name";
    Threads "threads" "会话批注与人员" "threads of comments and their people";
    Extension "extension" "扩展内容" "an extension of the format";
    Unknown "unknown_part" "不认识的部分" "a part that is not known";
    Picture "picture_blanked" "图片（以空白代替）" "a picture, blank in its place";
    AltText "alternative_text" "图片的替代文字与名称" "the alternative text or name of an object";
    Header "mail_field" "邮件头字段" "a field of a mail's head";
    Attachment "attachment" "无法脱敏的附件" "an attachment that could not be redacted";
    Entry "entry" "无法脱敏的压缩包条目" "an entry of an archive that could not be redacted";
    Malformed "malformed" "无法解码的字节" "bytes that do not decode";
}

/// What was done to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many values of a kind were answered how.
    pub hidden: BTreeMap<(Kind, Action), u64>,
    /// What was left out, and how often.
    pub dropped: BTreeMap<Dropped, u64>,
}

impl Report {
    /// Adds what was done to another file.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.hidden {
            *self.hidden.entry(*key).or_insert(0) += count;
        }
        for (key, count) in &other.dropped {
            *self.dropped.entry(*key).or_insert(0) += count;
        }
    }

    pub(crate) fn drop(&mut self, what: Dropped, count: u64) {
        if count > 0 {
            *self.dropped.entry(what).or_insert(0) += count;
        }
    }
}

/// What stands in a copy because it was written there, and what must not stand in it.
///
/// Holds values; its `Debug` is two counts.
#[derive(Default, Clone)]
pub struct Written {
    put: HashSet<String>,
    /// What must not be found again, folded, of kinds whose values are told apart.
    gone: HashSet<String>,
    /// The same as they stood, where no answer holds them: they may stand nowhere in the copy.
    left: HashSet<String>,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Written({}, {})", self.put.len(), self.gone.len())
    }
}

impl Written {
    pub(crate) fn note(&mut self, kind: Kind, from: &str, to: &str) {
        if !to.is_empty() && !self.put.contains(to) {
            self.put.insert(to.to_owned());
        }
        if is_distinctive(kind, from) {
            self.gone.insert(fold(from).into_owned());
            let plain = from.trim();
            // Words of another's label, or a short number within a long one, are no trace.
            if plain.len() >= 9 && !to.contains(plain) {
                self.left.insert(plain.to_owned());
            }
        }
    }

    /// Adds what was written elsewhere: the name of a file stands beside its contents.
    pub fn add(&mut self, other: &Self) {
        self.put.extend(other.put.iter().cloned());
        self.gone.extend(other.gone.iter().cloned());
        self.left.extend(other.left.iter().cloned());
    }

    /// Looks for the values themselves in bytes, as UTF-8 and UTF-16.
    pub(crate) fn nothing_left<'b>(
        &self,
        parts: impl Iterator<Item = &'b [u8]>,
    ) -> Result<(), Refusal> {
        let wide = |text: &String| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut values: Vec<Vec<u8>> = Vec::new();
        for value in &self.left {
            values.push(value.clone().into_bytes());
            values.push(wide(value));
        }
        if values.is_empty() {
            return Ok(());
        }
        let finder = AhoCorasick::new(&values).map_err(|_| Refusal::Left)?;
        for part in parts {
            if finder.is_match(part) {
                return Err(Refusal::Left);
            }
        }
        Ok(())
    }

    /// Something that answers for many texts whether they were written here.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&self.put);
        let mut whole = String::new();
        for put in &self.put {
            whole.push_str(put);
            whole.push('\0');
        }
        Judge {
            written: self,
            finder: finder.ok(),
            whole,
        }
    }
}

/// Answers whether what was found in a copy was written there by the redaction.
pub struct Judge<'a> {
    written: &'a Written,
    finder: Option<AhoCorasick>,
    whole: String,
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.written.fmt(f)
    }
}

impl Judge<'_> {
    /// Whether `text` consists of what was written, but for signs between, or is the heading of a
    /// value and no value; never when it is a value that was to be hidden.
    #[must_use]
    pub fn wrote(&self, kind: Kind, text: &str) -> bool {
        let text = text.trim();
        if self.written.put.contains(text) || is_heading(kind, text) {
            return true;
        }
        if self.written.gone.contains(fold(text).as_ref()) {
            return false;
        }
        // A part of a label or of an invented address is found as readily as the whole.
        if !text.is_empty() && !text.contains('\0') && self.whole.contains(text) {
            return true;
        }
        let Some(finder) = &self.finder else {
            return false;
        };
        let mut at = 0;
        let mut rest = String::new();
        for found in finder.find_iter(text) {
            rest.push_str(text.get(at..found.start()).unwrap_or_default());
            at = found.end();
        }
        rest.push_str(text.get(at..).unwrap_or_default());
        at > 0 && !rest.chars().any(char::is_alphanumeric)
    }
}

/// Whether a text is a word that heads values and none itself: where a value was taken away, the
/// label behind it stands behind the label before it. A password may be any word.
pub(crate) fn is_heading(kind: Kind, text: &str) -> bool {
    static WORDS: OnceLock<HashSet<String>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let of = |info: &KindInfo| {
            info.headers
                .iter()
                .map(|word| fold(word).into_owned())
                .collect::<Vec<_>>()
        };
        RulePack::builtin().iter().flat_map(of).collect()
    });
    !matches!(kind, Kind::PASSWORD | Kind::OTP) && words.contains(fold(text.trim()).as_ref())
}

/// Whether a value is told apart from words that merely look alike, so that it may be hidden
/// wherever it stands.
pub(crate) fn is_distinctive(kind: Kind, text: &str) -> bool {
    const WORDS: [Kind; 8] = [
        Kind::GENDER,
        Kind::ETHNICITY,
        Kind::RELIGION,
        Kind::DIAGNOSIS,
        Kind::PREGNANCY,
        Kind::SCHOOL_CLASS,
        Kind::MESSAGE_CONTENT,
        Kind::INCOME,
    ];
    let chars = text.trim().chars().count();
    match kind {
        kind if WORDS.contains(&kind) => false,
        Kind::PERSON_NAME => chars >= 2 && !text.trim().is_ascii() || chars >= 6,
        _ => chars >= 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_told_from_what_was_left() {
        let mut written = Written::default();
        written.note(Kind::MOBILE, "13800138000", "【手机号】");
        written.note(Kind::PERSON_NAME, "某人甲", "【姓名】");
        let judge = written.judge();
        let rows = [
            ("【手机号】", true),
            ("手机号", true),
            ("【姓名】 【手机号】", true),
            ("【姓名】甲", false),
            ("13800138000", false),
            ("某人甲", false),
            ("13900139000", false),
            ("出生日期", true),
        ];
        for (text, expected) in rows {
            assert_eq!(judge.wrote(Kind::PERSON_NAME, text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_dropped_is_told_in_both_languages() {
        let mut codes = std::collections::BTreeSet::new();
        for what in Dropped::ALL {
            assert!(codes.insert(what.code()));
            assert!(what.text(Lang::En).is_ascii() && !what.text(Lang::Zh).is_ascii());
        }
    }
}
