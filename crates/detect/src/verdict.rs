//! What a validator answers.

use liuhen_document::Text;
use liuhen_kinds::Lang;
use serde::{Deserialize, Serialize};

/// A value in the one form in which values of its kind are compared.
///
/// Wiped when dropped; `Debug` prints its length only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Normalised(Text);

impl Normalised {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Gives the value up.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into_string()
    }

    /// Gives the value up, still guarded.
    #[must_use]
    pub fn into_text(self) -> Text {
        self.0
    }
}

impl From<String> for Normalised {
    fn from(value: String) -> Normalised {
        Normalised(Text::from(value))
    }
}

impl std::fmt::Debug for Normalised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Normalised({} chars)", self.as_str().chars().count())
    }
}

/// Whether a text is of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is, by every rule we have.
    Valid(Normalised),
    /// It has the form, and something speaks against it or cannot be checked.
    Doubtful(Normalised, ReasonCode),
    /// It is not.
    Invalid(ReasonCode),
}

/// What is found of a text whose form went into a buffer: valid, doubtful for a reason, or not of
/// the kind for a reason.
pub type Judgement = Result<Option<ReasonCode>, ReasonCode>;

impl Verdict {
    /// Puts the value into a buffer.
    pub(crate) fn into_buffer(self, out: &mut String) -> Judgement {
        match self {
            Verdict::Valid(value) => {
                out.push_str(value.as_str());
                Ok(None)
            }
            Verdict::Doubtful(value, reason) => {
                out.push_str(value.as_str());
                Ok(Some(reason))
            }
            Verdict::Invalid(reason) => Err(reason),
        }
    }

    /// The value in its one form, unless the text is not of the kind.
    #[must_use]
    pub fn normalised(self) -> Option<Normalised> {
        match self {
            Verdict::Valid(value) | Verdict::Doubtful(value, _) => Some(value),
            Verdict::Invalid(_) => None,
        }
    }

    /// Whether it is valid.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        matches!(self, Verdict::Valid(_))
    }

    /// What speaks against it.
    #[must_use]
    pub const fn reason(&self) -> Option<ReasonCode> {
        match self {
            Verdict::Valid(_) => None,
            Verdict::Doubtful(_, reason) | Verdict::Invalid(reason) => Some(*reason),
        }
    }

    /// For tables of tests: the one form of a valid value, or the reason against any other.
    #[cfg(test)]
    pub(crate) fn outcome(self) -> Result<String, ReasonCode> {
        match (self.reason(), self.normalised()) {
            (None, Some(value)) => Ok(value.into_string()),
            (reason, _) => Err(reason.unwrap_or(ReasonCode::Form)),
        }
    }
}

macro_rules! reasons {
    ($($variant:ident $code:literal $zh:literal $en:literal;)*) => {
        /// Why a value is doubtful or invalid.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[non_exhaustive]
        pub enum ReasonCode {
            $(#[doc = concat!($en, ".")] $variant,)*
        }

        impl ReasonCode {
            /// Every code there is.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$variant),*];

            /// The stable name, as reports and the API write it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(ReasonCode::$variant => $code,)* }
            }

            /// The reason in words.
            #[must_use]
            pub const fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((ReasonCode::$variant, Lang::Zh) => $zh,
                      (ReasonCode::$variant, Lang::En) => $en,)*
                }
            }
        }
    };
}

reasons! {
    Empty "EMPTY" "没有内容" "empty";
    Length "LENGTH" "位数不对" "wrong number of characters";
    Character "CHARACTER" "含有不该有的字符" "holds a character that does not belong";
    Form "FORM" "格式不符" "not of this form";
    CheckDigit "CHECK_DIGIT" "校验码不符" "the check digit does not fit";
    UnknownRegion "UNKNOWN_REGION" "没有这个行政区划代码" "no such region code";
    ImpossibleDate "IMPOSSIBLE_DATE" "没有这一天" "no such day";
    FutureDate "FUTURE_DATE" "日期在将来" "the day is yet to come";
    MonthOnly "MONTH_ONLY" "只有年月" "year and month only";
    OldForm "OLD_FORM" "15 位旧号码，无校验码" "an old number of 15 digits, without a check digit";
    OtherDocument "OTHER_DOCUMENT" "是另一种证件的号码" "the number of another document";
    UnassignedSegment "UNASSIGNED_SEGMENT" "号段未启用" "an unassigned segment";
    NotAPerson "NOT_A_PERSON" "物联网或卫星号段" "a segment of machines or satellites";
    Hotline "HOTLINE" "服务热线，不属于个人" "a hotline, nobody's own";
    UnassignedArea "UNASSIGNED_AREA" "没有这个区号" "no such area code";
    NoAreaCode "NO_AREA_CODE" "没有区号" "no area code";
    Luhn "LUHN" "Luhn 校验不符" "the Luhn check fails";
    UnknownIssuer "UNKNOWN_ISSUER" "发卡行识别码未知" "no known issuer";
    NoSurname "NO_SURNAME" "不以常见姓氏开头" "does not begin with a known surname";
    Latin "LATIN" "拉丁字母写的名字，无从检验" "a name in Latin letters, which cannot be checked";
    Title "TITLE" "只有姓氏和称谓" "a surname with a title only";
    Masked "MASKED" "已部分遮盖" "partly masked";
    Organisation "ORGANISATION" "像单位名称" "looks like an organisation";
    CommonWord "COMMON_WORD" "像普通词语" "looks like a common word";
    NoLevels "NO_LEVELS" "没有地址的层级" "without the levels of an address";
    FewLevels "FEW_LEVELS" "地址不完整" "an incomplete address";
    SerialLetters "SERIAL_LETTERS" "序号中字母过多" "more letters in the serial than are issued";
    Coded "CODED" "用代码表示" "written as a code";
    Unchecked "UNCHECKED" "这一种类无从检验" "values of this kind cannot be checked";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_speaks_both_languages() {
        let mut codes = std::collections::BTreeSet::new();
        for reason in ReasonCode::ALL {
            assert!(codes.insert(reason.code()), "{}", reason.code());
            assert!(reason.text(Lang::En).is_ascii());
            assert!(!reason.text(Lang::Zh).is_ascii());
        }
    }

    #[test]
    fn debug_never_shows_the_value() {
        let verdict = Verdict::Doubtful(Normalised::from("secret".to_owned()), ReasonCode::Length);
        assert_eq!(
            format!("{verdict:?}"),
            "Doubtful(Normalised(6 chars), Length)"
        );
        assert_eq!(verdict.reason(), Some(ReasonCode::Length));
        assert_eq!(
            verdict.normalised().map(Normalised::into_string).as_deref(),
            Some("secret")
        );
    }
}
