//! Reasons for a finding, counted, in two languages.

use std::borrow::Cow;

use liuhen_kinds::{Kind, Lang, RulePack};
use serde::{Deserialize, Serialize};

/// One reason for believing (or doubting) a finding.
///
/// A column's reasons carry counts over its sample; a single value's carry
/// `count` 1 of `total` 1. Only header words are quoted, never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The stable name of the reason, as reports and the API write it.
    pub code: Cow<'static, str>,
    /// The kind it speaks for.
    pub kind: Option<Kind>,
    /// How many values bear it out.
    pub count: u64,
    /// Of how many.
    pub total: u64,
    /// The header word it quotes, if it quotes one.
    pub word: Option<String>,
}

/// The reasons: code, Chinese, English; `{n}`, `{t}`, `{k}`, `{w}` stand for
/// count, total, the kind's label and the header word.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "check_digit",
        "{t} 个值中有 {n} 个通过校验码（GB 11643）",
        "{n} of {t} values pass the check digit (GB 11643)",
    ),
    (
        "region",
        "{t} 个值中有 {n} 个含有已知行政区划代码",
        "{n} of {t} values begin with a known region code",
    ),
    (
        "luhn",
        "{t} 个值中有 {n} 个通过 Luhn 校验",
        "{n} of {t} values pass the Luhn check",
    ),
    (
        "bin",
        "{t} 个值中有 {n} 个以已知发卡行识别码开头",
        "{n} of {t} values begin with a known issuer number",
    ),
    (
        "segment",
        "{t} 个值中有 {n} 个属于已启用的手机号段",
        "{n} of {t} values lie in an assigned mobile segment",
    ),
    (
        "unassigned_segment",
        "{t} 个值中有 {n} 个形如手机号，但号段未启用",
        "{n} of {t} values look like mobile numbers in an unassigned segment",
    ),
    (
        "surname",
        "{t} 个值中有 {n} 个以常见姓氏开头",
        "{n} of {t} values begin with a known surname",
    ),
    (
        "address_words",
        "{t} 个值中有 {n} 个含有地址层级词",
        "{n} of {t} values have the levels of an address",
    ),
    (
        "date",
        "{t} 个值中有 {n} 个是可能的出生日期",
        "{n} of {t} values are possible dates of birth",
    ),
    (
        "spread_of_years",
        "这些日期跨越 {n} 个年份，像出生日期",
        "the dates spread over {n} years, as births do",
    ),
    (
        "recent_dates",
        "{t} 个日期中有 {n} 个在近两年内，不像出生日期",
        "{n} of {t} dates lie within two years, unlike births",
    ),
    (
        "format",
        "{t} 个值中有 {n} 个符合“{k}”的格式",
        "{n} of {t} values have the form of a {k}",
    ),
    (
        "check_digit_vin",
        "{t} 个值中有 {n} 个通过车架号校验（GB 16735）",
        "{n} of {t} values pass the check digit (GB 16735)",
    ),
    (
        "check_digit_uscc",
        "{t} 个值中有 {n} 个通过校验码（GB 32100）",
        "{n} of {t} values pass the check digit (GB 32100)",
    ),
    ("header", "表头“{w}”就是“{k}”", "header '{w}' names it"),
    (
        "header_part",
        "表头“{w}”含有“{k}”的用词",
        "header '{w}' contains a word for it",
    ),
    (
        "header_differs",
        "表头“{w}”另有所指，但数值符合“{k}”",
        "header '{w}' says otherwise, but the values are of this kind: {k}",
    ),
    (
        "header_refuted",
        "表头“{w}”指“{k}”，但数值不符",
        "header '{w}' means {k}, but the values do not bear it out",
    ),
    (
        "header_only",
        "数值无从检验，仅凭表头“{w}”",
        "values cannot be checked; the header '{w}' alone says so",
    ),
    (
        "few_distinct",
        "{t} 个值中只有 {n} 种",
        "only {n} distinct among {t} values",
    ),
    (
        "increasing",
        "{t} 个值中有 {n} 个依次递增，像流水号",
        "{n} of {t} values increase one after another, as serial numbers do",
    ),
    (
        "organisation_words",
        "{t} 个值中有 {n} 个像单位名称",
        "{n} of {t} values look like organisations",
    ),
    (
        "masked",
        "{t} 个值中有 {n} 个已部分遮盖",
        "{n} of {t} values are partly masked",
    ),
    ("empty", "这一列是空的", "the column is empty"),
    // Of one finding in running text.
    ("checked", "通过校验码", "passes its check digit"),
    (
        "known_region",
        "含有已知的地区代码",
        "holds a known region code",
    ),
    (
        "known_segment",
        "属于已启用的手机号段",
        "lies in an assigned mobile segment",
    ),
    (
        "known_issuer",
        "以已知发卡行识别码开头",
        "begins with a known issuer number",
    ),
    ("structure", "格式相符", "has the form"),
    ("label", "前面标着“{w}”", "labelled '{w}'"),
    ("context", "附近有“{w}”", "'{w}' stands nearby"),
    ("grouped", "按习惯分段书写", "grouped as people write it"),
    ("country_prefix", "带国家代码", "with a country code"),
    ("full_width", "用全角书写", "written in full width"),
    (
        "numerals",
        "用汉字数字或圈码书写",
        "written in Chinese numerals or circled digits",
    ),
    (
        "invisible",
        "夹有不可见字符",
        "with invisible characters inside",
    ),
    ("line_break", "中间换行", "broken across lines"),
    (
        "residual",
        "已部分遮盖，仍有残留",
        "partly masked; what is left still counts",
    ),
    ("confused", "数字被识别成了字母", "digits read as letters"),
    (
        "encoded",
        "经过编码（URL、JSON 或 base64）",
        "encoded (URL, JSON or base64)",
    ),
    ("old_form", "旧式号码", "a number of the old form"),
    (
        "against",
        "附近的词表明它不是",
        "a word nearby speaks against it",
    ),
    (
        "other_label",
        "前面标着别的号码",
        "labelled as another number",
    ),
    (
        "in_number",
        "像更长数字的一部分",
        "looks like part of a longer number",
    ),
    (
        "unknown_region",
        "地区代码未知",
        "the region code is unknown",
    ),
    (
        "unknown_issuer",
        "发卡行识别码未知",
        "the issuer number is unknown",
    ),
    ("unassigned", "号段未启用", "an unassigned segment"),
    ("luhn_fails", "Luhn 校验不符", "fails the Luhn check"),
    (
        "known_surname",
        "以常见姓氏开头",
        "begins with a known surname",
    ),
    ("levels", "含有地址层级", "has the levels of an address"),
    ("place_only", "只是地名", "a place, and no address in it"),
    ("model", "由序列模型判断", "by the sequence model"),
    (
        "own_pattern",
        "符合自定义规则",
        "matches a rule of your own",
    ),
    ("own_list", "在自定义名单上", "stands on a list of your own"),
    ("column", "整列都是“{k}”", "its column holds this kind: {k}"),
    (
        "bundle",
        "与同一人的其他信息在一起",
        "stands together with more about the same person",
    ),
    ("placeholder", "像占位内容", "looks like a placeholder"),
    (
        "organisation_beside",
        "旁边是单位的信息",
        "stands beside an organisation's",
    ),
    ("wrong_check", "校验码不符", "the check digit does not fit"),
    ("loose", "形式松散", "loosely of this form"),
    (
        "undivided",
        "区号与号码连写",
        "area code and number in one run",
    ),
    (
        "organisation_word",
        "以单位用词结尾",
        "ends with a word of organisations",
    ),
];

impl Evidence {
    /// A reason that `count` of `total` values bear out.
    #[must_use]
    pub fn counted(code: &'static str, kind: Kind, count: u64, total: u64) -> Evidence {
        Evidence {
            code: Cow::Borrowed(code),
            kind: Some(kind),
            count,
            total,
            word: None,
        }
    }

    /// A reason that a header word gives.
    #[must_use]
    pub fn worded(code: &'static str, kind: Kind, word: &str) -> Evidence {
        let word = Some(word.to_owned());
        Evidence {
            code: Cow::Borrowed(code),
            kind: Some(kind),
            count: 1,
            total: 1,
            word,
        }
    }

    /// A reason that needs neither number nor kind.
    #[must_use]
    pub fn plain(code: &'static str) -> Evidence {
        Evidence {
            code: Cow::Borrowed(code),
            kind: None,
            count: 0,
            total: 0,
            word: None,
        }
    }

    /// The reason in words; the code itself where it has none yet.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let Some((_, zh, en)) = TEXTS.iter().find(|(code, ..)| *code == self.code) else {
            return self.code.clone().into_owned();
        };
        let template = match lang {
            Lang::Zh => zh,
            Lang::En => en,
        };
        let label = self
            .kind
            .map_or("", |kind| RulePack::builtin().label(kind, lang));
        // The header word is outside text and goes in last, so that braces
        // within it are not taken for places to fill.
        template
            .replace("{n}", &self.count.to_string())
            .replace("{t}", &self.total.to_string())
            .replace("{k}", label)
            .replace("{w}", self.word.as_deref().unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_both_languages() {
        let evidence = Evidence::counted("check_digit", Kind::RESIDENT_ID, 986, 1000);
        assert_eq!(
            evidence.text(Lang::En),
            "986 of 1000 values pass the check digit (GB 11643)"
        );
        assert_eq!(
            evidence.text(Lang::Zh),
            "1000 个值中有 986 个通过校验码（GB 11643）"
        );
    }

    #[test]
    fn header_words_are_quoted_as_they_are() {
        let evidence = Evidence::worded("header", Kind::MOBILE, "手机号{n}");
        assert_eq!(evidence.text(Lang::En), "header '手机号{n}' names it");
        assert_eq!(evidence.text(Lang::Zh), "表头“手机号{n}”就是“手机号”");
    }

    #[test]
    fn codes_are_unique_and_leave_no_place_unfilled() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, ..) in TEXTS {
            assert!(seen.insert(code), "{code}");
            let evidence = Evidence::counted(code, Kind::EMAIL, 1, 2);
            for lang in [Lang::Zh, Lang::En] {
                assert!(!evidence.text(lang).contains('{'), "{code}");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_shown_as_it_is() {
        let evidence = Evidence {
            code: Cow::Owned("new".into()),
            ..Evidence::plain("empty")
        };
        assert_eq!(evidence.text(Lang::Zh), "new");
    }
}
