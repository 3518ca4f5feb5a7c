//! Why a row does not count, or counts no more.
//!
//! Rule: the three filters of practice, identifiable, not repeated, true (facts of the rule pack:
//! SPPD), each exclusion named. A row is excluded for untruth only when nothing in it identifies
//! a person truly: an ID whose check fails beside a telephone that holds leaves the person in,
//! keyed by the telephone, and the failure is noted apart. A telephone has no check and is never
//! untrue for its digits.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident $code:literal $number:literal $zh:literal $en:literal;)*) => {
        /// A reason code of the ledger.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Reason {
            $(#[doc = concat!($en, ".")] $variant = $number,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// In words: Chinese, English.
            #[must_use]
            pub const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($zh, $en),)* }
            }

            /// The reason of a number in a file of ours.
            pub(crate) const fn of(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

reasons! {
    UnreadableRow "UNREADABLE_ROW" 1 "无法读取的行" "a row that could not be read";
    NotIdentifiable "NOT_IDENTIFIABLE" 2 "不能识别特定自然人" "identifies nobody";
    BadCheck "BAD_CHECK" 3 "校验不符，且无其他标识" "fails its check, and nothing else identifies";
    ImpossibleDate "IMPOSSIBLE_DATE" 4 "日期不存在，且无其他标识" "names an impossible date, and nothing else identifies";
    TestPattern "TEST_PATTERN" 5 "测试或示例数据" "data of tests or examples";
    OrgNotPerson "ORG_NOT_PERSON" 6 "单位信息，非自然人" "an organisation's, no person's";
    DuplicateOf "DUPLICATE_OF" 7 "重复" "a repetition";
    NearDuplicateOf "NEAR_DUPLICATE_OF" 8 "疑似重复，未排除" "a likely repetition, not excluded";
}

/// A declared key policy: what makes two items the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The same cells in the same order.
    ExactRow = 0,
    /// The same person, by the best identifier.
    Person = 1,
    /// The same kind of information of the same person.
    PersonType = 2,
    /// As before, and each event an item of its own.
    PersonTypeEvent = 3,
    /// The same kind of information of the same person in the same act with the same counterparty.
    PersonTypeAct = 4,
}

impl Policy {
    /// Every policy, in the order of arrays of them.
    pub const ALL: [Self; 5] = [
        Self::ExactRow,
        Self::Person,
        Self::PersonType,
        Self::PersonTypeEvent,
        Self::PersonTypeAct,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactRow => "exact_row",
            Self::Person => "person",
            Self::PersonType => "person_type",
            Self::PersonTypeEvent => "person_type_event",
            Self::PersonTypeAct => "person_type_act",
        }
    }

    /// In words: Chinese, English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ExactRow => ("整行相同", "exact row"),
            Self::Person => ("人", "person"),
            Self::PersonType => ("人×类型", "person × type"),
            Self::PersonTypeEvent => ("人×类型×时间", "person × type × event time"),
            Self::PersonTypeAct => ("人×类型×行为×相对方", "person × type × act × counterparty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back_by_their_numbers() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of(*reason as u8), Some(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
        assert_eq!(Reason::of(0), None);
    }
}
