//! What can be wrong with a row, told without its values.

use std::fmt;

use liuhen_kinds::Lang;
use serde::{Deserialize, Serialize};

use crate::Locator;

/// A row that could not be used: where it stands and why, never what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Where: file, sheet, row, and the column where one is to blame.
    pub locator: Locator,
    /// Why.
    pub reason: ProblemCode,
}

impl RowProblem {
    /// The reason in words; the place is the locator's to show.
    #[must_use]
    pub const fn text(&self, lang: Lang) -> &'static str {
        self.reason.text(lang)
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.locator, self.reason.text(Lang::En))
    }
}

impl std::error::Error for RowProblem {}

macro_rules! problems {
    ($($variant:ident $code:literal $zh:literal $en:literal;)*) => {
        /// Why a row could not be used.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ProblemCode {
            $(#[doc = concat!($en, ".")] $variant,)*
        }

        impl ProblemCode {
            /// Every code there is.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$variant),*];

            /// The stable name, as reports and the API write it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(ProblemCode::$variant => $code,)* }
            }

            /// The reason in words.
            #[must_use]
            pub const fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((ProblemCode::$variant, Lang::Zh) => $zh,
                      (ProblemCode::$variant, Lang::En) => $en,)*
                }
            }
        }
    };
}

problems! {
    TooManyColumns "too_many_columns" "列数多于表头" "more columns than the header has";
    TooFewColumns "too_few_columns" "列数少于表头" "fewer columns than the header has";
    BadEncoding "bad_encoding" "含有无法解码的字节" "holds bytes that cannot be decoded";
    CellTooLong "cell_too_long" "单元格超出长度上限" "a cell is longer than allowed";
    RowTooLong "row_too_long" "整行超出长度上限" "the row is longer than allowed";
    Malformed "malformed" "格式有误" "malformed";
    UnclosedQuote "unclosed_quote" "引号没有闭合" "a quotation mark is never closed";
    NulByte "nul_byte" "含有空字符（NUL）" "holds a NUL character";
    EmptyRow "empty_row" "空行" "the row is empty";
    InvalidValue "invalid_value" "数值不符合该列的种类" "a value is not of the column's kind";
    MissingIdentity "missing_identity" "没有身份证号，也没有手机号加姓名，无法确定是谁"
        "neither a resident ID nor a mobile number with a name: nobody to file it under";
    Duplicate "duplicate" "与前面的行重复" "repeats an earlier row";
    FormulaError "formula_error" "单元格是公式错误" "a cell holds a formula error";
    PrecisionLost "precision_lost" "电子表格已把这个长号码改成近似值（应以文本保存）"
        "a spreadsheet has rounded this long number; it must be kept as text";
    Unreadable "unreadable" "无法读取" "could not be read";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_speaks_both_languages() {
        let mut codes = std::collections::BTreeSet::new();
        for problem in ProblemCode::ALL {
            assert!(codes.insert(problem.code()), "{}", problem.code());
            assert!(problem.text(Lang::En).is_ascii());
            assert!(!problem.text(Lang::Zh).is_ascii());
            let english = problem.text(Lang::En);
            assert!(!english.ends_with('.'), "{english}");
        }
    }

    #[test]
    fn joins_place_and_reason() {
        let problem = RowProblem {
            locator: Locator::file("名单.csv").at_row(12).at_column(3),
            reason: ProblemCode::InvalidValue,
        };
        assert_eq!(
            problem.to_string(),
            "名单.csv, row 12, column 3: a value is not of the column's kind"
        );
    }
}
